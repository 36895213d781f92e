import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from despite_ros.transforms import STATIC_STAMP, TransformBuffer, TransformError

NO_TURN = np.array([0.0, 0.0, 0.0, 1.0])
SECOND = 1_000_000_000


def drive() -> TransformBuffer:
    """A robot that drives 1 m/s along x and turns 90° in 1 s; a LiDAR 1 m above its base."""
    buffer = TransformBuffer()
    quarter = Rotation.from_euler("z", 90, degrees=True).as_quat()
    buffer.set("base", "lidar", STATIC_STAMP, np.array([0.0, 0.0, 1.0]), NO_TURN)
    buffer.set("odom", "base", 0, np.zeros(3), NO_TURN)
    buffer.set("odom", "base", SECOND, np.array([1.0, 0.0, 0.0]), quarter)
    return buffer


def test_chain_is_interpolated_to_the_stamp() -> None:
    pose = drive().lookup("odom", "lidar", SECOND // 2)
    np.testing.assert_allclose(pose[:3, 3], [0.5, 0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(pose[:3, 0], [np.sqrt(0.5), np.sqrt(0.5), 0.0], atol=1e-12)


def test_inverse_lookup_undoes_the_lookup() -> None:
    buffer = drive()
    there, back = buffer.lookup("odom", "lidar", SECOND), buffer.lookup("lidar", "odom", SECOND)
    np.testing.assert_allclose(there @ back, np.eye(4), atol=1e-12)


def test_siblings_meet_at_their_common_ancestor() -> None:
    buffer = drive()
    buffer.set("base", "camera", STATIC_STAMP, np.array([0.2, 0.0, 0.5]), NO_TURN)
    np.testing.assert_allclose(buffer.lookup("camera", "lidar", 0)[:3, 3], [-0.2, 0.0, 0.5], atol=1e-12)


@pytest.mark.parametrize("stamp", [-SECOND, 2 * SECOND])
def test_far_stamp_is_refused_not_extrapolated(stamp: int) -> None:
    with pytest.raises(TransformError, match="away from the stamp"):
        drive().lookup("odom", "lidar", stamp)


def test_unlinked_frames_are_named() -> None:
    with pytest.raises(TransformError, match="'map'"):
        drive().lookup("map", "lidar", 0)


def test_old_samples_are_forgotten_and_time_may_go_back() -> None:
    buffer = drive()
    buffer.set("odom", "base", 20 * SECOND, np.zeros(3), NO_TURN)
    with pytest.raises(TransformError):
        buffer.lookup("odom", "lidar", 0)
    buffer.clear_moving()
    np.testing.assert_allclose(buffer.lookup("base", "lidar", 0)[2, 3], 1.0)
