"""Mounts and heading from a still pose."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from despite_ros.errors import UserError
from despite_ros.limbs import LIMBS
from despite_ros.motion.calibration import bone_rotation, calibrate, save_wearer
from despite_ros.motion.rotations import matrices, yaw
from despite_ros.motion.wearers import Sensor, Wearer, load_wearers

FILE = """# the wearers of this room
wearers:
  alice:
    left_shank: {topic: /l, mount: [0, 0, 0, 1], time_offset: 0.1}  # taped
  bob:
    left_shank: {topic: /b}
"""


def stand(
    pose: str, heading: float, mounts: dict[str, np.ndarray], noise: float = 0.005
) -> dict[str, np.ndarray]:
    """Orientations in the IMU's world, which has to be turned by `heading` to be the fixed frame."""
    rng = np.random.default_rng(3)
    found = {}
    for limb, mount in mounts.items():
        sensor = Rotation.from_matrix(yaw(-heading) @ bone_rotation(limb, pose) @ mount)
        found[limb] = (sensor * Rotation.from_rotvec(noise * rng.normal(size=(100, 3)))).as_quat()
    return found


@pytest.mark.parametrize("pose", ["t_pose", "n_pose"])
def test_heading_and_tilted_mounts_come_back(pose: str) -> None:
    tilts = [(0.4, 0, 0), (0, -0.3, 0), (0, 0.5, 0), (-0.2, 0.2, 0)]
    # a tilt as seen in the world does not mix with the heading
    mounts = {
        limb: bone_rotation(limb, pose).T @ Rotation.from_rotvec(tilt).as_matrix() @ bone_rotation(limb, pose)
        for limb, tilt in zip(LIMBS, tilts, strict=True)
    }
    wearer = Wearer("alice", {limb: Sensor(f"/{limb}") for limb in LIMBS})
    found = calibrate(wearer, stand(pose, 0.8, mounts), pose)
    for limb, sensor in found.sensors.items():
        assert sensor.heading == pytest.approx(0.8, abs=0.01)
        np.testing.assert_allclose(matrices(np.array(sensor.mount)), mounts[limb], atol=0.01)


def test_after_calibration_the_bones_are_where_the_pose_says() -> None:
    mounts = {limb: Rotation.random(rng=index).as_matrix() for index, limb in enumerate(LIMBS)}
    wearer = Wearer("alice", {limb: Sensor(f"/{limb}") for limb in LIMBS})
    standing = stand("n_pose", 2.0, mounts, noise=0.0)
    for limb, sensor in calibrate(wearer, standing, "n_pose").sensors.items():
        turned = yaw(sensor.heading) @ matrices(standing[limb][0]) @ matrices(np.array(sensor.mount)).T
        np.testing.assert_allclose(turned, bone_rotation(limb, "n_pose"), atol=1e-5)


def test_lowered_arms_point_down() -> None:
    np.testing.assert_allclose(bone_rotation("left_forearm", "n_pose") @ [0, 1, 0], [0, 0, -1])
    np.testing.assert_allclose(bone_rotation("right_forearm", "n_pose") @ [0, -1, 0], [0, 0, -1])


def test_moving_too_few_samples_and_wrong_poses_are_refused() -> None:
    wearer = Wearer("alice", {"left_shank": Sensor("/l")})
    standing = stand("t_pose", 0.0, {"left_shank": np.eye(3)})
    with pytest.raises(UserError, match="stand still"):
        calibrate(wearer, stand("t_pose", 0.0, {"left_shank": np.eye(3)}, noise=0.2), "t_pose")
    with pytest.raises(UserError, match="5 samples"):
        calibrate(wearer, {"left_shank": standing["left_shank"][:5]}, "t_pose")
    with pytest.raises(UserError, match="t_pose, n_pose"):
        calibrate(wearer, standing, "yoga")
    with pytest.raises(UserError, match="no sensor of 'alice'"):
        calibrate(wearer, {}, "t_pose")


def test_saving_keeps_everything_else(tmp_path: Path) -> None:
    path = tmp_path / "wearers.yaml"
    path.write_text(FILE)
    save_wearer(path, Wearer("alice", {"left_shank": Sensor("/l", (0.0, 0.6, 0.0, 0.8), heading=0.25)}))
    alice, bob = load_wearers(path)
    assert alice.sensors["left_shank"] == Sensor("/l", (0.0, 0.6, 0.0, 0.8), 0.1, 0.25)
    assert bob.sensors["left_shank"] == Sensor("/b")
    assert "# the wearers of this room" in path.read_text() and "# taped" in path.read_text()
    with pytest.raises(UserError, match="carol"):
        save_wearer(path, Wearer("carol", {"left_shank": Sensor("/l")}))
