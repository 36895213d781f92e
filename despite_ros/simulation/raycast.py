"""Ray casting: numba kernels that test only the rays which can meet a thing.

Rays are sorted into the cells of an angular grid (rows of elevation × columns of azimuth) in the
sensor's frame. A thing's bounds in that grid say which rays to try; each ray keeps its nearest hit.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray, IndexArray, IntArray

MISS = np.float32(np.inf)
MARGIN = 0.003  # radians around a thing's bounds, for rounding


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


class Cones(NamedTuple):
    """P rounded cones, world frame; see `body.Primitives`. Each is where it was at time `posed_at`."""

    origins: DoubleArray  # P×3
    ends: DoubleArray  # P×3
    velocities: DoubleArray  # P×3
    posed_at: DoubleArray  # P, seconds before the sweep's end
    to_local: DoubleArray  # P×3×3
    heights: DoubleArray  # P
    radii: DoubleArray  # P×2
    reach: DoubleArray  # P×2
    owners: IntArray  # P, what a hit is told to belong to


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
def rounded_cone_distance(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, height: float, low: float, high: float
) -> float:
    """Ray parameter where o + t·d first meets the hull of two spheres, infinite where it does not.

    Spheres: radius `low` about 0, `high` about (0, 0, height). The cone touching both spheres holds
    them, so a ray that misses the cone misses all; else the entry is the least of the three entries.
    A ray steeper than the cone (k2 < 0) always meets it; at the apex only rounding says otherwise.
    """
    dd = dx * dx + dy * dy + dz * dz
    closest = -(ox * dx + oy * dy + oz * dz) / dd  # start from the closest approach: small numbers
    ox, oy, oz = ox + closest * dx, oy + closest * dy, oz + closest * dz
    taper = low - high
    squared = height * height
    slope = squared - taper * taper
    oo = ox * ox + oy * oy + oz * oz
    best = np.inf
    if slope > 0.0:
        along, speed = height * oz, height * dz
        k2 = slope * dd - speed * speed
        k1 = -along * speed + speed * taper * low
        k0 = slope * oo - along * along + 2.0 * along * taper * low - squared * low * low
        inside = k1 * k1 - k0 * k2
        if inside < 0.0 < k2:
            return np.inf
        root = np.sqrt(max(inside, 0.0))
        for sign in (-1.0, 1.0):
            t = (-k1 + sign * root) / k2
            foot = along - low * taper + t * speed
            if 0.0 < foot < slope and t < best:
                best = t
    if low * low > oo:
        best = min(best, -np.sqrt((low * low - oo) / dd))
    top = oz - height
    half = dz * top - dz * oz  # d·(o − end): d·o is zero here
    miss = ox * ox + oy * oy + top * top
    inside = half * half - dd * (miss - high * high)
    if inside > 0.0:
        best = min(best, (-half - np.sqrt(inside)) / dd)
    return best + closest


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
def cone_windows(sweep: Sweep, cones: Cones) -> IntArray:
    """The window of cells (P×4) that each cone can be seen in while it and the sensor move.

    First anywhere in the sweep; the rays of that window tell when the beams cross it, and so a narrower one.
    """
    windows = np.empty((len(cones.origins), 4), np.int64)
    points, now, reach = np.empty((2, 3)), np.empty(3), np.empty(2)
    speed, turning = movement(sweep)
    for p in range(len(windows)):
        own = 0.0
        for k in range(3):
            own += cones.velocities[p, k] ** 2
        time, slack = -sweep.period / 2, sweep.period / 2
        for _ in range(3):
            for end, place in enumerate((cones.origins, cones.ends)):
                for k in range(3):
                    now[k] = place[p, k] + (time - cones.posed_at[p]) * cones.velocities[p, k]
                to_sensor(sweep, time, now, points[end])
                reach[end] = cones.reach[p, end] + slack * (np.sqrt(own) + speed)
            window = cell_window(sweep.grid, hull_bounds(points, reach, MARGIN + slack * turning))
            windows[p] = window
            time, slack = window_times(sweep, window)
    return windows


@njit(cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def cast_cone(
    sweep: Sweep, cones: Cones, p: int, first: int, last: int, ranges: FloatArray, hits: IndexArray
) -> None:
    """Test rays first … last − 1 against cone p; nearer hits go to `ranges` and `hits`."""
    a = cones.to_local[p]
    c, v = cones.origins[p], cones.velocities[p]
    height, low, high = cones.heights[p], cones.radii[p, 0], cones.radii[p, 1]
    for i in range(first, last):
        ox, oy, oz, dx, dy, dz = world_ray(sweep, i)
        lag = sweep.grid.times[i] - cones.posed_at[p]
        x, y, z = ox - c[0] - lag * v[0], oy - c[1] - lag * v[1], oz - c[2] - lag * v[2]
        distance = rounded_cone_distance(
            a[0, 0] * x + a[0, 1] * y + a[0, 2] * z,
            a[1, 0] * x + a[1, 1] * y + a[1, 2] * z,
            a[2, 0] * x + a[2, 1] * y + a[2, 2] * z,
            a[0, 0] * dx + a[0, 1] * dy + a[0, 2] * dz,
            a[1, 0] * dx + a[1, 1] * dy + a[1, 2] * dz,
            a[2, 0] * dx + a[2, 1] * dy + a[2, 2] * dz,
            height,
            low,
            high,
        )
        if 0.0 < distance < ranges[i]:
            ranges[i] = distance
            hits[i] = cones.owners[p]


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


@njit(cache=True, error_model="numpy")
def cast_cones(sweep: Sweep, cones: Cones, ranges: FloatArray, hits: IndexArray) -> None:
    """Cast the rays that can meet cones; nearer hits go to `ranges`, owners to `hits` (N each)."""
    windows = cone_windows(sweep, cones)
    for p in range(len(windows)):
        for row in range(windows[p, 0], windows[p, 1]):
            for shift in (0, sweep.grid.columns):
                first, last = run(sweep.grid, windows[p], row, shift)
                cast_cone(sweep, cones, p, first, last, ranges, hits)


@njit(cache=True, error_model="numpy")
def true_ranges(sweep: Sweep, ranges: FloatArray) -> None:
    """Ray parameters → metres, for the blended directions' lengths."""
    for i in range(len(ranges)):
        _, _, _, dx, dy, dz = world_ray(sweep, i)
        ranges[i] *= np.sqrt(dx * dx + dy * dy + dz * dz)
