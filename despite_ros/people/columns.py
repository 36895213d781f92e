"""Clusters, points one after another, a column a coordinate: loops over them become vector instructions."""

import numba
import numpy as np

from despite_ros.arrays import FloatArray, IndexArray, IntArray


@numba.njit(cache=True)
def gather(points: FloatArray, above: FloatArray, order: IndexArray) -> FloatArray:
    """x, y, z and height above the floor of those of N×3 points that M indices name, 4×M."""
    columns = np.empty((4, len(order)), np.float32)
    for m in range(len(order)):
        i = order[m]
        columns[0, m], columns[1, m], columns[2, m] = points[i, 0], points[i, 1], points[i, 2]
        columns[3, m] = above[i]
    return columns


@numba.njit(cache=True, inline="always")
def cluster(
    columns: FloatArray, starts: IntArray, g: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """x, y, z and heights of the points of cluster `g`, which begin at `starts[g]` and end at the next."""
    a, b = starts[g], starts[g + 1]
    return columns[0, a:b], columns[1, a:b], columns[2, a:b], columns[3, a:b]
