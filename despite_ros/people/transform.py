"""Sensor frame → fixed frame."""

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray


def to_fixed(cloud: FloatArray, pose: DoubleArray, min_range: float, max_range: float) -> FloatArray:
    """The points of `cloud` (N×3, sensor frame) between two ranges (m), moved by `pose` (4×4)."""
    points = np.empty((len(cloud), 3), np.float32)
    cloud = np.ascontiguousarray(cloud, np.float32)
    count = _move(cloud, pose.astype(np.float32), np.float32(min_range**2), np.float32(max_range**2), points)
    return points[:count]


@numba.njit(cache=True, fastmath=True)
def _move(cloud: FloatArray, pose: FloatArray, low: np.float32, high: np.float32, points: FloatArray) -> int:
    count = 0
    for i in range(len(cloud)):
        x, y, z = cloud[i, 0], cloud[i, 1], cloud[i, 2]
        squared = x * x + y * y + z * z
        for k in range(3):
            points[count, k] = pose[k, 0] * x + pose[k, 1] * y + pose[k, 2] * z + pose[k, 3]
        count += low < squared and squared < high
    return count
