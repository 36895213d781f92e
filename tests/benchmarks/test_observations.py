"""What the re-identification benchmark does to IMU samples, and the rule it compares with."""

import numpy as np
import pytest

from benchmarks.observations import (
    Case,
    Observation,
    drifting,
    late,
    lossy,
    observe,
    one_sensor,
    over_and_over,
)
from benchmarks.reid import paper_rule
from despite_ros.motion.rotations import matrices
from despite_ros.motion.wearers import Sensor, Wearer
from despite_ros.records import PeopleFrame
from despite_ros.simulation.imu import ImuSamples

SECOND = 1_000_000_000


@pytest.fixture
def seen() -> Observation:
    stamps = np.arange(6000, dtype=np.int64) * (SECOND // 100)
    upright = np.tile(np.array([0, 0, 0, 1], np.float32), (6000, 1))
    still = np.zeros((6000, 3), np.float32)
    limbs = ("left_shank", "left_forearm")
    samples = {"alice": {limb: ImuSamples(stamps, upright, still, still) for limb in limbs}}
    wearer = Wearer("alice", {limb: Sensor(f"/{limb}") for limb in limbs})
    return Observation([PeopleFrame(0, "", ())], [], samples, (wearer,))


def test_headings_drift_by_so_much_a_minute(seen: Observation) -> None:
    turned = matrices(drifting(seen, 5.0).samples["alice"]["left_shank"].orientation[-1])
    assert abs(np.degrees(np.arctan2(turned[1, 0], turned[0, 0]))) == pytest.approx(5.0, abs=0.01)


def test_late_stamps_and_lost_samples(seen: Observation) -> None:
    assert late(seen, 0.1).samples["alice"]["left_shank"].stamps_ns[0] == SECOND // 10
    kept = lossy(seen, 0.2).samples["alice"]["left_shank"]
    assert len(kept.stamps_ns) == len(kept.orientation) == pytest.approx(4800, rel=0.05)


def test_one_sensor_is_the_watch(seen: Observation) -> None:
    assert list(one_sensor(seen).wearers[0].sensors) == ["left_forearm"]


def test_over_and_over_goes_on_in_time(seen: Observation) -> None:
    longer = over_and_over(seen, 3.0)
    assert [frame.stamp_ns for frame in longer.frames] == [0, 60 * SECOND, 120 * SECOND]
    assert (np.diff(longer.samples["alice"]["left_shank"].stamps_ns) > 0).all()


def test_the_papers_rule_is_the_argmax_of_the_mean_of_four() -> None:
    cosines = ([0.9, 0.0], [0.0, 0.2], [0.0, 0.2], [0.0, 0.2], [0.0, 0.2])
    lines = [
        {
            "similarity": {"wearers": ["alice"], "track_ids": [1, 2], "cosine": [row]},
            "assignments": [{"wearer": "alice", "track_id": -1, "state": "gathering"}],
        }
        for row in cosines
    ]
    assert [line["assignments"][0]["track_id"] for line in paper_rule(lines)] == [1, 1, 1, 1, 2]


def test_true_tracks_follow_everybody_for_ever() -> None:
    scene = observe(Case(2, "vlp16", 3, 2.0), None, true_tracks=True)
    for frame, truth in zip(scene.frames, scene.truth, strict=True):
        for person in frame.people:
            there = truth["people"][person.track_id]
            np.testing.assert_allclose(person.position[:2], (there["x"], there["y"]), atol=0.05)
            assert person.points <= there["points"]
    assert {person.track_id for person in scene.frames[-1].people} == {0, 1}


def test_absent_wearers_are_known_but_not_there() -> None:
    scene = observe(Case(1, "vlp16", 3, 1.0, absent=2), None, true_tracks=True)
    assert len(scene.wearers) == len(scene.samples) == 3
    assert {person.get("wearer") for line in scene.truth for person in line["people"]} == {"alice"}
