"""How far two runs over one recording agree, sweep by sweep."""

from collections.abc import Callable, Sequence
from typing import Any

from despite_ros.bags.results import Line

MILLIMETRES = 3  # digits


def agreement(first: Sequence[Line], second: Sequence[Line]) -> dict[str, float]:
    """Shares of all sweeps that either run has.

    sweeps: how many those are. in_both: answered by both; tracks: with the same numbers at the same places
    (to a millimetre); names: with the same wearers on the same tracks; activities: with the same labels;
    frames: with all of that the same.
    """
    pairs = {line["stamp_ns"]: [line] for line in first}
    for line in second:
        pairs.setdefault(line["stamp_ns"], []).append(line)
    both = [lines for lines in pairs.values() if len(lines) == 2]

    def share(*views: Callable[[Line], Any]) -> float:
        same = sum(all(view(a) == view(b) for view in views) for a, b in both)
        return same / len(pairs) if pairs else 0.0

    return {
        "sweeps": len(pairs),
        "in_both": share(),
        "tracks": share(_tracks),
        "names": share(_names),
        "activities": share(_activities),
        "frames": share(_tracks, _names, _activities),
    }


def _tracks(line: Line) -> Any:
    return [(p["track_id"], *(round(p[axis], MILLIMETRES) for axis in "xyz")) for p in line["people"]]


def _names(line: Line) -> Any:
    return [(item["wearer"], item["track_id"], item["state"]) for item in line["assignments"]]


def _activities(line: Line) -> Any:
    return [(person["track_id"], person["activity"]) for person in line["people"]]
