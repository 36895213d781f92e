"""Euclidean clusters of an occupancy grid in plan view, with spacing that grows with range."""

from collections.abc import Sequence

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.people.settings import ClusteringSettings


class Clustering:
    """Connected components over a square grid around the sensor. The grid is kept between sweeps."""

    def __init__(self, settings: ClusteringSettings, max_range: float) -> None:
        self.settings = settings
        self.cells = 2 * int(np.ceil(max_range / settings.cell)) + 2
        self.grid: IndexArray = np.full(self.cells * self.cells, -1, np.int32)

    def label(self, points: FloatArray, sensor: DoubleArray) -> IndexArray:
        """Cluster of each of N×3 points seen from `sensor` (x, y): 0, 1, … (N,)."""
        settings = self.settings
        origin = np.asarray(sensor[:2] - self.cells // 2 * settings.cell, np.float32)
        labels: IndexArray = components(
            points, self.grid, origin, settings.cell, settings.spacing, settings.spacing_per_metre
        )
        return labels


def flatten(some: Sequence[IndexArray]) -> tuple[IndexArray, IntArray]:
    """The indices of one or more groups, group after group, and where each begins (one more than groups)."""
    starts = np.zeros(len(some) + 1, np.int64)
    np.cumsum([len(members) for members in some], out=starts[1:])
    return np.concatenate(some), starts


@numba.njit(cache=True)
def sort_labels(labels: IndexArray, count: int) -> tuple[IndexArray, IntArray]:
    """Indices of the points, label after label, and where each of the `count` labels begins (count + 1)."""
    starts = np.zeros(count + 1, np.int64)
    for label in labels:
        starts[label + 1] += 1
    starts = np.cumsum(starts)
    place = starts.copy()
    order = np.empty(len(labels), np.int32)
    for i in range(len(labels)):
        order[place[labels[i]]] = i
        place[labels[i]] += 1
    return order, starts


@numba.njit(cache=True)
def find(parent: IndexArray, i: int) -> int:
    """Root of `i`, halving its path."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(cache=True)
def components(
    points: FloatArray,
    grid: IndexArray,
    origin: FloatArray,
    side: float,
    spacing: float,
    spacing_per_metre: float,
) -> IndexArray:
    """Labels 0, 1, … of points whose grid cells are connected. `grid` is all −1 before and after."""
    cells = int(np.sqrt(len(grid)))
    home = np.empty(len(points), np.int32)  # of each point: where in the grid, which cell, then which label
    zero, last, width = np.float32(0), np.float32(cells - 1), np.int32(cells)
    x0, y0, scale = origin[0], origin[1], np.float32(1 / side)
    for i in range(len(points)):
        row = min(max((points[i, 0] - x0) * scale, zero), last)
        column = min(max((points[i, 1] - y0) * scale, zero), last)
        home[i] = np.int32(row) * width + np.int32(column)
    occupied = np.empty(len(points), np.int32)
    count = 0
    for i in range(len(points)):
        if grid[home[i]] < 0:
            grid[home[i]] = count
            occupied[count] = home[i]
            count += 1
        home[i] = grid[home[i]]
    parent = np.arange(count, dtype=np.int32)
    for k in range(count):
        row, column = occupied[k] // cells, occupied[k] % cells
        metres = np.hypot(row - cells / 2, column - cells / 2) * side
        reach = (spacing + spacing_per_metre * metres) / side
        steps, root = int(reach), find(parent, k)
        for i in range(row, min(row + steps + 1, cells)):
            for j in range(max(column - steps, 0), min(column + steps + 1, cells)):
                other = grid[i * cells + j]
                near = other >= 0 and (i - row) ** 2 + (j - column) ** 2 <= reach * reach
                if near and parent[other] != root:
                    parent[find(parent, other)] = root
    names = np.full(count, -1, np.int32)  # of roots, then of all
    found = 0
    for k in range(count):
        root = find(parent, k)
        if names[root] < 0:
            names[root] = found
            found += 1
    for k in range(count):
        names[k] = names[find(parent, k)]
        grid[occupied[k]] = -1
    for i in range(len(points)):
        home[i] = names[home[i]]
    return home
