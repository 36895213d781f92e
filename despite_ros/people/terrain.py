"""Kernels of the floor's height map: made from points, and taken off them."""

import numba
import numpy as np

from despite_ros.arrays import BoolArray, DoubleArray, FloatArray, IndexArray

DEPTH = 3  # the third lowest point of a cell stands for it: stray returns below the floor are rare
THIN, TALL = np.float32(0.25), np.float32(1.5)  # metres above a cell's lowest points
WORD, MASK = 32, (1 << 32) - 1  # of two counts in one number: one place in memory a point


# Loops over all points are apart from those that look up cells: the former become vector instructions.
@numba.njit(cache=True)
def cell_indices(
    x: FloatArray, y: FloatArray, x0: np.float32, y0: np.float32, scale: np.float32, cells: int
) -> IndexArray:
    """Cell (row · cells + column) of each of N points; those outside are in one more cell, the last."""
    home = np.empty(len(x), np.int32)
    end, width, outside = np.float32(cells), np.int32(cells), np.int32(cells * cells)
    for i in range(len(x)):
        u, v = (x[i] - x0) * scale, (y[i] - y0) * scale
        inside = (u >= 0) & (v >= 0) & (u < end) & (v < end)
        home[i] = np.int32(u) * width + np.int32(v) if inside else outside
    return home


@numba.njit(cache=True)
def cell_lows(z: FloatArray, home: IndexArray, cells: int) -> FloatArray:
    """The third lowest z of each cell (cells×cells, NaN where there are fewer points); home: (N,) cells."""
    lows = np.full((DEPTH, cells * cells + 1), np.inf, np.float32)
    first, second, third = lows[0], lows[1], lows[2]
    for i in range(len(z)):
        cell = np.uint32(home[i])
        if z[i] < third[cell]:  # seldom after a cell's first points; no branches within
            a, b = first[cell], second[cell]
            first[cell], second[cell] = min(a, z[i]), min(max(a, z[i]), b)
            third[cell] = max(b, z[i])
    found = np.empty((cells, cells), np.float32)
    for row in range(cells):
        for column in range(cells):
            low = third[row * cells + column]
            found[row, column] = np.nan if np.isinf(low) else low
    return found


@numba.njit(cache=True)
def flat_shares(z: FloatArray, home: IndexArray, lows: FloatArray) -> FloatArray:
    """Of each cell's points up to TALL above its low, the share up to THIN above it.

    High for a floor, which is thin; low for walls and people, whose feet are hidden more often than not.
    """
    cells = len(lows)
    low = np.full(cells * cells + 1, np.nan, np.float32)
    for row in range(cells):
        for column in range(cells):
            low[row * cells + column] = lows[row, column]
    counts = np.zeros(len(low), np.int64)  # up to TALL, and shifted by WORD up to THIN
    for i in range(len(z)):
        cell = np.uint32(home[i])
        height = z[i] - low[cell]
        counts[cell] += np.int64(height < TALL) + (np.int64(height < THIN) << WORD)
    shares = np.empty((cells, cells), np.float32)
    for row in range(cells):
        for column in range(cells):
            count = counts[row * cells + column]
            shares[row, column] = np.float32(count >> WORD) / np.float32(max(count & MASK, 1))
    return shares


