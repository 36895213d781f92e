"""`despite bench`."""

import argparse
import json
from typing import Any

from rich.console import Console
from rich.table import Table

from despite_ros.bench import Grid, bench
from despite_ros.bench import machine as this_machine

HELP = (
    "The speed table of this machine: milliseconds a sweep of the pipeline's stages in simulated rooms where "
    "everybody wears four IMUs, and how far the encoders are from the floor that a measured sgemm sets."
)
REID_STAGES = ("windows", "encode", "match", "activities", "advance")  # after the segmenter's
COLUMNS = ("people", "points", "threads", "imu", "segment", *REID_STAGES, "total", "floor", "encode/floor")
WIDTH = 110  # columns of text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    grid = Grid()
    parser.add_argument("--model", default="despite-pi", help="released model: a name, or a model folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or tensorrt")
    parser.add_argument("--people", type=int, nargs="+", default=grid.people, help="in the room")
    parser.add_argument("--sensors", nargs="+", default=grid.sensors, help="simulated LiDARs")
    parser.add_argument("--threads", type=int, nargs="+", default=grid.threads, help="of the encoders")
    parser.add_argument("--limit", type=float, default=45.0, help="seconds after which no new room is begun")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Measure and tell."""
    grid = Grid(args.people, args.sensors, args.threads)
    content: dict[str, Any] = {"machine": this_machine(), "model": args.model, "rows": []}
    with Console(stderr=True).status("measuring") as status:
        for row in bench(args.model, args.device, grid, args.limit):
            content["rows"].append(row)
            status.update(f"measured {row['people']} people, {row['sensor']}, {row['threads']} threads")
    content["complete"] = len(content["rows"]) == len(args.people) * len(args.sensors) * len(args.threads)
    if args.json:
        print(json.dumps(content))
    else:
        _print(content)
    return 0


def _print(content: dict[str, Any]) -> None:
    table = Table(box=None, padding=(0, 1, 0, 0), title="milliseconds a sweep (medians)")
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in content["rows"]:
        stages = dict(row["stages"])
        imu, after = stages.pop("imu"), [stages.pop(name) for name in REID_STAGES]
        numbers = (imu, sum(stages.values()), *after, row["total"], row["floor_ms"], row["encode_to_floor"])
        cells = ["–" if number is None else f"{number:.1f}" for number in numbers]
        table.add_row(str(row["people"]), str(row["points"]), str(row["threads"]), *cells)
    console, machine = Console(width=WIDTH), content["machine"]
    console.print(table)
    console.print(
        "floor: what the encoders' multiplications alone would take at the rate of a measured sgemm; "
        "advance is done after the answer, encode before it"
    )
    console.print(
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load']} before measuring"
    )
    if machine["load"] > machine["cores"] / 2:
        console.print("the machine is busy with other things: the figures are too high")
    if not content["complete"]:
        Console().print("the time was up before the rest of the table; --limit gives more")
