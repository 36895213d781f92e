"""The four limbs that a wearer can carry an IMU on, and the 48 channels that they fill.

Channel order (the authors' code): four row-major 3×3 orientation matrices bone → world in the
order of `LIMBS`, then four free accelerations in the world frame (m/s²) in the same order.
A limb without a sensor is all zeros.
"""

import numpy as np

from despite_ros.arrays import FloatArray

LIMBS = ("left_shank", "right_shank", "left_forearm", "right_forearm")
FRAMES = 24  # frames in a window
RATE = 10.0  # frames per second
POINTS = 256  # points in a crop
CHANNELS = 48


def pack_channels(rotations: FloatArray, accelerations: FloatArray) -> FloatArray:
    """Rotations …×4×3×3 and accelerations …×4×3 → …×48."""
    lead = rotations.shape[:-3]
    parts = [rotations.reshape(*lead, 36), accelerations.reshape(*lead, 12)]
    return np.ascontiguousarray(np.concatenate(parts, axis=-1), dtype=np.float32)


def unpack_channels(channels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """…×48 → rotations …×4×3×3 and accelerations …×4×3."""
    lead = channels.shape[:-1]
    return channels[..., :36].reshape(*lead, 4, 3, 3), channels[..., 36:].reshape(*lead, 4, 3)
