"""From joint angles to bodies: which angles a body has, how far they go, and where they put the bones.

Angles are anatomical and mirror-symmetric: the same numbers left and right make a symmetric pose. All
zero is standing upright facing +x with the arms hanging.
"""

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray
from despite_ros.simulation.skeleton import BONE_INDEX, BONES

LIMITS: Mapping[str, tuple[float, float]] = {
    "pelvis_turn": (-1e9, 1e9),  # about the vertical, left is positive
    "pelvis_pitch": (-120, 120),  # forward: 90 lies on the front, −90 on the back
    "pelvis_roll": (-60, 60),  # to the right
    "pelvis_spin": (-200, 200),  # about the body's own long axis
    "chest_turn": (-45, 45),
    "chest_bend": (-20, 65),
    "chest_side": (-25, 25),
    "head_turn": (-70, 70),
    "head_nod": (-35, 45),
    "head_tilt": (-25, 25),
    "hip_flex": (-25, 122),
    "hip_abduct": (-12, 50),
    "hip_turn": (-25, 45),  # toes outwards
    "knee": (0, 145),
    "ankle": (-30, 45),  # toes down
    "arm_flex": (-50, 170),  # forwards and up
    "arm_abduct": (-30, 130),  # away from the body
    "arm_twist": (-60, 85),  # a bent forearm turns inwards
    "elbow": (5, 145),
    "pronation": (-60, 80),
    "wrist": (-50, 50),
}
"""Angle → range in degrees within which a healthy adult moves it without effort."""

SIDED = tuple(LIMITS)[10:]
ANGLES = (*tuple(LIMITS)[:10], *(f"{side}_{name}" for side in "lr" for name in SIDED))
ANGLE_INDEX: Mapping[str, int] = {name: index for index, name in enumerate(ANGLES)}
LOW, HIGH = np.radians([LIMITS[name.removeprefix("l_").removeprefix("r_")] for name in ANGLES]).T
STOP = np.radians(3.0)  # joints stop softly over this much

_AXES = {
    "pelvis_turn": 2, "pelvis_pitch": 1, "pelvis_roll": 0, "pelvis_spin": 2, "chest_turn": 2,
    "chest_bend": 1, "chest_side": 0, "head_turn": 2, "head_nod": 1, "head_tilt": 0, "hip_flex": 1,
    "hip_abduct": 0, "hip_turn": 2, "knee": 1, "ankle": 1, "arm_flex": 1, "arm_abduct": 0, "arm_twist": 1,
    "elbow": 2, "pronation": 1, "wrist": 0,
}  # fmt: skip
_AXIS = np.array([_AXES[name.removeprefix("l_").removeprefix("r_")] for name in ANGLES])
_SIGN = np.ones(len(ANGLES))
_SIGN[[ANGLE_INDEX[f"{side}_{name}"] for side in "lr" for name in ("hip_flex", "arm_flex")]] = -1
_SIGN[[ANGLE_INDEX[f"r_{name}"] for name in ("hip_abduct", "hip_turn", "arm_abduct", "wrist")]] = -1
_SIGN[ANGLE_INDEX["l_elbow"]] = -1
_HANGING = {"l": -np.pi / 2, "r": np.pi / 2}  # from the T-pose to hanging arms, about x


def named(*parts: str) -> DoubleArray:
    """32: 1 for angles whose names hold one of the parts, 0 for others."""
    return np.array([any(part in name for part in parts) for name in ANGLES], float)


SWING = np.minimum(HIGH - LOW, np.radians(150)) * (
    1 - 0.45 * named("hip_", "knee", "ankle") - 0.5 * named("chest")
)
SWING[named("pelvis") > 0] = np.radians((0, 15, 10, 8))
"""32: how far angles go in everyday movements, radians; a heading's is unbounded and told as 0."""


def soft_limit(angles: DoubleArray) -> DoubleArray:
    """F×32 radians, kept within `LIMITS` without kinks."""
    above = LOW + STOP * np.logaddexp(0, np.minimum((angles - LOW) / STOP, 1e9))
    return np.asarray(HIGH - STOP * np.logaddexp(0, np.minimum((HIGH - above) / STOP, 1e9)))


