"""`despite simulate`."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from despite_ros.bags.writer import write_recording
from despite_ros.errors import UserError
from despite_ros.simulation import repertoire
from despite_ros.simulation.captured import load_folder
from despite_ros.simulation.crowd import Repertoire
from despite_ros.simulation.lidar import SENSORS
from despite_ros.simulation.scene import random_scene

HELP = "Make a recording of a simulated room: clouds, IMU samples, the truth and a wearers file."
SHORTEST_CLIP = 1.5  # seconds of a captured motion for it to be used


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the recording; made, or without one"
    )
    parser.add_argument("--people", type=int, default=4, help="how many people are in the room")
    parser.add_argument("--wearers", type=int, default=3, help="how many of them wear IMUs")
    parser.add_argument("--absent", type=int, default=1, help="how many more wear IMUs but are elsewhere")
    parser.add_argument("--imus", type=int, default=4, help="IMUs on each wearer, 1 to 4, on random limbs")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the recording")
    parser.add_argument("--sensor", default="os1_64", help=f"the LiDAR: {', '.join(SENSORS)}")
    parser.add_argument(
        "--moving", action="store_true", help="a robot drives the LiDAR about (tf: map → lidar)"
    )
    parser.add_argument(
        "--upside-down",
        action="store_true",
        help="the LiDAR hangs upside down, as suits one that looks up (tf: map → lidar, so replay with "
        "--fixed-frame map)",
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed and flags make the same recording")
    parser.add_argument(
        "--motions",
        default="parametric",
        metavar="KIND",
        help="what people do: parametric (everyday activities), made-up (random motion), "
        "or a folder of packed motion capture",
    )
    parser.add_argument(
        "--persons",
        default="",
        metavar="NAMES",
        help="of a motion capture folder, only these people: names such as cmu/07,reactidle/003, or a file "
        "with one name a line (a data split); all when empty",
    )
    parser.add_argument(
        "--point-people", action="store_true", help="also write whose every point is: point_people.npz"
    )
    parser.add_argument("--json", action="store_true", help="print a summary as JSON, and nothing else")


def run(args: argparse.Namespace) -> int:
    """Simulate and write; 0 when the recording was written."""
    began = time.monotonic()
    scene = random_scene(
        np.random.default_rng(args.seed),
        args.people,
        args.wearers,
        args.absent,
        args.seconds,
        args.sensor,
        args.moving,
        _repertoire(args.motions, args.persons),
        args.imus,
        args.upside_down,
    )
    columns = (TextColumn("{task.completed} of {task.total} sweeps"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=args.json) as bar:
        task = bar.add_task("", total=scene.sweep_count)
        write_recording(scene, args.out, args.point_people, lambda done: bar.update(task, completed=done))
    summary = {
        "recording": str(args.out),
        "sweeps": scene.sweep_count,
        "sensor": scene.sensor.name,
        "people": [person.name for person in scene.people if person.present],
        "wearers": [person.wearer for person in scene.people if person.present and person.wearer],
        "absent": [person.wearer for person in scene.people if not person.present],
        "took_s": round(time.monotonic() - began, 2),
    }
    _tell(summary, args.json)
    return 0


def _tell(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary))
        return
    for name, value in summary.items():
        print(f"{name:>10}: {', '.join(value) if isinstance(value, list) else value}")


def _repertoire(kind: str, persons: str) -> Repertoire:
    if kind == "parametric":
        return repertoire.parametric
    if kind == "made-up":
        return repertoire.made_up
    if not Path(kind).is_dir():
        raise UserError(
            f"--motions {kind}: neither 'parametric' nor 'made-up' nor a folder of motion capture"
        )
    chosen = _names(persons)
    motions = [motion for motion in load_folder(kind) if not chosen or motion.person in chosen]
    missing = chosen - {motion.person for motion in motions}
    if missing:
        raise UserError(f"--persons: nobody of these names in {kind}: {', '.join(sorted(missing))}")
    motions = [motion for motion in motions if motion.duration >= SHORTEST_CLIP]
    if not motions:
        raise UserError(f"--motions {kind}: no clip is at least {SHORTEST_CLIP} s long")
    return repertoire.captured(motions)


def _names(persons: str) -> set[str]:
    """Names from a list with commas, or from a file with one a line."""
    text = Path(persons).read_text() if persons and Path(persons).is_file() else persons.replace(",", "\n")
    return {line.strip() for line in text.splitlines() if line.strip()}
