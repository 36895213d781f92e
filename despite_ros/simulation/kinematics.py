"""How places on the body move: position, orientation and their derivatives from smooth curves.

Motion capture is noisy and sampled at 60 Hz: positions and quaternions are lightly smoothed and
joined by cubic splines, and angular velocity and acceleration are the splines' own derivatives.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from despite_ros.arrays import DoubleArray
from despite_ros.errors import UserError
from despite_ros.simulation.skeleton import BONE_INDEX, JOINT_INDEX, Motion

Vector = tuple[float, float, float]


class Site(NamedTuple):
    """Where an IMU is strapped: on a bone, part of the way from one joint to the next, out on the skin."""

    bone: str
    start: str
    end: str
    share: float
    skin: Vector  # metres, in the bone's frame


def _sites() -> dict[str, Site]:
    sites = {
        "pelvis": Site("pelvis", "l_hip", "r_hip", 0.5, (-0.12, 0.0, 0.08)),
        "chest": Site("chest", "l_shoulder", "r_shoulder", 0.5, (0.12, 0.0, -0.12)),
        "head": Site("head", "neck", "head", 1.0, (0.1, 0.0, 0.1)),
    }
    for side, letter, out in (("left", "l", 1.0), ("right", "r", -1.0)):
        for part, bone, start, end, share, skin in (
            ("forearm", "forearm", "elbow", "wrist", 0.5, (0.0, 0.0, 0.04)),
            ("wrist", "forearm", "elbow", "wrist", 0.95, (0.0, 0.0, 0.03)),
            ("hand", "hand", "wrist", "hand", 1.0, (0.0, 0.0, 0.02)),
            ("upperarm", "upperarm", "shoulder", "elbow", 0.5, (0.0, 0.0, 0.05)),
            ("thigh", "thigh", "hip", "knee", 0.5, (0.0, out * 0.08, 0.0)),
            ("shank", "shank", "knee", "ankle", 0.5, (0.0, out * 0.05, 0.0)),
            ("foot", "foot", "ankle", "toe", 0.5, (0.0, 0.0, 0.04)),
        ):
            names = [f"{letter}_{name}" for name in (bone, start, end)]
            sites[f"{side}_{part}"] = Site(names[0], names[1], names[2], share, skin)
    return sites


SITES: Mapping[str, Site] = _sites()
"""Name → place on the body; the four limbs of `despite_ros.limbs` among them."""


@dataclass(frozen=True)
class Kinematics:
    """The true movement of a place on the body at N times, world frame."""

    rotation: Rotation  # N, bone → world
    angular_velocity: DoubleArray  # N×3 rad/s, in the bone's frame
    position: DoubleArray  # N×3 metres
    acceleration: DoubleArray  # N×3 m/s²


def kinematics(motion: Motion, site: str, times: DoubleArray, smoothing: float) -> Kinematics:
    """Where a place on the body is, how it turns and accelerates, at `times` (N seconds).

    smoothing: standard deviation (seconds) of a Gaussian on positions and quaternions.

    Raises:
        UserError: unknown site, or a motion of fewer than 4 frames.
    """
    if site not in SITES:
        raise UserError(f"'{site}' is no place for an IMU; known: {', '.join(SITES)}")
    if motion.frames < 4:
        raise UserError(f"motion '{motion.name}' has {motion.frames} frames; an IMU needs 4 or more")
    place = SITES[site]
    knots = np.arange(motion.frames) / motion.rate
    width = max(smoothing * motion.rate, 1e-3)
    bones = motion.rotations[:, BONE_INDEX[place.bone]].astype(np.float64)
    start, end = (motion.joints[:, JOINT_INDEX[name]].astype(np.float64) for name in (place.start, place.end))
    path = start + place.share * (end - start) + bones @ np.array(place.skin)
    position = CubicSpline(knots, gaussian_filter1d(path, width, axis=0, mode="nearest"))
    turn = _unbroken(Rotation.from_matrix(bones).as_quat())
    quaternion = CubicSpline(knots, gaussian_filter1d(turn, width, axis=0, mode="nearest"))
    rotation, angular_velocity = _turning(quaternion(times), quaternion(times, 1))
    return Kinematics(rotation, angular_velocity, position(times), position(times, 2))


def _unbroken(quaternions: DoubleArray) -> DoubleArray:
    """Signs flipped (F×4) so that neighbours lie on the same side."""
    dots = np.sum(quaternions[1:] * quaternions[:-1], axis=1)
    signs = np.concatenate([[1.0], np.cumprod(np.where(dots < 0, -1.0, 1.0))])
    return np.asarray(quaternions * signs[:, None], np.float64)


def _turning(values: DoubleArray, rates: DoubleArray) -> tuple[Rotation, DoubleArray]:
    """Values and derivatives N×4 of a quaternion spline (xyzw) → rotation, angular velocity of the body.

    ω = 2 · vector part of q⁻¹ ⊗ q̇; the part of q̇ along q, which only changes the length, has none.
    """
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    q, rate = values / lengths, rates / lengths
    vector = q[:, 3:] * rate[:, :3] - rate[:, 3:] * q[:, :3] - np.cross(q[:, :3], rate[:, :3])
    return Rotation.from_quat(q), 2 * vector
