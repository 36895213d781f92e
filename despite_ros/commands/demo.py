"""`despite demo`."""

import argparse
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.live import Live

from despite_ros.bags.results import Line
from despite_ros.bags.score import judge
from despite_ros.bags.writer import CLOUD_TOPIC, write_recording
from despite_ros.encoders import find_model
from despite_ros.errors import UserError
from despite_ros.nodes.processes import node_command, running
from despite_ros.nodes.results_node import ResultsNode, listening
from despite_ros.nodes.table import live_table
from despite_ros.simulation.scene import random_scene

HELP = (
    "A simulated room through the real nodes: people wearing IMUs and one wearer who is not there. Ends with "
    "status 0 only if at the end every visible wearer is on the right person and the absent one on nobody."
)
REFRESH_S = 0.25
SETTLE_S = 0.3  # for the last results, after the last message was played


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for report and recording")
    parser.add_argument("--seconds", type=float, default=28.0, help="length of the scene")
    parser.add_argument("--people", type=int, default=4, help="people in the room")
    parser.add_argument("--wearers", type=int, default=3, help="how many of them wear IMUs")
    parser.add_argument("--absent", type=int, default=1, help="wearers who are not in the room")
    parser.add_argument("--sensor", default="os0_32", help="LiDAR that is simulated")
    parser.add_argument("--seed", type=int, default=2, help="of the random scene")
    parser.add_argument("--model", default="despite-pi", help="released model: a name, or a folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or tensorrt")


def run(args: argparse.Namespace) -> int:
    """Simulate, play, watch, report; 0 if everybody was found, 1 if not."""
    console = Console()
    find_model(args.model)  # before the long part
    scene_folder = _simulate(args, console)
    parameters = {"nodes.truth": str(scene_folder / "truth.jsonl"), "encoders.model": args.model}
    with listening(parameters) as results:
        _watch(args, scene_folder, results, console)
    results.write(args.out, "demo")
    (scene_folder / "wearers.yaml").rename(args.out / "wearers.yaml")
    shutil.rmtree(scene_folder)  # the recording has it all
    verdict = final_verdict(results.lines, results.truth)
    for wearer, right in verdict.items():
        console.print(f"{wearer}: {'right' if right else '[red]wrong'}")
    console.print(f"report: {args.out / 'report.html'}   recording: {args.out / 'recording'}")
    return 0 if verdict and all(verdict.values()) else 1


def final_verdict(lines: Sequence[Line], truth: Sequence[Line]) -> dict[str, bool]:
    """Wearer → whether the last sweep has it on the right person, or on nobody if it is not there."""
    judged = judge(lines, truth)
    return {w: judged[-1].named[w] == name for w, name in judged[-1].expected.items()} if judged else {}


def _simulate(args: argparse.Namespace, console: Console) -> Path:
    """Make the scene's recording; its folder."""
    shutil.rmtree(args.out, ignore_errors=True)
    with console.status("simulating the room") as status:
        scene = random_scene(
            np.random.default_rng(args.seed),
            args.people,
            args.wearers,
            args.absent,
            args.seconds,
            args.sensor,
        )
        count = scene.sweep_count
        return write_recording(
            scene,
            args.out / "scene",
            progress=lambda sweep: status.update(f"simulating the room: sweep {sweep} of {count}"),
        )


def _watch(args: argparse.Namespace, scene: Path, results: ResultsNode, console: Console) -> None:
    """Run nodes and player until the scene is over, with the table on screen.

    Raises:
        UserError: a node ended before the scene was over.
    """
    parameters = {
        "nodes.lidar_topics": [CLOUD_TOPIC],
        "nodes.wearers": str(scene / "wearers.yaml"),
        "nodes.recording": str(args.out / "recording"),
        "encoders.model": args.model,
        "encoders.device": args.device,
    }
    commands = {name: node_command(name, parameters) for name in ("people", "reid", "recorder")}
    recording = str(scene / "recording.mcap")
    commands["player"] = ["-m", "despite_ros.nodes", "player", recording, "--subscribers=2"]
    with running(commands, args.out) as processes, Live(console=console, auto_refresh=False) as live:
        while processes["player"].poll() is None:
            ended = [name for name, process in processes.items() if process.poll() is not None]
            if ended and ended != ["player"]:
                last = (args.out / f"{ended[0]}.log").read_text().strip().splitlines()[-1:]
                raise UserError(f"{ended[0]} ended before the scene was over: {' '.join(last)}")
            _show(live, results)
            time.sleep(REFRESH_S)
        time.sleep(SETTLE_S)
        _show(live, results)


def _show(live: Live, results: ResultsNode) -> None:
    newest = results.lines[-1] if results.lines else None
    marks = final_verdict([newest], results.truth) if newest else {}
    live.update(live_table(newest, results.faults(), marks), refresh=True)
