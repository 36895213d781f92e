"""Sensor frame → fixed frame."""

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray


def to_fixed(cloud: FloatArray, pose: DoubleArray, min_range: float, max_range: float) -> FloatArray:
    """The points of `cloud` (N×3, sensor frame) between two ranges (m), moved by `pose` (4×4).

    All x follow each other in memory, then all y, then all z: loops over them become vector instructions.
    """
    columns = np.empty((3, len(cloud)), np.float32)
    cloud = np.ascontiguousarray(cloud, np.float32)
    low, high = np.float32(min_range**2), np.float32(max_range**2)
    count = _move(cloud, pose.astype(np.float32), low, high, columns[0], columns[1], columns[2])
    return columns[:, :count].T


@numba.njit(cache=True, fastmath=True)
def _move(
    cloud: FloatArray,
    pose: FloatArray,
    low: np.float32,
    high: np.float32,
    xs: FloatArray,
    ys: FloatArray,
    zs: FloatArray,
) -> int:
    """Put points at squared distances between `low` and `high`, moved, into xs, ys, zs; their number."""
    (a, b, c, east), (d, e, f, north), (g, h, k, up) = pose[0], pose[1], pose[2]
    count = 0
    for i in range(len(cloud)):
        x, y, z = cloud[i, 0], cloud[i, 1], cloud[i, 2]
        if low < x * x + y * y + z * z < high:
            xs[count] = a * x + b * y + c * z + east
            ys[count] = d * x + e * y + f * z + north
            zs[count] = g * x + h * y + k * z + up
            count += 1
    return count
