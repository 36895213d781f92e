import numpy as np
import pytest
import torch

from despite_ros.limbs import FRAMES, pack_channels, unpack_channels
from despite_ros.simulation.parametric import PARAMETRIC
from despite_ros.simulation.style import Style
from training.networks import Despite
from training.tasks.conditions import BASE, conditions, imu_changes
from training.tasks.matching import MatchingSettings

RNG = np.random.default_rng(0)


def still() -> np.ndarray:
    """All limbs in the T-pose, accelerating forward."""
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (FRAMES, 4, 3, 3))
    accelerations = np.broadcast_to(np.array([1, 0, 0], np.float32), (FRAMES, 4, 3))
    return pack_channels(rotations, accelerations)


def test_one_sensor_leaves_the_others_zero() -> None:
    rotations, accelerations = unpack_channels(imu_changes()["only left_forearm"](still(), RNG))
    assert np.abs(rotations).sum((0, 2, 3)).tolist() == [0, 0, 3 * FRAMES, 0]
    assert np.abs(accelerations).sum((0, 2)).tolist() == [0, 0, FRAMES, 0]


def test_heading_turns_orientation_and_acceleration_alike() -> None:
    rotations, accelerations = unpack_channels(imu_changes()["heading off by 180°"](still(), RNG))
    np.testing.assert_allclose(accelerations[0, 0], [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(rotations[0, 0] @ [1, 0, 0], [-1, 0, 0], atol=1e-6)


@pytest.mark.parametrize(("late", "value"), [("50", 4.5), ("100", 4.0), ("200", 3.0)])
def test_late_clock_shows_what_was(late: str, value: float) -> None:
    imu = still()
    imu[:, 36] = np.arange(FRAMES)
    assert imu_changes()[f"clock off by {late} ms"](imu, RNG)[5, 36] == pytest.approx(value)


def test_mounting_turns_by_the_angle_and_keeps_accelerations() -> None:
    rotations, accelerations = unpack_channels(imu_changes()["mounting off by 15°"](still(), RNG))
    angle = np.degrees(np.arccos((np.trace(rotations[0, 1]) - 1) / 2))
    assert angle == pytest.approx(15, abs=1e-3)
    np.testing.assert_array_equal(accelerations, unpack_channels(still())[1])


def test_all_conditions_are_measured() -> None:
    torch.manual_seed(0)
    rngs = [np.random.default_rng(i) for i in range(3)]
    motions = [PARAMETRIC["walk"](rng, 3.2, Style.random(rng)) for rng in rngs]
    settings = MatchingSettings(people=(2,), windows=(1,), scenes=5)
    found = conditions(Despite(("points", "imu"), width=64), motions, settings)
    assert {BASE, "at 15 m", "lower half hidden", "only right_shank", "clock off by 200 ms"} <= found.keys()
    assert all(0 <= item["2"]["1"] <= 1 for item in found.values())
