"""Quaternions (xyzw, Hamilton) and rotation matrices, vectorised over leading axes."""

import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray


def matrices(quaternions: AnyArray) -> DoubleArray:
    """Quaternions …×4 xyzw, of any non-zero length → rotation matrices …×3×3."""
    unit = np.asarray(quaternions, np.float64)
    unit = unit / np.linalg.norm(unit, axis=-1, keepdims=True)
    x, y, z, w = np.moveaxis(unit, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def yaw(angle: float) -> DoubleArray:
    """Rotation by `angle` (radians) about z, 3×3."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
