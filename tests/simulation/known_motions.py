"""Motions whose every number is known: a person in the T-pose facing +x, still, moving or turning."""

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.simulation.skeleton import BONES, LINKS, Motion, place_joints, yaw_matrix

LIMB_BONES = {
    "left_shank": "l_shank",
    "right_shank": "r_shank",
    "left_forearm": "l_forearm",
    "right_forearm": "r_forearm",
}
OFFSETS = {
    "spine1": (0.0, 0.0, 0.11),
    "spine2": (0.0, 0.0, 0.13),
    "spine3": (0.0, 0.0, 0.08),
    "neck": (0.0, 0.0, 0.13),
    "head": (0.02, 0.0, 0.1),
    "hip": (0.0, 0.09, -0.07),
    "knee": (0.0, 0.0, -0.42),
    "ankle": (0.0, 0.0, -0.43),
    "toe": (0.13, 0.0, -0.05),
    "collar": (0.0, 0.08, 0.12),
    "shoulder": (0.0, 0.1, 0.0),
    "elbow": (0.0, 0.28, 0.0),
    "wrist": (0.0, 0.25, 0.0),
    "hand": (0.0, 0.085, 0.0),
}


def t_pose(path: DoubleArray, yaw: DoubleArray | None = None) -> Motion:
    """The T-pose carried along `path` (F×3, where the floor under it is) and turned by `yaw` (F radians)."""
    offsets: dict[str, FloatArray] = {}
    for link in LINKS:
        mirrored = (1, -1, 1) if link.joint.startswith("r_") else (1, 1, 1)
        offset = OFFSETS[link.joint.rpartition("_")[2]]
        offsets[link.joint] = np.array(offset, np.float32) * np.array(mirrored, np.float32)
    yaw = np.zeros(len(path)) if yaw is None else yaw
    turns = np.stack([yaw_matrix(angle) for angle in yaw])
    rotations = np.repeat(turns[:, None], len(BONES), axis=1)
    joints = place_joints(np.asarray(path + np.array([0, 0, 1.0]), np.float32), rotations, offsets)
    return Motion(joints, rotations, name="t-pose")


def standing(seconds: float = 2.0) -> Motion:
    """The T-pose at the origin."""
    return t_pose(np.zeros((round(seconds * 60) + 1, 3)))
