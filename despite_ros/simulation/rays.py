"""The rays of a sweep: sorted into an angular grid, and fired by a sensor that may move."""

from typing import NamedTuple

import numpy as np
from numba import njit

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray, IndexArray, IntArray

MISS = np.float32(np.inf)


class RayGrid(NamedTuple):
    """The N rays of one sweep, sorted by cell, in the sensor's frame.

    directions: N×3 unit vectors. times: N seconds before the sweep's end (≤ 0). rings: N beam numbers.
    row_edges: R+1 ascending elevations (radians). columns: cells in a turn of azimuth from −π.
    starts: R·columns + 1, where each cell's rays begin. column_times: columns×2, the earliest and the
    latest time of a column's rays (of all rays where it has none).
    """

    directions: FloatArray
    times: FloatArray
    rings: IndexArray
    row_edges: DoubleArray
    columns: int
    starts: IntArray
    column_times: DoubleArray


class Sweep(NamedTuple):
    """What a sensor fires in `period` seconds, moving from pose `start` to `end` (4×4, sensor → world)."""

    grid: RayGrid
    period: float
    start: DoubleArray
    end: DoubleArray


def make_grid(
    directions: AnyArray, times: AnyArray, rings: AnyArray, row_edges: DoubleArray, columns: int
) -> RayGrid:
    """Sort rays (N×3, N, N) into cells."""
    azimuth = np.arctan2(directions[:, 1], directions[:, 0])
    elevation = np.arcsin(np.clip(directions[:, 2], -1, 1))
    row = np.clip(np.searchsorted(row_edges, elevation, side="right") - 1, 0, len(row_edges) - 2)
    column = np.minimum(((azimuth + np.pi) / (2 * np.pi) * columns).astype(np.int64), columns - 1)
    cell = row * columns + column
    order = np.lexsort((azimuth, cell))
    counts = np.bincount(cell, minlength=(len(row_edges) - 1) * columns)
    column_times = np.full((columns, 2), (np.inf, -np.inf))
    np.minimum.at(column_times[:, 0], column, times)
    np.maximum.at(column_times[:, 1], column, times)
    column_times[np.isinf(column_times[:, 0])] = times.min(), times.max()
    return RayGrid(
        np.ascontiguousarray(directions[order], np.float32),
        np.ascontiguousarray(times[order], np.float32),
        np.ascontiguousarray(rings[order], np.int32),
        np.ascontiguousarray(row_edges, np.float64),
        columns,
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        column_times,
    )


@njit(cache=True, error_model="numpy")
def world_ray(sweep: Sweep, i: int) -> tuple[float, float, float, float, float, float]:
    """Origin and direction of ray i in the world, with the sensor where it was when the ray was fired.

    The pose is blended linearly, so that the direction is a little shorter than 1 when the sensor
    turns; `true_ranges` makes up for it.
    """
    share = 1.0 + sweep.grid.times[i] / sweep.period
    s, e, d = sweep.start, sweep.end, sweep.grid.directions
    x, y, z = float(d[i, 0]), float(d[i, 1]), float(d[i, 2])
    u0, v0, w0 = (
        s[0, 0] * x + s[0, 1] * y + s[0, 2] * z,
        s[1, 0] * x + s[1, 1] * y + s[1, 2] * z,
        s[2, 0] * x + s[2, 1] * y + s[2, 2] * z,
    )
    u1, v1, w1 = (
        e[0, 0] * x + e[0, 1] * y + e[0, 2] * z,
        e[1, 0] * x + e[1, 1] * y + e[1, 2] * z,
        e[2, 0] * x + e[2, 1] * y + e[2, 2] * z,
    )
    return (
        s[0, 3] + share * (e[0, 3] - s[0, 3]),
        s[1, 3] + share * (e[1, 3] - s[1, 3]),
        s[2, 3] + share * (e[2, 3] - s[2, 3]),
        u0 + share * (u1 - u0),
        v0 + share * (v1 - v0),
        w0 + share * (w1 - w0),
    )


@njit(cache=True, error_model="numpy")
def true_ranges(sweep: Sweep, ranges: FloatArray) -> None:
    """Ray parameters → metres, for the blended directions' lengths."""
    for i in range(len(ranges)):
        _, _, _, dx, dy, dz = world_ray(sweep, i)
        ranges[i] *= np.sqrt(dx * dx + dy * dy + dz * dz)


@njit(cache=True, error_model="numpy")
def to_sensor(sweep: Sweep, time: float, point: DoubleArray, local: DoubleArray) -> None:
    """A world point (3) → `local`, in the sensor's frame `time` seconds before the sweep's end."""
    share = 1.0 + time / sweep.period
    for axis in range(3):
        local[axis] = 0.0
        for k in range(3):
            turn = sweep.start[k, axis] + share * (sweep.end[k, axis] - sweep.start[k, axis])
            origin = sweep.start[k, 3] + share * (sweep.end[k, 3] - sweep.start[k, 3])
            local[axis] += (point[k] - origin) * turn


@njit(cache=True, error_model="numpy")
def movement(sweep: Sweep) -> tuple[float, float]:
    """The sensor's speed (m/s) and an upper bound of its turning rate (rad/s)."""
    step, turn = 0.0, 0.0
    for k in range(3):
        step += (sweep.end[k, 3] - sweep.start[k, 3]) ** 2
        for axis in range(3):
            turn += (sweep.end[k, axis] - sweep.start[k, axis]) ** 2
    return np.sqrt(step) / sweep.period, np.sqrt(turn) / sweep.period
