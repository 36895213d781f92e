"""No limb through the body: limbs are turned at the shoulder or hip until they clear it.

The body is a set of capsules (segments with a radius). Points along a forearm and hand, or a shank, that
lie inside a capsule tell the turn that brings the deepest of them out; turns are smoothed over time.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from despite_ros.arrays import DoubleArray, FloatArray, IntArray
from despite_ros.simulation.skeleton import BONE_INDEX, JOINT_INDEX

SPREAD = 4.0  # frames: a push builds up and fades over this time (Gaussian)
_PARTS = (0.3, 0.65, 1.0)  # of a segment's length: the points on it that are checked


class Limb(NamedTuple):
    """A limb that may be turned about `pivot`: its bones, the segments checked, and what they must clear.

    obstacles: capsules (joint, joint, metres that the segment's middle line keeps from theirs).
    """

    pivot: str
    bones: tuple[str, ...]
    segments: tuple[tuple[str, str], ...]
    obstacles: tuple[tuple[str, str, float], ...]


def _arm(side: str) -> Limb:
    trunk = (("pelvis", "spine2", 0.16), ("spine2", "neck", 0.155), ("neck", "head", 0.12))
    legs = tuple((f"{s}_hip", f"{s}_knee", 0.1) for s in "lr")
    bones = (f"{side}_upperarm", f"{side}_forearm", f"{side}_hand")
    return Limb(
        f"{side}_shoulder",
        bones,
        ((f"{side}_elbow", f"{side}_wrist"), (f"{side}_wrist", f"{side}_hand")),
        (*trunk, *legs),
    )


def _leg(side: str, other: str) -> Limb:
    obstacles = ((f"{other}_knee", f"{other}_ankle", 0.095), (f"{other}_hip", f"{other}_knee", 0.11))
    bones = (f"{side}_thigh", f"{side}_shank", f"{side}_foot")
    return Limb(
        f"{side}_hip", bones, ((f"{side}_knee", f"{side}_ankle"), (f"{side}_ankle", f"{side}_toe")), obstacles
    )


LIMBS = (_leg("l", "r"), _leg("r", "l"), _arm("l"), _arm("r"))


def overlaps(joints: FloatArray, limb: Limb) -> tuple[DoubleArray, DoubleArray]:
    """How deep a limb is inside its obstacles, F metres, and the turns that free it.

    The turns are F×3 rotation vectors (radians, world) about the limb's pivot.
    """
    depths, pushes = _overlaps(joints, *_indices(limb))
    return depths, pushes


def push_out(joints: FloatArray, rotations: FloatArray) -> FloatArray:
    """Rotations F×15×3×3 of a body whose joints are F×24×3 → with its limbs turned out of the body.

    Deep or quick overlaps may need a second call; joints must be placed anew after each.
    """
    rotations = rotations.copy()
    for limb in LIMBS:
        depth, push = overlaps(joints, limb)
        if depth.max() > 0:
            turn = Rotation.from_rotvec(gaussian_filter1d(push, SPREAD, axis=0, mode="nearest")).as_matrix()
            chosen = [BONE_INDEX[bone] for bone in limb.bones]
            rotations[:, chosen] = turn[:, None].astype(np.float32) @ rotations[:, chosen]
    return rotations


def _indices(limb: Limb) -> tuple[int, IntArray, IntArray, DoubleArray]:
    segments = np.array([[JOINT_INDEX[joint] for joint in segment] for segment in limb.segments])
    obstacles = np.array([[JOINT_INDEX[a], JOINT_INDEX[b]] for a, b, _ in limb.obstacles])
    return JOINT_INDEX[limb.pivot], segments, obstacles, np.array([radius for _, _, radius in limb.obstacles])


@njit(cache=True, error_model="numpy")
def _overlaps(
    joints: FloatArray, pivot: int, segments: IntArray, obstacles: IntArray, radii: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    depths = np.zeros(len(joints))
    pushes = np.zeros((len(joints), 3))
    for f in range(len(joints)):
        pose = joints[f]
        for s in range(len(segments)):
            first, second = pose[segments[s, 0]], pose[segments[s, 1]]
            for part in _PARTS:
                x = first[0] + part * (second[0] - first[0])
                y = first[1] + part * (second[1] - first[1])
                z = first[2] + part * (second[2] - first[2])
                for o in range(len(obstacles)):
                    start, end = pose[obstacles[o, 0]], pose[obstacles[o, 1]]
                    ax, ay, az = end[0] - start[0], end[1] - start[1], end[2] - start[2]
                    dx, dy, dz = x - start[0], y - start[1], z - start[2]
                    share = (dx * ax + dy * ay + dz * az) / (ax * ax + ay * ay + az * az)
                    share = min(1.0, max(0.0, share))
                    dx, dy, dz = dx - share * ax, dy - share * ay, dz - share * az
                    distance = max(1e-3, np.sqrt(dx * dx + dy * dy + dz * dz))
                    depth = radii[o] - distance
                    if depth > depths[f]:
                        lx, ly, lz = x - pose[pivot, 0], y - pose[pivot, 1], z - pose[pivot, 2]
                        turn = depth / (distance * max(0.02, lx * lx + ly * ly + lz * lz))
                        depths[f] = depth
                        pushes[f, 0] = turn * (ly * dz - lz * dy)
                        pushes[f, 1] = turn * (lz * dx - lx * dz)
                        pushes[f, 2] = turn * (lx * dy - ly * dx)
    return depths, pushes
