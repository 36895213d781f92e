"""`despite replay`."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from despite_ros.bags.pace import rate_of
from despite_ros.bags.replay import Replay
from despite_ros.bags.results import json_ready
from despite_ros.bags.run import ReplayOptions, run_replay
from despite_ros.errors import UserError

HELP = "Run the nodes' own pipeline over a recording; write results.jsonl, summary.json, report.html."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("recording", type=Path, help="bag folder, or an .mcap, .db3 or .bag file")
    parser.add_argument("--wearers", type=Path, help="wearers file (YAML); without it people stay nameless")
    parser.add_argument("--truth", type=Path, help="truth.jsonl to score against")
    parser.add_argument(
        "--model", default="despite-pi", help="released model: a name, or a folder with card.yaml"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or tensorrt")
    parser.add_argument("--params", type=Path, help="settings file (YAML, also a ROS parameters file)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--lidar",
        action="append",
        default=[],
        metavar="TOPIC",
        help="PointCloud2 topic; may be repeated (all of them when not given)",
    )
    parser.add_argument(
        "--fixed-frame",
        default="",
        help="frame to track in, by the recording's tf (needed for a moving LiDAR)",
    )
    parser.add_argument("--rate", default="max", help="'max', or a multiple of real time such as 1.0")
    parser.add_argument(
        "--bag",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="also write the results as topics into a new bag (MCAP; needs ROS); without FOLDER it is "
        "RECORDING_despite beside the recording",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Replay; 0 when results were written, 130 when Ctrl-C ended it early.

    Raises:
        UserError: what is given is not what it should be, or not one sweep could be processed.
    """
    options = ReplayOptions(
        recording=args.recording,
        out=args.out,
        wearers=args.wearers,
        truth=args.truth,
        model=args.model,
        device=args.device,
        params=args.params,
        lidar_topics=tuple(args.lidar),
        fixed_frame=args.fixed_frame,
        rate=rate_of(args.rate),
        bag=_bag(args.bag, args.recording.resolve()),
        ahead=(os.cpu_count() or 1) > 1,
    )
    console = Console(stderr=True)
    with _Bar(console) as bar:
        summary = run_replay(options, bar.update)
    if args.json:
        print(json.dumps(json_ready(summary)))
    else:
        _print(summary, args.out, console)
    if not summary["frames"] and not summary["interrupted"]:
        why = "; ".join(summary["notes"]) or "the recording holds no clouds"
        raise UserError(f"{args.recording}: not one sweep could be processed: {why}")
    return 130 if summary["interrupted"] else 0


def _bag(folder: str | None, recording: Path) -> Path | None:
    if folder is None or folder:
        return Path(folder) if folder else None
    name = recording.stem if recording.is_file() else recording.name
    return recording.with_name(f"{name}_despite")


class _Bar:
    """Progress with the share of real time."""

    def __init__(self, console: Console) -> None:
        columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        self._task = self._progress.add_task("reading", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, replay: Replay) -> None:
        """Show where the replay is."""
        done = replay.elapsed_ns / 1e9
        elapsed = self._progress.tasks[0].elapsed or 1e-9
        total = replay.recording.duration_s or None
        text = f"{done:.0f} s, {done / elapsed:.1f} × real time"
        self._progress.update(self._task, total=total, completed=done, description=text)


def _print(summary: dict[str, Any], out: Path, console: Console) -> None:
    table = Table(show_header=False, box=None)
    took = ", ".join(summary["topics"]["lidar"])
    table.add_row("clouds from", took)
    table.add_row("IMU topics", str(len(summary["topics"]["imu"])))
    table.add_row(
        "sweeps",
        f"{summary['frames']} ({summary['recording_s']:.1f} s at {summary['real_time_factor']:.1f} × real)",
    )
    for name, value in _figures(summary.get("scores", {})):
        table.add_row(name, f"{value:.3f}")
    for reason, count in summary["drops"].items():
        if count:
            table.add_row("dropped", f"{count} × {reason}")
    for note in summary["notes"]:
        table.add_row("note", note)
    table.add_row("report", str(out / "report.html"))
    console.print(table)


def _figures(scores: dict[str, Any]) -> list[tuple[str, float]]:
    if not scores.get("frames"):
        return []
    tracking, assignment = scores["tracking"], scores["assignment"]
    return [
        *((name, float(tracking[name])) for name in ("recall", "precision", "mota", "idf1", "hota")),
        ("right assignment", assignment["accuracy"]),
        ("false names of absent", assignment["false_names_of_absent"]),
        ("IDF1 of names", scores["names_idf1"]),
        ("activity", scores["activity"]["accuracy"]),
    ]
