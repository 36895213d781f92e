"""Resampling IMU samples to the stamps of sweeps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from despite_ros.motion.imu import GRAVITY, free_acceleration, limb_channels
from despite_ros.motion.rotations import matrices, yaw

MS = 1_000_000
UNTURNED = np.array([0.0, 0.0, 0.0, 1.0])


def samples(count: int, step_ms: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    stamps = np.arange(count, dtype=np.int64) * step_ms * MS
    rotations = np.stack([yaw(0.01 * index) for index in range(count)])
    accelerations = np.random.default_rng(0).normal(size=(count, 3))
    return stamps, rotations, accelerations


def resample(
    stamps: np.ndarray, rotations: np.ndarray, accelerations: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Through a sensor that is mounted as its bone, and that turns and accelerates like this."""
    orientation = Rotation.from_matrix(rotations).as_quat() if len(rotations) else np.zeros((0, 4))
    force = np.einsum("nji,nj->ni", rotations, accelerations + np.array([0.0, 0.0, GRAVITY]))
    return limb_channels(stamps, orientation, force, UNTURNED, targets)


def test_a_resting_sensor_has_no_free_acceleration_however_it_is_turned() -> None:
    rotation = matrices(np.random.default_rng(1).normal(size=(5, 4)))
    force = np.einsum("nji,j->ni", rotation, np.array([0, 0, GRAVITY]))
    np.testing.assert_allclose(free_acceleration(rotation, force), 0.0, atol=1e-12)


def test_rotation_is_that_of_the_newest_sample() -> None:
    stamps, rotations, accelerations = samples(20)
    found, _ = resample(stamps, rotations, accelerations, np.array([95 * MS]))
    np.testing.assert_allclose(found[0], rotations[9], atol=1e-6)


def test_acceleration_is_the_hann_weighted_mean_of_the_last_100_ms() -> None:
    stamps, rotations, accelerations = samples(30)
    _, found = resample(stamps, rotations, accelerations, np.array([250 * MS]))
    weights = np.sin(np.pi * np.arange(10) / 10) ** 2  # ages 0, 10, … 90 ms
    expected = weights @ accelerations[25:15:-1] / weights.sum()
    np.testing.assert_allclose(found[0], expected, atol=1e-6)


def test_a_tone_above_the_frame_rate_is_filtered_out() -> None:
    stamps = np.arange(400, dtype=np.int64) * 5 * MS
    tone = np.sin(2 * np.pi * 23.0 * stamps * 1e-9)[:, None] * np.ones(3)
    targets = np.arange(5, 19, dtype=np.int64) * 100 * MS
    _, found = resample(stamps, np.tile(np.eye(3), (400, 1, 1)), tone, targets)
    assert np.abs(found).max() < 0.15


def test_zeros_before_the_first_sample_and_without_samples() -> None:
    stamps, rotations, accelerations = samples(5)
    for count in (0, 5):
        rotation, acceleration = resample(
            stamps[:count] + 10, rotations[:count], accelerations[:count], np.array([5])
        )
        assert not rotation.any() and not acceleration.any()


def test_a_lone_sample_at_the_target_counts() -> None:
    stamps, rotations, accelerations = samples(1)
    _, found = resample(stamps, rotations, accelerations, np.array([0]))
    np.testing.assert_allclose(found[0], accelerations[0], atol=1e-6)


@given(target=st.integers(0, 400), later=st.integers(1, 100))
def test_what_comes_later_changes_nothing(target: int, later: int) -> None:
    stamps, rotations, accelerations = samples(50)
    cut = int(np.searchsorted(stamps, target * MS, side="right"))
    targets = np.array([target * MS])
    whole = resample(stamps, rotations, accelerations * later, targets)
    past = resample(stamps[:cut], rotations[:cut], accelerations[:cut] * later, targets)
    np.testing.assert_array_equal(whole[0], past[0])
    np.testing.assert_array_equal(whole[1], past[1])


def test_the_mount_turns_the_sensor_into_the_bone() -> None:
    bone, mount = matrices(np.array([[0.1, 0.2, 0.3, 0.9]])), np.array([0.5, -0.5, 0.5, 0.5])
    sensor = bone[0] @ matrices(mount)
    orientation = Rotation.from_matrix(sensor).as_quat()[None]
    force = sensor.T @ np.array([1.0, 2.0, 3.0 + GRAVITY])
    rotation, acceleration = limb_channels(np.array([0]), orientation, force[None], mount, np.array([0]))
    np.testing.assert_allclose(rotation[0], bone[0], atol=1e-6)
    np.testing.assert_allclose(acceleration[0], [1.0, 2.0, 3.0], atol=1e-5)
