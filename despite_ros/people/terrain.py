"""Kernels of the floor's height map: made from points, and taken off them."""

import numba
import numpy as np

from despite_ros.arrays import BoolArray, FloatArray

DEPTH = 3  # the third lowest point of a cell stands for it: stray returns below the floor are rare
THIN, TALL = np.float32(0.25), np.float32(1.5)  # metres above a cell's lowest points


@numba.njit(cache=True)
def cell_lows(points: FloatArray, x0: float, y0: float, side: float, cells: int) -> FloatArray:
    """The third lowest z of each cell (cells×cells, NaN where there are fewer points)."""
    lows = np.full((cells * cells, DEPTH), np.inf, np.float32)
    scale = np.float32(1.0 / side)
    left, front = np.float32(x0), np.float32(y0)
    for i in range(len(points)):
        row = int(np.floor((points[i, 0] - left) * scale))
        column = int(np.floor((points[i, 1] - front) * scale))
        if row < 0 or column < 0 or row >= cells or column >= cells:
            continue
        z = points[i, 2]
        cell = row * cells + column
        if z < lows[cell, 2]:  # seldom after a cell's first points; no branches within
            first, second = lows[cell, 0], lows[cell, 1]
            lows[cell, 0], lows[cell, 1] = min(first, z), min(max(first, z), second)
            lows[cell, 2] = max(second, z)
    third = np.empty((cells, cells), np.float32)
    for row in range(cells):
        for column in range(cells):
            low = lows[row * cells + column, 2]
            third[row, column] = np.nan if np.isinf(low) else low
    return third


@numba.njit(cache=True)
def flat_shares(points: FloatArray, lows: FloatArray, x0: float, y0: float, side: float) -> FloatArray:
    """Of each cell's points up to TALL above its low, the share up to THIN above it.

    High for a floor, which is thin; low for walls and people, whose feet are hidden more often than not.
    """
    cells = len(lows)
    every, thin = np.zeros((cells, cells), np.float32), np.zeros((cells, cells), np.float32)
    scale = np.float32(1.0 / side)
    left, front = np.float32(x0), np.float32(y0)
    for i in range(len(points)):
        row = int(np.floor((points[i, 0] - left) * scale))
        column = int(np.floor((points[i, 1] - front) * scale))
        if row < 0 or column < 0 or row >= cells or column >= cells:
            continue
        height = points[i, 2] - lows[row, column]
        if height < TALL:
            every[row, column] += 1
            thin[row, column] += height < THIN
    return (thin / np.maximum(every, np.float32(1))).astype(np.float32)


@numba.njit(cache=True)
def grow(residual: FloatArray, near: float, rise: float, level_cells: float) -> FloatArray:
    """Floor cells (height over the plane, NaN elsewhere).

    Grown from the cells near the plane, to neighbours at most `rise` higher or lower; then from any
    other cell, where what it grows to has at least `level_cells` cells, whole 3×3 blocks among them.
    """
    rows, columns = residual.shape
    floor = np.full((rows, columns), np.nan, np.float32)
    tried = np.isnan(residual)
    stack = np.empty((rows * columns, 2), np.int32)
    for row in range(rows):
        for column in range(columns):
            if abs(residual[row, column]) < near:
                _spread(residual, floor, tried, stack, row, column, rise)
    for row in range(rows):
        for column in range(columns):
            if not tried[row, column]:
                size = _spread(residual, floor, tried, stack, row, column, rise)
                if size < level_cells or _blocks(floor, stack[:size]) < level_cells / 3:
                    for k in range(size):
                        floor[stack[k, 0], stack[k, 1]] = np.nan
    return floor


@numba.njit(cache=True)
def _spread(
    residual: FloatArray,
    floor: FloatArray,
    tried: BoolArray,
    stack: FloatArray,
    row: int,
    column: int,
    rise: float,
) -> int:
    """Flood `floor` from one cell that was not tried; the number of cells, listed in `stack`."""
    if tried[row, column]:
        return 0
    rows, columns = residual.shape
    floor[row, column] = residual[row, column]
    tried[row, column] = True
    stack[0, 0], stack[0, 1] = row, column
    size, done = 1, 0
    while done < size:
        a, b = stack[done, 0], stack[done, 1]
        done += 1
        for i in range(max(a - 1, 0), min(a + 2, rows)):
            for j in range(max(b - 1, 0), min(b + 2, columns)):
                if not tried[i, j] and abs(residual[i, j] - floor[a, b]) < rise:
                    tried[i, j] = True
                    floor[i, j] = residual[i, j]
                    stack[size, 0], stack[size, 1] = i, j
                    size += 1
    return size


@numba.njit(cache=True)
def _blocks(floor: FloatArray, cells: FloatArray) -> int:
    """How many of the cells (K×2) have eight floor neighbours."""
    count = 0
    for k in range(len(cells)):
        row, column = cells[k, 0], cells[k, 1]
        if 0 < row < floor.shape[0] - 1 and 0 < column < floor.shape[1] - 1:
            whole = True
            for i in range(row - 1, row + 2):
                for j in range(column - 1, column + 2):
                    whole &= not np.isnan(floor[i, j])
            count += whole
    return count


