from dataclasses import replace

import numpy as np
import pytest

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.people.presets import with_preset
from despite_ros.people.recent_sweeps import RecentSweeps
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings

from .conftest import PERIOD_NS, Recorded


def sweep(k: int) -> FloatArray:
    return np.full((3 + k, 3), k, np.float32)


def values(points: FloatArray) -> list[float]:
    return list(dict.fromkeys(points[:, 0].tolist()))


def test_the_newest_sweeps_come_first() -> None:
    recent = RecentSweeps(3, 10.0)
    found = [values(recent.with_earlier(sweep(k), k * PERIOD_NS)) for k in range(5)]
    assert found == [[0], [1, 0], [2, 1, 0], [3, 2, 1], [4, 3, 2]]


def test_one_sweep_stays_alone() -> None:
    recent = RecentSweeps(1, 10.0)
    assert [values(recent.with_earlier(sweep(k), k * PERIOD_NS)) for k in range(3)] == [[0], [1], [2]]


def test_a_gap_or_a_reset_parts_sweeps() -> None:
    recent = RecentSweeps(2, 10.0)
    recent.with_earlier(sweep(0), 0)
    assert values(recent.with_earlier(sweep(2), 2 * PERIOD_NS)) == [2]
    recent.reset()
    assert values(recent.with_earlier(sweep(3), 3 * PERIOD_NS)) == [3]


@pytest.mark.parametrize("still", [True, False])
def test_people_of_whom_one_sweep_shows_little_are_seen_in_two(crossing: Recorded, still: bool) -> None:
    """Of the people's points one in sixty is left: a few a sweep."""
    shift = np.zeros(3) if still else np.array([0.4, 0.1, 0.0])  # metres a second, of the sensor
    shares = [tracked(crossing, sweeps, shift) for sweeps in (1, 2)]
    assert shares[1] > shares[0] + 0.2


def tracked(recorded: Recorded, sweeps: int, velocity: DoubleArray) -> float:
    """Share of the three people who are seen, in a world of which little is left of each sweep."""
    segmenter, seen = Segmenter(replace(PeopleSettings(), sweeps=sweeps)), []
    for k, (cloud, pose, owners) in enumerate(
        zip(recorded.clouds, recorded.poses, recorded.owners, strict=True)
    ):
        assert len(cloud) == len(owners)
        kept = (owners < 0) | (np.arange(len(cloud)) % 60 == k % 60)
        moved = np.array(pose)
        moved[:3, 3] += velocity * k / 10
        shown = (cloud[kept] - (velocity * k / 10) @ pose[:3, :3]).astype(np.float32)
        frame = segmenter.process(shown, (k + 1) * PERIOD_NS, moved)
        assert frame is not None
        seen.append(sum(person.observed for person in frame.people) / 3)
    return float(np.mean(seen[10:]))


def test_only_sparse_sensors_are_looked_at_twice() -> None:
    assert with_preset(PeopleSettings(), "livox_mid360").sweeps == 2
    assert with_preset(PeopleSettings(), "os1_64").sweeps == 1
