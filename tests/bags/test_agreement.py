import pytest

from despite_ros.bags.agreement import agreement
from despite_ros.bags.results import Line


def line(stamp_ns: int, x: float = 1.0, alice: int = 3, activity: str = "walk") -> Line:
    person = {"track_id": 3, "x": x, "y": 0.0, "z": 1.0, "activity": activity}
    named = {"wearer": "alice", "track_id": alice, "state": "assigned"}
    return {"stamp_ns": stamp_ns, "people": [person], "assignments": [named]}


def test_a_run_agrees_with_itself() -> None:
    lines = [line(stamp) for stamp in range(5)]
    found = agreement(lines, lines)
    assert found.pop("sweeps") == 5
    assert set(found.values()) == {1.0}


def test_what_differs_or_is_missing_lowers_its_share() -> None:
    first = [line(stamp) for stamp in range(5)]
    second = [line(0), line(1, x=1.1), line(2, alice=-1), line(3, activity="run")]
    assert agreement(first, second) == pytest.approx(
        {"sweeps": 5, "in_both": 0.8, "tracks": 0.6, "names": 0.6, "activities": 0.6, "frames": 0.2}
    )


def test_nothing_agrees_with_nothing() -> None:
    assert agreement([], [])["frames"] == 0.0
