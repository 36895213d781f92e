"""The live table in the terminal: who is where, how sure, doing what, and how long it took."""

import math
from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from despite_ros.bags.results import Line
from despite_ros.records import NOBODY, State

COLOURS = {State.ASSIGNED: "green", State.GATHERING: "yellow", State.ABSENT: "blue", State.STALE: "red"}
BAR = 12  # characters


def live_table(line: Line | None, faults: Mapping[str, int], marks: Mapping[str, bool]) -> RenderableType:
    """The newest line of results. marks: wearer → whether that is right, where the truth is known."""
    table = Table(title="who wears which IMU", title_justify="left", expand=False)
    for column in ("wearer", "state", "track", "confidence", "similarity", "activity"):
        table.add_column(column)
    if marks:
        table.add_column("right")
    if line is None:
        return Group(table, Text("waiting for the first sweep"))
    activities = {person["track_id"]: _activity(person) for person in line["people"]}
    for item in line["assignments"]:
        track = item["track_id"]
        cells = [
            item["wearer"],
            Text(item["state"], style=COLOURS[State(item["state"])]),
            "nobody" if track == NOBODY else str(track),
            _bar(item["confidence"]),
            _number(item["similarity"]),
            activities.get(track, ""),
        ]
        if marks:
            cells.append({True: "[green]yes", False: "[red]no", None: ""}[marks.get(item["wearer"])])
        table.add_row(*cells)
    return Group(table, Text(_latency(line)), Text(_counters(line)), Text(_faults(faults)))


def _activity(person: Line) -> str:
    label = person["activity"]
    return f"{label} {person['activity_confidence'] or 0:.0%}" if label else ""


def _bar(share: float | None) -> str:
    full = round(BAR * (share or 0.0))
    return f"{'█' * full}{'░' * (BAR - full)} {share or 0.0:4.0%}"


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.2f}"


def _latency(line: Line) -> str:
    stages = line["latency_ms"]
    parts = "  ".join(f"{stage} {value:.1f}" for stage, value in stages.items())
    return f"latency {sum(stages.values()):.1f} ms: {parts}"


def _counters(line: Line) -> str:
    return "sweep: " + ", ".join(f"{count} {name}" for name, count in line["counters"].items())


def _faults(faults: Mapping[str, int]) -> str:
    return "drops: " + (", ".join(f"{name} {count}" for name, count in faults.items()) or "none")
