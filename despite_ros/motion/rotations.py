"""Quaternions (xyzw, Hamilton) and rotation matrices, vectorised over leading axes."""

import numba
import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray


def matrices(quaternions: AnyArray) -> DoubleArray:
    """Quaternions …×4 xyzw, of any non-zero length → rotation matrices …×3×3."""
    quaternions = np.ascontiguousarray(quaternions, np.float64)
    flat = _matrices(quaternions.reshape(-1, 4))
    return np.asarray(flat.reshape(*quaternions.shape[:-1], 3, 3), np.float64)


def yaw(angle: float) -> DoubleArray:
    """Rotation by `angle` (radians) about z, 3×3."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


@numba.njit(cache=True)
def _matrices(quaternions: DoubleArray) -> DoubleArray:
    found = np.empty((len(quaternions), 3, 3))
    for i in range(len(quaternions)):
        x, y, z, w = quaternions[i] / np.sqrt(np.sum(quaternions[i] ** 2))
        found[i, 0] = np.array([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)])
        found[i, 1] = np.array([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)])
        found[i, 2] = np.array([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)])
    return found
