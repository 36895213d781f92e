import numpy as np
import pytest

from despite_ros.simulation.articulation import (
    ANGLE_INDEX,
    ANGLES,
    HIGH,
    LOW,
    random_offsets,
    rotations_of,
    soft_limit,
)
from despite_ros.simulation.skeleton import (
    BONES,
    JOINTS,
    LINKS,
    Motion,
    Span,
    heading,
    place_joints,
)


def t_pose(frames: int = 121) -> Motion:
    angles = np.zeros((frames, len(ANGLES)))
    angles[:, [ANGLE_INDEX["l_arm_abduct"], ANGLE_INDEX["r_arm_abduct"]]] = np.pi / 2
    rotations = rotations_of(angles)
    joints = place_joints(
        np.zeros((frames, 3), np.float32), rotations, random_offsets(np.random.default_rng(0))
    )
    return Motion(joints, rotations, activities=(Span(0, 1, "stand"), Span(1, 2, "wave")))


def test_every_bone_is_the_identity_in_the_t_pose_facing_x() -> None:
    motion = t_pose()
    np.testing.assert_allclose(
        motion.rotations, np.broadcast_to(np.eye(3), motion.rotations.shape), atol=1e-6
    )
    assert heading(motion, 0) == pytest.approx(0)


@pytest.mark.parametrize(
    ("bone", "upper", "lower", "axis"),
    [
        ("l_forearm", "l_elbow", "l_wrist", (0, 1, 0)),
        ("r_forearm", "r_elbow", "r_wrist", (0, -1, 0)),
        ("l_shank", "l_knee", "l_ankle", (0, 0, -1)),
        ("r_shank", "r_knee", "r_ankle", (0, 0, -1)),
    ],
)
def test_limbs_point_along_their_axes(bone: str, upper: str, lower: str, axis: tuple[float, ...]) -> None:
    motion = t_pose()
    step = motion.joint(lower)[0] - motion.joint(upper)[0]
    in_bone = motion.rotation(bone)[0].T @ step
    np.testing.assert_allclose(in_bone / np.linalg.norm(in_bone), axis, atol=1e-6)


def test_links_reach_every_joint_once_from_the_pelvis() -> None:
    placed = ["pelvis"]
    for link in LINKS:
        assert link.parent in placed
        assert link.bone in BONES
        placed.append(link.joint)
    assert sorted(placed) == sorted(JOINTS)


def test_turning_and_moving() -> None:
    motion = t_pose().rotate(0.5).translate(np.array([1.0, 2.0, 3.0]))
    assert heading(motion, 0) == pytest.approx(0.5, abs=1e-6)
    np.testing.assert_allclose(motion.joint("pelvis")[0], [1, 2, 3], atol=1e-6)
    assert motion.joints.dtype == motion.rotations.dtype == np.float32


def test_slice_keeps_time_and_labels_together() -> None:
    motion = t_pose()
    part = motion.slice(0.5, 1.5)
    assert part.duration == pytest.approx(1.0)
    assert motion.label_at(0.6) == part.label_at(0.1) == "stand"
    assert motion.label_at(1.4) == part.label_at(0.9) == "wave"


def test_joints_stop_at_their_limits() -> None:
    angles = np.random.default_rng(0).uniform(-4, 4, (50, len(ANGLES)))
    limited = soft_limit(angles)
    bounded = np.isfinite(LOW) & (HIGH < 10)
    assert (limited[:, bounded] >= LOW[bounded] - 1e-3).all()
    assert (limited[:, bounded] <= HIGH[bounded] + 1e-3).all()
    middle = np.clip(angles, LOW + 0.3, HIGH - 0.3)
    np.testing.assert_allclose(soft_limit(middle), middle, atol=0.002)
