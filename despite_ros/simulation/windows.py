"""Which rays can meet a thing: its bounds as a window of cells in the grid of rays."""

import numpy as np
from numba import njit

from despite_ros.arrays import DoubleArray, IntArray
from despite_ros.simulation.rays import RayGrid, Sweep

MARGIN = 0.003  # radians around a thing's bounds, for rounding


@njit(cache=True, error_model="numpy")
def hull_bounds(points: DoubleArray, reach: DoubleArray, margin: float) -> tuple[float, float, float, float]:
    """Bounds of the hull of spheres (K×3 in the sensor's frame, K radii), seen from the sensor.

    Returns the azimuth of its middle and half its width, and the lowest and highest elevation
    (radians), all widened by `margin`; a half-width of π where the sensor stands in or under it.
    """
    x, y = 0.0, 0.0
    for i in range(len(points)):
        x, y = x + points[i, 0], y + points[i, 1]
    middle = np.arctan2(y, x)
    cosine, sine = np.cos(middle), np.sin(middle)
    near, far, width = np.inf, 0.0, 0.0
    lowest, highest = np.inf, -np.inf
    for i in range(len(points)):
        forward = points[i, 0] * cosine + points[i, 1] * sine
        aside = points[i, 1] * cosine - points[i, 0] * sine
        radial = np.hypot(forward, aside)
        near = min(near, forward - reach[i])
        far = max(far, radial + reach[i])
        lowest = min(lowest, points[i, 2] - reach[i])
        highest = max(highest, points[i, 2] + reach[i])
        width = max(width, abs(np.arctan2(aside, forward)) + np.arcsin(min(1.0, reach[i] / radial)))
    if near <= 0.0:
        return middle, np.pi, -np.pi / 2, np.pi / 2
    low = np.arctan2(lowest, near if lowest < 0 else far) - margin
    high = np.arctan2(highest, near if highest > 0 else far) + margin
    return middle, min(np.pi, width + margin), low, high


@njit(cache=True, error_model="numpy")
def cell_window(grid: RayGrid, bounds: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """Bounds in radians → first row, row after the last, first column, column after the last.

    Columns may run beyond the grid's: they wrap.
    """
    middle, width, low, high = bounds
    rows = len(grid.row_edges) - 1
    if high < grid.row_edges[0] or low > grid.row_edges[rows]:
        return 0, 0, 0, 0
    step = 2.0 * np.pi / grid.columns
    first = int(np.floor((middle - width + np.pi) / step))
    last = min(int(np.floor((middle + width + np.pi) / step)), first + grid.columns - 1)
    shift = first - first % grid.columns
    return row_of(grid.row_edges, low), row_of(grid.row_edges, high) + 1, first - shift, last + 1 - shift


@njit(cache=True, error_model="numpy")
def row_of(edges: DoubleArray, elevation: float) -> int:
    """The row that an elevation falls into; the first or last beyond the ends."""
    low, high = 0, len(edges) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if edges[middle] <= elevation:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy")
def window_times(sweep: Sweep, window: tuple[int, int, int, int]) -> tuple[float, float]:
    """When the rays of a window are fired: the middle of that time and half its length (seconds).

    An empty window gets the whole sweep: what it belongs to may come into view.
    """
    times, first, last = sweep.grid.column_times, 0.0, -sweep.period
    for column in range(window[2], window[3]):
        first = min(first, times[column % sweep.grid.columns, 0])
        last = max(last, times[column % sweep.grid.columns, 1])
    if last < first:
        return -sweep.period / 2, sweep.period / 2
    return (first + last) / 2, (last - first) / 2


@njit(cache=True, error_model="numpy")
def run(grid: RayGrid, window: IntArray, row: int, shift: int) -> tuple[int, int]:
    """Rays (first, after the last) of a window's row.

    shift: 0, or the number of columns for the part of the window that wraps.
    """
    first, last = max(window[2] - shift, 0), min(window[3] - shift, grid.columns)
    if first >= last:
        return 0, 0
    base = row * grid.columns
    return grid.starts[base + first], grid.starts[base + last]
