"""Where a posed body is: what touches the floor stays where it is, and nothing sinks into it."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.simulation.skeleton import JOINTS

_RADII = {
    "pelvis": 0.1, "spine1": 0.1, "spine2": 0.1, "spine3": 0.11, "neck": 0.06, "head": 0.1, "hip": 0.09,
    "knee": 0.055, "ankle": 0.085, "toe": 0.03, "collar": 0.08, "shoulder": 0.06, "elbow": 0.045,
    "wrist": 0.035, "hand": 0.03,
}  # fmt: skip
RADII = np.array([_RADII[name.removeprefix("l_").removeprefix("r_")] for name in JOINTS])
"""24: how far above the floor a joint's centre is when its limb rests on it, metres."""
GRIP = 0.006  # metres: a joint this much above the lowest one carries 1/e of its share of the weight
IN_FLIGHT = 0.01  # metres of lift from which on nothing touches the floor
SOFTNESS = 0.05  # seconds: shoes, joints and flesh spread a step over this time (Gaussian)


def settle(
    joints: FloatArray, rate: float, lift: DoubleArray | None = None, seat: DoubleArray | None = None
) -> FloatArray:
    """Joints F×24×3 with the pelvis anywhere → the same poses on the floor z = 0, metres.

    The lowest joints stand on the floor (or on `lift` above it: F metres, for hops), the pelvis on a
    seat of height `seat` (F metres) where it comes down to it. Horizontally the body is carried by what
    touches the floor: those joints stand still, in flight the pelvis keeps its speed.
    """
    heights = joints[..., 2] - RADII
    if seat is not None:
        heights[:, 0] -= seat
    lowest = heights.min(1, keepdims=True)
    weights = np.exp((lowest - heights) / GRIP)
    weights /= weights.sum(1, keepdims=True)
    velocity = -np.einsum("fj,fjc->fc", weights, np.gradient(joints[..., :2], axis=0))
    height = -lowest[:, 0]
    if lift is not None:
        ground = np.flatnonzero(lift < IN_FLIGHT)
        if len(ground):
            frames = np.arange(len(joints))
            velocity = np.stack([np.interp(frames, ground, velocity[ground, c]) for c in (0, 1)], 1)
        height = height + lift
    softness = SOFTNESS * rate
    path = np.cumsum(gaussian_filter1d(velocity, softness, axis=0, mode="nearest"), 0)
    height = gaussian_filter1d(height, softness, mode="nearest")
    return joints + np.concatenate([path - path[:1], height[:, None]], 1)[:, None].astype(np.float32)
