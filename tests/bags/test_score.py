import pytest

from despite_ros.bags.results import Line
from despite_ros.bags.score import judge, score

SWEEP_NS = 100_000_000


def truth_line(sweep: int, points: int = 200) -> Line:
    return {
        "stamp_ns": sweep * SWEEP_NS,
        "people": [
            {
                "name": "p0",
                "wearer": "alice",
                "x": 0.0,
                "y": 0.0,
                "z": 1.0,
                "points": points,
                "activity": "walk",
            },
            {"name": "p1", "wearer": None, "x": 4.0, "y": 0.0, "z": 1.0, "points": 200, "activity": "stand"},
        ],
    }


def result_line(sweep: int, alice: int, bob: int = -1, confidence: float = 0.9) -> Line:
    """Tracks 1 and 2 on p0 and p1; alice and the absent bob assigned to the given tracks."""
    tracks = [
        {"track_id": 1, "x": 0.1, "y": 0.0, "z": 1.0, "points": 200, "activity": "walk"},
        {"track_id": 2, "x": 4.1, "y": 0.0, "z": 1.0, "points": 200, "activity": "walk"},
    ]
    assignments = [
        {"wearer": w, "track_id": t, "confidence": confidence, "state": "assigned" if t >= 0 else "absent"}
        for w, t in (("alice", alice), ("bob", bob))
    ]
    return {"stamp_ns": sweep * SWEEP_NS + 5, "people": tracks, "assignments": assignments}


def test_right_from_the_start() -> None:
    found = score([result_line(i, 1) for i in range(100)], [truth_line(i) for i in range(100)])
    assert found["assignment"]["accuracy"] == 1
    assert found["assignment"]["false_names_of_absent"] == 0
    assert found["seconds_to_lasting"] == {"alice": 0.0, "bob": 0.0}
    assert found["names_idf1"] == 1
    assert found["activity"]["per_label"] == {"stand": 0.0, "walk": 1.0}


def test_right_after_two_seconds_and_a_swap() -> None:
    results = [result_line(i, 2 if i < 20 else 1) for i in range(100)]
    found = score(results, [truth_line(i) for i in range(100)])
    assert found["seconds_to_lasting"]["alice"] == pytest.approx(2.0)
    assert found["name_swaps_per_minute"] == pytest.approx(60 / 9.9 / 1)
    assert found["names_idf1"] < found["tracking"]["idf1"] == 1


def test_wrong_at_the_end_never_lasts() -> None:
    results = [result_line(i, 1 if i < 99 else 2) for i in range(100)]
    assert score(results, [truth_line(i) for i in range(100)])["seconds_to_lasting"]["alice"] is None


def test_naming_an_absent_wearer_is_false() -> None:
    found = score([result_line(i, 1, bob=2) for i in range(100)], [truth_line(i) for i in range(100)])
    assert found["assignment"]["false_names_of_absent"] == 1
    assert found["confusion"]["bob → (absent)"] == {"p1": 50}


def test_hidden_person_counts_for_nothing() -> None:
    judged = judge([result_line(0, 2)], [truth_line(0, points=3)])
    assert judged[0].expected == {"bob": None}


def test_reliability_of_confidence() -> None:
    results = [result_line(i, 1 if i % 4 else 2, confidence=0.75) for i in range(100)]
    (only,) = score(results, [truth_line(i) for i in range(100)])["reliability"]
    assert only["confidence"] == pytest.approx(0.75)
    assert only["right"] == pytest.approx(0.75, abs=0.05)


def test_results_without_truth_nearby_are_left_out() -> None:
    assert score([result_line(0, 1)], [truth_line(50)]) == {"frames": 0}