@numba.njit(cache=True)
def drop_uneven(residual: FloatArray, flatness: FloatArray, flat: float, near: float) -> None:
    """Make those cells NaN that are less flat than `flat` and not `near` the plane."""
    for row in range(len(residual)):
        for column in range(residual.shape[1]):
            if flatness[row, column] < flat and abs(residual[row, column]) >= near:
                residual[row, column] = np.nan


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
    known = np.full((rows + 4, columns + 4), np.inf, np.float32)  # no cell of a window lies outside
    for row in range(rows):
        for column in range(columns):
            known[row + 2, column + 2] = np.inf if np.isnan(floor[row, column]) else floor[row, column]
    filled = np.zeros((rows, columns), np.float32)
    window, counts = np.empty((25, columns), np.float32), np.empty(columns, np.int32)
    for row in range(rows):
        counts[:] = 0
        for k in range(25):
            line, shift = row + k // 5, k % 5
            for column in range(columns):
                window[k, column] = known[line, column + shift]
                counts[column] += np.int32(window[k, column] < np.inf)
        if counts.max() > 0:
            _sort_columns(window)
        for column in range(columns):
            if counts[column] > 0:
                filled[row, column] = window[counts[column] // 2, column]
    return filled


@numba.njit(cache=True)
def _sort_columns(window: FloatArray) -> None:
    """Batcher's merge exchange: it exchanges rows whatever is in them, so it is vector instructions."""
    step = start = 1 << int(np.ceil(np.log2(len(window)))) - 1
    while step > 0:
        stride, offset, apart = start, 0, step
        while apart > 0:
            for k in range(len(window) - apart):
                if k & step == offset:
                    _exchange(window[k], window[k + apart])
            apart, stride, offset = stride - step, stride // 2, step
        step //= 2


@numba.njit(cache=True)
def _exchange(low: FloatArray, high: FloatArray) -> None:
    """Put the lesser of each pair into `low`, the greater into `high`."""
    for k in range(len(low)):
        a, b = low[k], high[k]
        low[k], high[k] = min(a, b), max(a, b)


@numba.njit(cache=True)
def refine(above: FloatArray, home: IndexArray, cells: int, band: float) -> tuple[FloatArray, float]:
    """Mean height of the points within `band` of the map, of each cell with its eight neighbours.

    above: (N,) heights of the points over the map. home: (N,) their cells.
    Returns the correction of the map (cells×cells) and the standard deviation of the points, metres.
    """
    sums = np.zeros((3, cells * cells + 1))
    numbers, totals, squares = sums[0], sums[1], sums[2]
    for i in range(len(above)):
        if abs(above[i]) < band:
            cell = np.uint32(home[i])
            numbers[cell] += 1
            totals[cell] += above[i]
            squares[cell] += above[i] * above[i]
    around, total = _around(numbers, cells), _around(totals, cells)
    correction = np.zeros((cells, cells), np.float32)
    squared, number = 0.0, 1.0
    for row in range(cells):
        for column in range(cells):
            if around[row, column] > 0:
                k, mean = row * cells + column, total[row, column] / around[row, column]
                correction[row, column] = mean
                squared += squares[k] - 2 * mean * totals[k] + mean * mean * numbers[k]
                number += numbers[k]
    return correction, np.sqrt(max(squared, 0.0) / number)


@numba.njit(cache=True)
def _around(values: DoubleArray, cells: int) -> DoubleArray:
    """Sum of each cell and its eight neighbours (cells×cells) of values that lie row after row."""
    sums = np.zeros((cells, cells))
    for row in range(cells):
        for i in range(max(row - 1, 0), min(row + 2, cells)):
            for shift in range(-1, 2):
                for column in range(max(-shift, 0), min(cells - shift, cells)):
                    sums[row, column] += values[i * cells + column + shift]
    return sums


@numba.njit(cache=True)
def heights_above(
    x: FloatArray,
    y: FloatArray,
    z: FloatArray,
    heights: FloatArray,
    cells: int,
    x0: np.float32,
    y0: np.float32,
    scale: np.float32,
) -> FloatArray:
    """z of each of N points above the bilinearly interpolated height map, metres.

    heights: row after row of `cells` cells. x0, y0: its corner, metres. scale: cells a metre.
    """
    zero, half, end = np.float32(0), np.float32(0.5), np.float32(cells - 1.001)
    corner, above = np.empty(len(x), np.int32), np.empty(len(x), np.float32)
    us, vs = np.empty(len(x), np.float32), np.empty(len(x), np.float32)
    for i in range(len(x)):
        u = min(max((x[i] - x0) * scale - half, zero), end)
        v = min(max((y[i] - y0) * scale - half, zero), end)
        row, column = np.int32(u), np.int32(v)
        corner[i] = row * np.int32(cells) + column
        us[i], vs[i] = u - np.float32(row), v - np.float32(column)
    one, width = np.uint32(1), np.uint32(cells)
    for i in range(len(x)):
        k = np.uint32(corner[i])
        a, b, c, d = heights[k], heights[k + one], heights[k + width], heights[k + width + one]
        low, high = a + (c - a) * us[i], b + (d - b) * us[i]
        above[i] = z[i] - (low + (high - low) * vs[i])
    return above


@numba.njit(cache=True)
def between(
    x: FloatArray, y: FloatArray, z: FloatArray, heights: FloatArray, low: np.float32, high: np.float32
) -> tuple[FloatArray, FloatArray]:
    """The points (K×3) of N whose `heights` (N,) are between two, and how high they are (K,)."""
    points = np.empty((len(x), 3), np.float32)
    kept = np.empty(len(x), np.float32)
    count = 0
    for i in range(len(x)):
        points[count, 0], points[count, 1], points[count, 2] = x[i], y[i], z[i]
        kept[count] = heights[i]
        count += low < heights[i] and heights[i] < high
    return points[:count], kept[:count]