@numba.njit(cache=True)
def fill(floor: FloatArray) -> FloatArray:
    """Median of the floor cells in the 5×5 around each cell; 0 (the plane) where there are none."""
    rows, columns = floor.shape
    filled = np.zeros((rows, columns), np.float32)
    window, counts = np.empty((25, columns), np.float32), np.empty(columns, np.int64)
    for row in range(rows):
        counts[:] = 0
        for k in range(25):
            i = row + k // 5 - 2
            for column in range(columns):
                j = column + k % 5 - 2
                inside = 0 <= i < rows and 0 <= j < columns and not np.isnan(floor[i, j])
                window[k, column] = floor[i, j] if inside else np.inf
                counts[column] += inside
        if counts.max() > 0:
            _sort_lower_half(window)
        for column in range(columns):
            if counts[column] > 0:
                filled[row, column] = window[counts[column] // 2, column]
    return filled


@numba.njit(cache=True)
def _sort_lower_half(window: FloatArray) -> None:
    """Put the lower half of each column in order, by exchanges of rows: vector instructions, no branches."""
    count = len(window)
    for first in range(count // 2 + 1):
        for k in range(count - 1, first, -1):
            for column in range(window.shape[1]):
                a, b = window[k - 1, column], window[k, column]
                window[k - 1, column], window[k, column] = min(a, b), max(a, b)


@numba.njit(cache=True)
def refine(
    points: FloatArray, heights: FloatArray, x0: float, y0: float, side: float, band: float, top: float
) -> tuple[FloatArray, float]:
    """Mean height of the points within `band` of the map, of each cell with its eight neighbours.

    Points higher than `top` are farther than that from all of the map.
    Returns the correction of the map (same shape) and the standard deviation of the points, metres.
    """
    cells = heights.shape[0]
    sums = np.zeros((cells, cells, 3))  # number, Σ height, Σ height²
    scale, left, front = np.float32(1 / side), np.float32(x0), np.float32(y0)
    for i in range(len(points)):
        if points[i, 2] > top:
            continue
        x, y = (points[i, 0] - left) * scale, (points[i, 1] - front) * scale
        above = points[i, 2] - height_at(heights, x, y)
        if abs(above) < band:
            row, column = min(max(int(x), 0), cells - 1), min(max(int(y), 0), cells - 1)
            sums[row, column, 0] += 1
            sums[row, column, 1] += above
            sums[row, column, 2] += above * above
    correction = np.zeros((cells, cells), np.float32)
    squares, number = 0.0, 1.0
    for row in range(cells):
        for column in range(cells):
            count, total = 0.0, 0.0
            for i in range(max(row - 1, 0), min(row + 2, cells)):
                for j in range(max(column - 1, 0), min(column + 2, cells)):
                    count += sums[i, j, 0]
                    total += sums[i, j, 1]
            if count > 0:
                mean = total / count
                correction[row, column] = mean
                n = sums[row, column, 0]
                squares += sums[row, column, 2] - 2 * mean * sums[row, column, 1] + mean * mean * n
                number += n
    return correction, np.sqrt(max(squares, 0.0) / number)


@numba.njit(cache=True)
def heights_above(
    points: FloatArray, heights: FloatArray, x0: np.float32, y0: np.float32, scale: np.float32
) -> FloatArray:
    """z of each point above the bilinearly interpolated height map, metres."""
    above = np.empty(len(points), np.float32)
    for i in range(len(points)):
        above[i] = points[i, 2] - height_at(heights, (points[i, 0] - x0) * scale, (points[i, 1] - y0) * scale)
    return above


@numba.njit(cache=True)
def between(
    points: FloatArray,
    heights: FloatArray,
    x0: np.float32,
    y0: np.float32,
    scale: np.float32,
    low: np.float32,
    high: np.float32,
) -> tuple[FloatArray, FloatArray]:
    """The points more than `low` and less than `high` metres above the height map, and how high they are."""
    kept = np.empty_like(points)
    above = np.empty(len(points), np.float32)
    count = 0
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        height = z - height_at(heights, (x - x0) * scale, (y - y0) * scale)
        kept[count, 0], kept[count, 1], kept[count, 2] = x, y, z
        above[count] = height
        count += low < height and height < high
    return kept[:count], above[:count]


@numba.njit(cache=True, inline="always")
def height_at(heights: FloatArray, x: np.float32, y: np.float32) -> np.float32:
    """The height map, interpolated bilinearly, at a place in cells from its corner."""
    zero, half = np.float32(0), np.float32(0.5)
    last = np.float32(heights.shape[0] - 1.001)
    u, v = min(max(x - half, zero), last), min(max(y - half, zero), last)
    row, column = np.uint32(u), np.uint32(v)
    u -= np.float32(row)
    v -= np.float32(column)
    a, b = heights[row, column], heights[row, column + np.uint32(1)]
    c, d = heights[row + np.uint32(1), column], heights[row + np.uint32(1), column + np.uint32(1)]
    low, high = a + (c - a) * u, b + (d - b) * u
    return np.float32(low + (high - low) * v)
