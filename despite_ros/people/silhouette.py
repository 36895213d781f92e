"""A cluster as the sensor sees it, and from beside: shares of its points over height and width."""

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray

ROWS, COLUMNS = 11, 8
TALL, WIDE = 0.2, 0.16  # metres, of a cell
CELLS = 2 * ROWS * COLUMNS


@numba.njit(cache=True)
def silhouettes(
    points: FloatArray, above: FloatArray, order: IndexArray, starts: IntArray, sensor: DoubleArray
) -> FloatArray:
    """Roots of the shares of G clusters' points, G×CELLS: across the line of sight, then along it.

    points, above: N×3 and heights (N,) above the floor. order: indices of the points, cluster after
    cluster; starts: G+1, where each begins, none empty. Rows go up from the floor, columns are centred
    on the cluster's middle; what lies outside counts to the outermost cells.
    """
    shares = np.zeros((len(starts) - 1, 2, ROWS, COLUMNS), np.float32)
    for g in range(len(shares)):
        members = order[starts[g] : starts[g + 1]]
        x, y = 0.0, 0.0
        for i in members:
            x += points[i, 0]
            y += points[i, 1]
        x, y = x / len(members), y / len(members)
        ahead, aside = x - sensor[0], y - sensor[1]
        distance = np.hypot(ahead, aside) + 1e-6
        ahead, aside = ahead / distance, aside / distance
        for i in members:
            dx, dy = points[i, 0] - x, points[i, 1] - y
            row = min(max(int(above[i] / TALL), 0), ROWS - 1)
            across = min(max(int((dy * ahead - dx * aside) / WIDE + COLUMNS / 2), 0), COLUMNS - 1)
            along = min(max(int((dx * ahead + dy * aside) / WIDE + COLUMNS / 2), 0), COLUMNS - 1)
            shares[g, 0, row, across] += 1
            shares[g, 1, row, along] += 1
        shares[g] = np.sqrt(shares[g] / len(members))
    return shares.reshape(len(shares), CELLS)
