"""What became of a sweep, in words for /diagnostics: why is nobody found, why is nobody named?"""

import math
from collections.abc import Mapping

from despite_ros.records import NOBODY, Assignment, ReidFrame, State

STEPS = {
    "points": "points",
    "above_ground": "above the ground",
    "foreground": "not background",
    "clusters": "clusters",
    "people": "people",
}
# Where nothing is left after a step, what that usually means.
HINTS = {
    "points": "no valid point: is the LiDAR covered?",
    "above_ground": "all is taken for ground: is the cloud's z axis up, or nodes.fixed_frame set?",
    "foreground": "all is background: who has not moved since the start is taken for furniture",
    "clusters": "too few points beside each other: is everybody too far away?",
    "people": "nothing looks like a person, or not for long enough",
}


def people_story(counters: Mapping[str, int]) -> str:
    """'9000 points → 4000 above the ground → … → 4 people; left out: 11 too flat', or why there is nobody."""
    kept = " → ".join(f"{counters[name]} {words}" for name, words in STEPS.items() if name in counters)
    rest = [f"{n} {name.replace('_', ' ')}" for name, n in counters.items() if n and name not in STEPS]
    left_out = f"; left out: {', '.join(rest)}" if rest else ""
    empty = next((name for name in STEPS if counters.get(name) == 0), None)
    return f"{kept}{left_out}" + (f" ({HINTS[empty]})" if empty else "")


def names_story(reid: ReidFrame) -> str:
    """'alice on track 3 (97 %), bob: gathering evidence'."""
    return ", ".join(_assignment(item) for item in reid.assignments)


def wearer_values(
    reid: ReidFrame, clock_offsets: Mapping[str, float], heading_offsets: Mapping[str, float]
) -> dict[str, str]:
    """Per wearer: state, and what its clock (s) and heading (degrees) seem to be off by, where known."""
    values = {f"wearer.{item.wearer}": _assignment(item) for item in reid.assignments}
    for name, seconds in clock_offsets.items():
        if math.isfinite(seconds):
            values[f"clock_offset_s.{name}"] = f"{seconds:.3f}"
    for name, angle in heading_offsets.items():
        if angle:
            values[f"heading_offset_deg.{name}"] = f"{math.degrees(angle):.0f}"
    return values


def _assignment(item: Assignment) -> str:
    if item.track_id != NOBODY:
        return f"{item.wearer} on track {item.track_id} ({item.confidence:.0%}, {item.state})"
    words = {
        State.GATHERING: "gathering evidence",
        State.ABSENT: "on nobody who is seen",
        State.STALE: "no IMU samples",
    }
    return f"{item.wearer}: {words.get(item.state, item.state)}"
