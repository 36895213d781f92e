"""Ray casting: numba kernels that test only the rays which can meet a primitive.

Rays are sorted into the cells of an angular grid (rows of elevation × columns of azimuth) in the
sensor's frame. A primitive's bounds in that grid say which rays to try; each keeps its nearest hit.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray, IndexArray, IntArray

MISS = np.float32(np.inf)


class RayGrid(NamedTuple):
    """The N rays of one sweep, sorted by cell, in the sensor's frame.

    directions: N×3 unit vectors. times: N seconds before the sweep's end (≤ 0). rings: N beam numbers.
    row_edges: R+1 ascending elevations (radians). columns: cells in a turn of azimuth from −π.
    starts: R·columns + 1, where each cell's rays begin. column_times: mean time of a column's rays.
    """

    directions: FloatArray
    times: FloatArray
    rings: IndexArray
    row_edges: DoubleArray
    columns: int
    starts: IntArray
    column_times: DoubleArray


class WorldRays(NamedTuple):
    """Origins and directions N×3 of a sweep's rays in the world, each at its own time."""

    origins: FloatArray
    directions: FloatArray


def make_grid(
    directions: AnyArray, times: AnyArray, rings: AnyArray, row_edges: DoubleArray, columns: int
) -> RayGrid:
    """Sort rays (N×3, N, N) into cells."""
    azimuth = np.arctan2(directions[:, 1], directions[:, 0])
    elevation = np.arcsin(np.clip(directions[:, 2], -1, 1))
    row = np.clip(np.searchsorted(row_edges, elevation, side="right") - 1, 0, len(row_edges) - 2)
    column = np.minimum(((azimuth + np.pi) / (2 * np.pi) * columns).astype(np.int64), columns - 1)
    cell = row * columns + column
    order = np.argsort(cell, kind="stable")
    counts = np.bincount(cell, minlength=(len(row_edges) - 1) * columns)
    in_column = np.bincount(column, minlength=columns)
    column_times = np.bincount(column, weights=times, minlength=columns) / np.maximum(in_column, 1)
    return RayGrid(
        np.ascontiguousarray(directions[order], np.float32),
        np.ascontiguousarray(times[order], np.float32),
        np.ascontiguousarray(rings[order], np.int32),
        np.ascontiguousarray(row_edges, np.float64),
        columns,
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        column_times,
    )


@njit(cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def world_rays(
    directions: FloatArray, times: FloatArray, period: float, start: DoubleArray, end: DoubleArray
) -> WorldRays:
    """Rays of a sensor that moves from pose `start` to pose `end` (4×4, sensor → world) in one sweep."""
    origins = np.empty_like(directions)
    turned = np.empty_like(directions)
    for i in range(len(directions)):
        share = 1.0 + times[i] / period
        norm = 0.0
        for row in range(3):
            value = 0.0
            for column in range(3):
                entry = start[row, column] + share * (end[row, column] - start[row, column])
                value += entry * directions[i, column]
            turned[i, row] = value
            norm += value * value
            origins[i, row] = start[row, 3] + share * (end[row, 3] - start[row, 3])
        turned[i] /= np.sqrt(norm)
    return WorldRays(origins, turned)


@njit(cache=True, error_model="numpy", inline="always")
def rounded_cone_distance(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, height: float, low: float, high: float
) -> float:
    """Ray parameter where o + t·d first meets the hull of two spheres, infinite where it does not.

    Spheres: radius `low` about 0, `high` about (0, 0, height). The cone touching both spheres holds
    them, so a ray that misses the cone misses all; else the entry is the least of the three entries.
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
        if inside < 0.0:
            return np.inf
        root = np.sqrt(inside)
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
    middle = np.arctan2(points[:, 1].sum(), points[:, 0].sum())
    cosine, sine = np.cos(middle), np.sin(middle)
    near, far, width = np.inf, 0.0, 0.0
    lowest, highest = np.inf, -np.inf
    for i in range(len(points)):
        forward = points[i, 0] * cosine + points[i, 1] * sine
        aside = points[i, 1] * cosine - points[i, 0] * sine
        radial = np.hypot(forward, aside)
        near = min(near, forward - reach[i])
        far = max(far, radial + reach[i])
        if radial <= reach[i]:
            width = np.pi
        else:
            width = max(width, abs(np.arctan2(aside, forward)) + np.arcsin(reach[i] / radial))
        lowest = min(lowest, points[i, 2] - reach[i])
        highest = max(highest, points[i, 2] + reach[i])
    if near <= 0.0:
        return middle, np.pi, -np.pi / 2, np.pi / 2
    low = np.arctan2(lowest, near if lowest < 0 else far) - margin
    high = np.arctan2(highest, near if highest > 0 else far) + margin
    return middle, min(np.pi, width + margin), low, high


@njit(cache=True, error_model="numpy")
def cell_window(
    middle: float, width: float, low: float, high: float, row_edges: DoubleArray, columns: int
) -> tuple[int, int, int, int]:
    """Bounds in radians → first and last row, first column (may be ≥ columns: wrap) and column count."""
    rows = len(row_edges) - 1
    first_row = min(max(np.searchsorted(row_edges, low) - 1, 0), rows - 1)
    last_row = min(max(np.searchsorted(row_edges, high) - 1, 0), rows - 1)
    if high < row_edges[0] or low > row_edges[rows]:
        return 0, -1, 0, 0
    step = 2.0 * np.pi / columns
    first = int(np.floor((middle - width + np.pi) / step))
    last = int(np.floor((middle + width + np.pi) / step))
    return first_row, last_row, first % columns, min(last - first + 1, columns)


@njit(cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def cast_primitive(
    grid: RayGrid,
    rays: WorldRays,
    window: tuple[int, int, int, int],
    origin: DoubleArray,
    velocity: DoubleArray,
    posed_at: float,
    to_local: DoubleArray,
    shape: tuple[float, float, float],
    hit: int,
    ranges: FloatArray,
    hits: IndexArray,
) -> None:
    """Test the rays of a window of cells against one primitive; nearer hits go to `ranges` and `hits`."""
    first_row, last_row, first_column, count = window
    a = to_local
    height, low, high = shape
    for row in range(first_row, last_row + 1):
        for column in range(first_column, first_column + count):
            cell = row * grid.columns + column % grid.columns
            for i in range(grid.starts[cell], grid.starts[cell + 1]):
                lag = grid.times[i] - posed_at
                x = rays.origins[i, 0] - origin[0] - lag * velocity[0]
                y = rays.origins[i, 1] - origin[1] - lag * velocity[1]
                z = rays.origins[i, 2] - origin[2] - lag * velocity[2]
                u = float(rays.directions[i, 0])
                v = float(rays.directions[i, 1])
                w = float(rays.directions[i, 2])
                distance = rounded_cone_distance(
                    a[0, 0] * x + a[0, 1] * y + a[0, 2] * z,
                    a[1, 0] * x + a[1, 1] * y + a[1, 2] * z,
                    a[2, 0] * x + a[2, 1] * y + a[2, 2] * z,
                    a[0, 0] * u + a[0, 1] * v + a[0, 2] * w,
                    a[1, 0] * u + a[1, 1] * v + a[1, 2] * w,
                    a[2, 0] * u + a[2, 1] * v + a[2, 2] * w,
                    height,
                    low,
                    high,
                )
                if 0.0 < distance < ranges[i]:
                    ranges[i] = distance
                    hits[i] = hit