def rotations_of(angles: DoubleArray) -> FloatArray:
    """Angles F×32 (radians, order of `ANGLES`) → bone orientations F×15×3×3, bone → world."""
    turns = dict(zip(ANGLES, _elementary(angles), strict=True))
    bones = np.empty((len(BONES), len(angles), 3, 3))

    def put(bone: str, start: AnyArray, *names: str) -> AnyArray:
        for name in names:
            start = start @ turns[name]
        bones[BONE_INDEX[bone]] = start
        return start

    pelvis = put("pelvis", turns["pelvis_turn"], "pelvis_pitch", "pelvis_roll", "pelvis_spin")
    chest = put("chest", pelvis, "chest_turn", "chest_bend", "chest_side")
    put("head", chest, "head_turn", "head_nod", "head_tilt")
    for s in "lr":
        thigh = put(f"{s}_thigh", pelvis, f"{s}_hip_flex", f"{s}_hip_abduct", f"{s}_hip_turn")
        shank = put(f"{s}_shank", thigh, f"{s}_knee")
        put(f"{s}_foot", shank, f"{s}_ankle")
        arm = put(f"{s}_upperarm", chest @ turns[f"{s}_arm_flex"], f"{s}_arm_abduct", f"{s}_arm_twist")
        forearm = put(f"{s}_forearm", arm, f"{s}_elbow", f"{s}_pronation")
        put(f"{s}_hand", forearm, f"{s}_wrist")
    return np.ascontiguousarray(bones.swapaxes(0, 1), np.float32)


def random_offsets(rng: Generator) -> dict[str, FloatArray]:
    """A skeleton of random proportions: joint → offset from its parent, as `place_joints` takes it.

    Statures come to about 1.5–1.95 m; segment lengths scatter about those of Drillis & Contini (1964).
    """
    size = rng.uniform(0.88, 1.12)
    thigh, shank, trunk, width = rng.uniform([0.36, 0.38, 0.92, 0.9], [0.44, 0.45, 1.08, 1.12])
    upperarm, forearm, foot = rng.uniform([0.25, 0.22, 0.11], [0.31, 0.27, 0.15])
    offsets: dict[str, tuple[float, float, float]] = {
        "spine1": (0, 0, 0.11 * trunk), "spine2": (0, 0, 0.12 * trunk), "spine3": (0, 0, 0.09 * trunk),
        "neck": (0, 0, 0.2 * trunk), "head": (0.03, 0, 0.11),
    }  # fmt: skip
    for side, sign in (("l", 1), ("r", -1)):
        offsets |= {
            f"{side}_hip": (0, 0.09 * sign * width, -0.07), f"{side}_knee": (0, 0, -thigh),
            f"{side}_ankle": (0, 0, -shank), f"{side}_toe": (foot, 0, -0.055),
            f"{side}_collar": (0, 0.07 * sign * width, 0.12 * trunk),
            f"{side}_shoulder": (-0.01, 0.11 * sign * width, 0.02), f"{side}_elbow": (0, sign * upperarm, 0),
            f"{side}_wrist": (0, sign * forearm, 0), f"{side}_hand": (0, sign * 0.085, 0),
        }  # fmt: skip
    return {joint: np.array(offset, np.float32) * np.float32(size) for joint, offset in offsets.items()}


def _elementary(angles: DoubleArray) -> DoubleArray:
    """32×F×3×3: each angle's rotation about its own axis."""
    values = (angles * _SIGN).T.copy()
    for side, hanging in _HANGING.items():
        values[ANGLE_INDEX[f"{side}_arm_abduct"]] += hanging
    turns = np.zeros((*values.shape, 3, 3))
    rows, first, second = np.arange(len(ANGLES)), (_AXIS + 1) % 3, (_AXIS + 2) % 3
    cosine, sine = np.cos(values), np.sin(values)
    turns[rows, :, _AXIS, _AXIS] = 1
    turns[rows, :, first, first] = turns[rows, :, second, second] = cosine
    turns[rows, :, second, first] = sine
    turns[rows, :, first, second] = -sine
    return turns
