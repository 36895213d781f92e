from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despite_ros.arrays import FloatArray
from despite_ros.motion.sampling import make_crop
from despite_ros.simulation.body import Body
from despite_ros.simulation.crops import CLEAN, Nuisances, hold_crops, simulate_crops
from despite_ros.simulation.lidar import SENSORS
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.placement import Placement
from despite_ros.simulation.skeleton import Motion
from tests.simulation.known_motions import standing

STAMPS = 0.3 + 0.1 * np.arange(8)
OS1 = SENSORS["os1_64"]
BEFORE = Placement(x=5, z=1.2, yaw=3.0)


@pytest.fixture(scope="module")
def motion() -> Motion:
    return made_up_motion(np.random.default_rng(2), 2.0)


def frames_of(
    motion: Motion, nuisances: Nuisances = CLEAN, place: Placement = BEFORE, seed: int = 0
) -> tuple[list[FloatArray], FloatArray]:
    return simulate_crops(motion, Body(), STAMPS, OS1, place, np.random.default_rng(seed), nuisances)


def test_points_are_the_persons_in_the_fixed_frame() -> None:
    frames, crops = frames_of(standing())
    assert len(frames) == len(STAMPS) and crops.shape == (len(STAMPS), 256, 3) and crops.dtype == np.float32
    points = np.concatenate(frames)
    assert 150 < len(frames[0]) < 600
    assert np.abs(np.median(points[:, :2], axis=0)).max() < 0.25
    assert points[:, 2].min() > -0.05 and 1.5 < points[:, 2].max() < 2.0


def test_crops_are_those_of_the_runtime() -> None:
    frames, crops = frames_of(standing())
    assert np.array_equal(crops[3], make_crop(frames[3]))


def test_a_missed_sweep_holds_the_crop_before() -> None:
    frames, _ = frames_of(standing())
    frames[0] = frames[4] = frames[0][:0]
    crops = hold_crops(frames)
    assert (crops[0] == 0).all() and np.array_equal(crops[4], crops[3])


def test_the_same_seed_gives_the_same_crops(motion: Motion) -> None:
    assert np.array_equal(frames_of(motion, Nuisances())[1], frames_of(motion, Nuisances())[1])
    assert not np.array_equal(frames_of(motion, seed=1)[1], frames_of(motion, seed=2)[1])


def test_points_fall_with_the_square_of_distance() -> None:
    seen = [frames_of(standing(), place=Placement(x=x, z=1.0))[0] for x in (4, 12)]
    near, far = (np.mean([len(points) for points in frames]) for frames in seen)
    assert near / far == pytest.approx(9, rel=0.3)


@pytest.mark.parametrize(
    "some",
    [
        replace(CLEAN, missed=0.5),
        replace(CLEAN, halved=1.0),
        replace(CLEAN, occlusion=1.0),
        replace(CLEAN, ground_cut=0.5),
    ],
)
def test_nuisances_take_points_away(some: Nuisances) -> None:
    plain = sum(len(points) for points in frames_of(standing())[0])
    left = [sum(len(points) for points in frames_of(standing(), some, seed=seed)[0]) for seed in range(6)]
    assert np.mean(left) < 0.95 * plain


def test_a_neighbour_and_the_floor_leave_points_behind() -> None:
    plain = np.concatenate(frames_of(standing())[0])
    crowded = replace(CLEAN, neighbour=1.0, ground_rim=1.0)
    runs = [np.concatenate(frames_of(standing(), crowded, seed=seed)[0]) for seed in range(6)]
    assert max(len(run) for run in runs) > len(plain)
    assert all(np.linalg.norm(run[:, :2], axis=1).max() < 1.5 for run in runs)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(SENSORS)))
def test_random_places_have_the_person_in_view(seed: int, name: str) -> None:
    rng, sensor = np.random.default_rng(seed), SENSORS[name]
    person = standing()
    place = Placement.random(rng, person, sensor, (2.0, 8.0), (0.4, 3.0))
    pose = place.pose()
    assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
    assert 2.0 <= np.hypot(*(pose[:2, 3] - person.joints[:, 0].mean(axis=0)[:2])) <= 8.0
    frames, _ = simulate_crops(person, Body(), STAMPS, sensor, place, rng)
    assert sum(len(points) for points in frames) > 0
