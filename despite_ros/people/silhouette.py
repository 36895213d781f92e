"""A cluster as the sensor sees it, and from beside: shares of its points over height and width."""

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IntArray
from despite_ros.people.columns import cluster

ROWS, COLUMNS = 11, 8
TALL, WIDE = 0.2, 0.16  # metres, of a cell
CELLS = 2 * ROWS * COLUMNS


@numba.njit(cache=True)
def silhouettes(
    columns: FloatArray, starts: IntArray, wanted: IntArray, middles: DoubleArray, sensor: DoubleArray
) -> FloatArray:
    """Roots of the shares of G clusters' points, G×CELLS: across the line of sight, then along it.

    columns, starts: as `columns.gather` makes them. wanted: clusters to look at, zeros for the others.
    middles: their means, G×3. Rows go up from the floor, columns are centred on the cluster's middle;
    what lies outside counts to the outermost cells.
    """
    shares = np.zeros((len(middles), CELLS), np.float32)
    for g in wanted:
        x, y, _, above = cluster(columns, starts, g)
        east, north = middles[g, 0], middles[g, 1]
        ahead, aside = east - sensor[0], north - sensor[1]
        distance = np.hypot(ahead, aside) + 1e-6
        ahead, aside = ahead / distance, aside / distance
        front, side = np.empty(len(x), np.int32), np.empty(len(x), np.int32)
        for i in range(len(x)):  # apart from the counting, it becomes vector instructions
            dx, dy = x[i] - east, y[i] - north
            row = np.int32(min(max(above[i] / TALL, 0.0), ROWS - 1.0)) * np.int32(COLUMNS)
            across = min(max((dy * ahead - dx * aside) / WIDE + COLUMNS / 2, 0.0), COLUMNS - 1.0)
            along = min(max((dx * ahead + dy * aside) / WIDE + COLUMNS / 2, 0.0), COLUMNS - 1.0)
            front[i], side[i] = row + np.int32(across), row + np.int32(along)
        for i in range(len(x)):
            shares[g, front[i]] += 1
            shares[g, ROWS * COLUMNS + side[i]] += 1
        for k in range(CELLS):
            shares[g, k] = np.sqrt(shares[g, k] / len(x))
    return shares
