"""What stands close around a cluster: people have room about them, a piece of a thing has its rest."""

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.people.columns import cluster

CELL = 0.1  # metres
AROUND = 2  # cells about each of a cluster's own that count as close


class Surroundings:
    """Number of a sweep's points in the cells of a square grid around the sensor, background included."""

    def __init__(self, max_range: float) -> None:
        self.cells = 2 * int(np.ceil(max_range / CELL)) + 2
        self.grid: IndexArray = np.zeros((self.cells, self.cells), np.int32)
        self.origin: FloatArray = np.zeros(2, np.float32)

    def fill(self, points: FloatArray, sensor: DoubleArray) -> None:
        """Count all N×3 points above the floor of a sweep made from `sensor` (3,)."""
        self.origin = np.asarray(sensor[:2] - self.cells / 2 * CELL, np.float32)
        self.grid.fill(0)
        _count(points, self.grid, self.origin)

    def beside(self, columns: FloatArray, starts: IntArray, wanted: IntArray) -> FloatArray:
        """Points near each of G clusters that are not its own: log(1 + per own point), log(1 + number), G×2.

        columns, starts, wanted: as `silhouette.silhouettes` takes them.
        """
        others: FloatArray = _beside(columns, starts, wanted, self.grid, self.origin)
        return np.log1p(np.maximum(others, 0))


@numba.njit(cache=True)
def _count(points: FloatArray, grid: IndexArray, origin: FloatArray) -> None:
    for i in range(len(points)):
        row, column = _cell(points[i, 0], points[i, 1], origin, len(grid))
        grid[row, column] += 1


@numba.njit(cache=True, inline="always")
def _cell(x: float, y: float, origin: FloatArray, cells: int) -> tuple[int, int]:
    row = min(max(int((x - origin[0]) / np.float32(CELL)), 0), cells - 1)
    return row, min(max(int((y - origin[1]) / np.float32(CELL)), 0), cells - 1)


@numba.njit(cache=True)
def _beside(
    columns: FloatArray, starts: IntArray, wanted: IntArray, grid: IndexArray, origin: FloatArray
) -> FloatArray:
    others = np.zeros((len(starts) - 1, 2), np.float32)
    cells = len(grid)
    # 2g + 1 where a cell is close to cluster g, 2g + 2 where it is its own
    marks = np.zeros(grid.shape, np.int32)
    for g in wanted:
        x, y, _, _ = cluster(columns, starts, g)
        near, own, count = 2 * g + 1, 2 * g + 2, 0
        for i in range(len(x)):
            row, column = _cell(x[i], y[i], origin, cells)
            if marks[row, column] == own:
                continue
            for a in range(max(row - AROUND, 0), min(row + AROUND + 1, cells)):
                for b in range(max(column - AROUND, 0), min(column + AROUND + 1, cells)):
                    if marks[a, b] < near:
                        marks[a, b] = near
                        count += grid[a, b]
            marks[row, column] = own
        others[g, 1] = count - len(x)
        others[g, 0] = others[g, 1] / len(x)
    return others
