"""Ray casting against rounded cones: numba kernels that test only the rays which can meet one.

Rays are sorted into the cells of an angular grid (rows of elevation × columns of azimuth) in the
sensor's frame. A thing's bounds in that grid say which rays to try; each ray keeps its nearest hit.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.simulation.rays import Sweep, movement, to_sensor
from despite_ros.simulation.windows import MARGIN, cell_window, hull_bounds, run, window_times


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


@njit(cache=True, error_model="numpy")
def rounded_cone_distance(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, height: float, low: float, high: float
) -> float:
    """Ray parameter where o + t·d first meets the hull of two spheres, infinite where it does not.

    Below 0 for a ray that starts inside, or beyond. Spheres: radius `low` about 0, `high` about
    (0, 0, height). The cone touching both spheres holds them, so a ray that misses the cone misses all; else
    the entry is the least of the three entries. A ray steeper than the cone (k2 < 0) always meets it; at the
    apex only rounding says otherwise.
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


@njit(cache=True, error_model="numpy")
def local_pose(cones: Cones, p: int, pose: DoubleArray, time: float) -> DoubleArray:
    """A sensor's pose (4×4) `time` seconds before the sweep's end in the local frame of cone p, 3×4."""
    found = np.zeros((3, 4))
    for row in range(3):
        for k in range(3):
            weight = cones.to_local[p, row, k]
            now = cones.origins[p, k] + (time - cones.posed_at[p]) * cones.velocities[p, k]
            found[row, 3] += weight * (pose[k, 3] - now)
            for column in range(3):
                found[row, column] += weight * pose[k, column]
    return found


@njit(cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})
def cast_cone(
    sweep: Sweep, cones: Cones, p: int, window: IntArray, ranges: FloatArray, hits: IndexArray
) -> None:
    """Test the rays of a window of cells against cone p; nearer hits go to `ranges` and `hits`.

    Both the sensor's and the cone's movement are linear in time, so the sensor's pose in the cone's
    frame is blended from those at the beginning and the end of the sweep, ray by ray.
    """
    a = local_pose(cones, p, sweep.start, -sweep.period)
    b = local_pose(cones, p, sweep.end, 0.0) - a
    height, low, high = cones.heights[p], cones.radii[p, 0], cones.radii[p, 1]
    directions, times = sweep.grid.directions, sweep.grid.times
    for row in range(window[0], window[1]):
        for shift in (0, sweep.grid.columns):
            first, last = run(sweep.grid, window, row, shift)
            for i in range(first, last):
                x, y, z = float(directions[i, 0]), float(directions[i, 1]), float(directions[i, 2])
                share = 1.0 + times[i] / sweep.period
                distance = rounded_cone_distance(
                    a[0, 3] + share * b[0, 3],
                    a[1, 3] + share * b[1, 3],
                    a[2, 3] + share * b[2, 3],
                    a[0, 0] * x
                    + a[0, 1] * y
                    + a[0, 2] * z
                    + share * (b[0, 0] * x + b[0, 1] * y + b[0, 2] * z),
                    a[1, 0] * x
                    + a[1, 1] * y
                    + a[1, 2] * z
                    + share * (b[1, 0] * x + b[1, 1] * y + b[1, 2] * z),
                    a[2, 0] * x
                    + a[2, 1] * y
                    + a[2, 2] * z
                    + share * (b[2, 0] * x + b[2, 1] * y + b[2, 2] * z),
                    height,
                    low,
                    high,
                )
                if 0.0 < distance < ranges[i]:
                    ranges[i] = distance
                    hits[i] = cones.owners[p]


@njit(cache=True, error_model="numpy")
def cast_cones(sweep: Sweep, cones: Cones, ranges: FloatArray, hits: IndexArray) -> None:
    """Cast the rays that can meet cones; nearer hits go to `ranges`, owners to `hits` (N each)."""
    windows = cone_windows(sweep, cones)
    for p in range(len(windows)):
        cast_cone(sweep, cones, p, windows[p], ranges, hits)
