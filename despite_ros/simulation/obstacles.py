"""Things that do not move: floor, boxes (walls, furniture) and upright cylinders (pillars, poles)."""

from typing import NamedTuple

import numpy as np
from numba import njit

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.simulation.rays import Sweep, movement, to_sensor, world_ray
from despite_ros.simulation.windows import MARGIN, cell_window, hull_bounds, run

ROOM = -2  # what a hit on an obstacle is told to belong to


class Obstacles(NamedTuple):
    """What stands in a scene, world frame, metres.

    boxes: B×7 (centre x y z, half sizes along its own x y z, yaw). cylinders: C×5 (x, y, bottom, top,
    radius). floor: height of an endless floor, −inf for none.
    """

    boxes: DoubleArray
    cylinders: DoubleArray
    floor: float


def obstacles(
    boxes: list[tuple[float, ...]] | None = None,
    cylinders: list[tuple[float, ...]] | None = None,
    floor: float = 0.0,
) -> Obstacles:
    """Obstacles from plain lists; see `Obstacles` for their numbers."""
    return Obstacles(
        np.array(boxes or [], np.float64).reshape(-1, 7),
        np.array(cylinders or [], np.float64).reshape(-1, 5),
        floor,
    )


NOTHING = obstacles(floor=-np.inf)


@njit(cache=True, error_model="numpy")
def slab(origin: float, direction: float, low: float, high: float) -> tuple[float, float]:
    """Where a ray enters and leaves low ≤ x ≤ high; never if it runs beside it."""
    if direction == 0.0:
        return (-np.inf, np.inf) if low <= origin <= high else (np.inf, -np.inf)
    near, far = (low - origin) / direction, (high - origin) / direction
    return (near, far) if near < far else (far, near)


@njit(cache=True, error_model="numpy")
def cast_box(
    sweep: Sweep, box: DoubleArray, first: int, last: int, ranges: FloatArray, hits: IndexArray
) -> None:
    """Test rays first … last − 1 against a box."""
    cosine, sine = np.cos(box[6]), np.sin(box[6])
    for i in range(first, last):
        ox, oy, oz, dx, dy, dz = world_ray(sweep, i)
        x, y = ox - box[0], oy - box[1]
        ax, bx = slab(cosine * x + sine * y, cosine * dx + sine * dy, -box[3], box[3])
        ay, by = slab(cosine * y - sine * x, cosine * dy - sine * dx, -box[4], box[4])
        az, bz = slab(oz - box[2], dz, -box[5], box[5])
        enter, leave = max(ax, ay, az), min(bx, by, bz)
        if 0.0 < enter <= leave and enter < ranges[i]:
            ranges[i] = enter
            hits[i] = ROOM


@njit(cache=True, error_model="numpy")
def cast_cylinder(
    sweep: Sweep, cylinder: DoubleArray, first: int, last: int, ranges: FloatArray, hits: IndexArray
) -> None:
    """Test rays first … last − 1 against an upright cylinder."""
    for i in range(first, last):
        ox, oy, oz, dx, dy, dz = world_ray(sweep, i)
        x, y = ox - cylinder[0], oy - cylinder[1]
        a, b, c = dx * dx + dy * dy, x * dx + y * dy, x * x + y * y - cylinder[4] ** 2
        inside = b * b - a * c
        if inside <= 0.0 or a == 0.0:
            continue
        near, far = slab(oz, dz, cylinder[2], cylinder[3])
        enter, leave = max(near, (-b - np.sqrt(inside)) / a), min(far, (-b + np.sqrt(inside)) / a)
        if 0.0 < enter <= leave and enter < ranges[i]:
            ranges[i] = enter
            hits[i] = ROOM


@njit(cache=True, error_model="numpy")
def cast_floor(sweep: Sweep, height: float, ranges: FloatArray, hits: IndexArray) -> None:
    """Test all rays against the floor."""
    for i in range(len(ranges)):
        _, _, oz, _, _, dz = world_ray(sweep, i)
        distance = (height - oz) / dz
        if dz < 0.0 < distance < ranges[i]:
            ranges[i] = distance
            hits[i] = ROOM


@njit(cache=True, error_model="numpy")
def windows_of(sweep: Sweep, points: DoubleArray, reach: DoubleArray) -> IntArray:
    """The windows of cells (M×4) in which hulls of spheres (M×K×3, M×K) show, all through the sweep."""
    speed, turning = movement(sweep)
    half = 0.5 * sweep.period
    windows = np.empty((len(points), 4), np.int64)
    local, wide = np.empty((points.shape[1], 3)), np.empty(points.shape[1])
    for m in range(len(points)):
        for k in range(points.shape[1]):
            to_sensor(sweep, -half, points[m, k], local[k])
            wide[k] = reach[m, k] + half * speed
        windows[m] = cell_window(sweep.grid, hull_bounds(local, wide, MARGIN + half * turning))
    return windows


def box_corners(boxes: DoubleArray) -> DoubleArray:
    """Boxes B×7 → their corners B×8×3."""
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    local = signs * boxes[:, None, 3:6]
    cosine, sine = np.cos(boxes[:, 6, None]), np.sin(boxes[:, 6, None])
    x, y = cosine * local[..., 0] - sine * local[..., 1], sine * local[..., 0] + cosine * local[..., 1]
    return np.stack([x, y, local[..., 2]], axis=-1) + boxes[:, None, :3]


def cylinder_ends(cylinders: DoubleArray) -> DoubleArray:
    """Cylinders C×5 → the middles of bottom and top, C×2×3."""
    return np.ascontiguousarray(cylinders[:, [[0, 1, 2], [0, 1, 3]]])


def cast_obstacles(sweep: Sweep, things: Obstacles, ranges: FloatArray, hits: IndexArray) -> None:
    """Cast the rays that can meet things; nearer hits go to `ranges`, ROOM to `hits` (N each)."""
    if things.floor > -np.inf:
        cast_floor(sweep, things.floor, ranges, hits)
    if len(things.boxes):
        corners = box_corners(things.boxes)
        windows = windows_of(sweep, corners, np.zeros(corners.shape[:2]))
        cast_boxes(sweep, things.boxes, windows, ranges, hits)
    if len(things.cylinders):
        radii = np.repeat(things.cylinders[:, 4:], 2, axis=1)
        windows = windows_of(sweep, cylinder_ends(things.cylinders), radii)
        cast_cylinders(sweep, things.cylinders, windows, ranges, hits)


@njit(cache=True, error_model="numpy")
def cast_boxes(
    sweep: Sweep, boxes: DoubleArray, windows: IntArray, ranges: FloatArray, hits: IndexArray
) -> None:
    """Test the rays of every box's window (B×4) against it."""
    for b in range(len(boxes)):
        for row in range(windows[b, 0], windows[b, 1]):
            for shift in (0, sweep.grid.columns):
                first, last = run(sweep.grid, windows[b], row, shift)
                cast_box(sweep, boxes[b], first, last, ranges, hits)


@njit(cache=True, error_model="numpy")
def cast_cylinders(
    sweep: Sweep, cylinders: DoubleArray, windows: IntArray, ranges: FloatArray, hits: IndexArray
) -> None:
    """Test the rays of every cylinder's window (C×4) against it."""
    for c in range(len(cylinders)):
        for row in range(windows[c, 0], windows[c, 1]):
            for shift in (0, sweep.grid.columns):
                first, last = run(sweep.grid, windows[c], row, shift)
                cast_cylinder(sweep, cylinders[c], first, last, ranges, hits)
