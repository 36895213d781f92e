"""From joint angles over time to a motion: bones, limbs out of the body, feet on the floor."""

from collections.abc import Mapping

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.simulation.articulation import ANGLE_INDEX, rotations_of, soft_limit
from despite_ros.simulation.clearance import push_out
from despite_ros.simulation.contacts import settle
from despite_ros.simulation.skeleton import MOTION_RATE, Motion, Span, place_joints

MAX_ANKLE = (np.radians(-28), np.radians(42))


def keep_feet_flat(angles: DoubleArray, share: DoubleArray) -> DoubleArray:
    """Angles F×32 with the ankles turned so that the soles are level, by `share` (F, 0–1) of the way."""
    angles = angles.copy()
    for side in "lr":
        hip, knee, ankle = (ANGLE_INDEX[f"{side}_{name}"] for name in ("hip_flex", "knee", "ankle"))
        level = angles[:, hip] - angles[:, knee] - angles[:, ANGLE_INDEX["pelvis_pitch"]]
        angles[:, ankle] += share * np.clip(level, *MAX_ANKLE)
    return angles


def motion_of(
    angles: DoubleArray,
    offsets: Mapping[str, FloatArray],
    lift: DoubleArray | None = None,
    seat: DoubleArray | None = None,
    activities: tuple[Span, ...] = (),
    rounds: int = 2,
) -> Motion:
    """Angles F×32 (radians, 60 a second) and a skeleton's offsets → the motion, starting above the origin.

    lift, seat: as `settle` takes them. rounds: how often limbs are pushed out of the body.
    """
    rotations = rotations_of(soft_limit(angles))
    root = np.zeros((len(angles), 3), np.float32)
    joints = place_joints(root, rotations, offsets)
    for _ in range(rounds):
        rotations = push_out(joints, rotations)
        joints = place_joints(root, rotations, offsets)
    settled = settle(joints, MOTION_RATE, lift, seat)
    return Motion(np.ascontiguousarray(settled, np.float32), rotations, MOTION_RATE, activities)
