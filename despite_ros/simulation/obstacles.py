"""Things that do not move: floor, boxes (walls, furniture) and upright cylinders (pillars, poles)."""

from typing import NamedTuple

import numpy as np
from numba import njit

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.simulation.raycast import MARGIN, Sweep, cell_window, hull_bounds, run, sensor_at, world_ray

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
def box_windows(sweep: Sweep, boxes: DoubleArray) -> IntArray:
    """The window of cells (B×4) that each box can be seen in during the whole sweep."""
    windows = np.empty((len(boxes), 4), np.int64)
    corners = np.empty((8, 3))
    for b in range(len(boxes)):
        cosine, sine = np.cos(boxes[b, 6]), np.sin(boxes[b, 6])
        for k in range(8):
            x = boxes[b, 3] * (1 - 2 * (k & 1))
            y = boxes[b, 4] * (1 - (k & 2))
            corners[k, 0] = boxes[b, 0] + cosine * x - sine * y
            corners[k, 1] = boxes[b, 1] + sine * x + cosine * y
            corners[k, 2] = boxes[b, 2] + boxes[b, 5] * (1 - (k & 4) / 2)
        windows[b] = _window(sweep, corners, np.zeros(8))
    return windows


@njit(cache=True, error_model="numpy")
def cylinder_windows(sweep: Sweep, cylinders: DoubleArray) -> IntArray:
    """The window of cells (C×4) that each cylinder can be seen in during the whole sweep."""
    windows = np.empty((len(cylinders), 4), np.int64)
    ends = np.empty((2, 3))
    for c in range(len(cylinders)):
        ends[:, :2] = cylinders[c, :2]
        ends[:, 2] = cylinders[c, 2:4]
        windows[c] = _window(sweep, ends, np.full(2, cylinders[c, 4]))
    return windows


@njit(cache=True, error_model="numpy")
def _window(sweep: Sweep, points: DoubleArray, reach: DoubleArray) -> IntArray:
    """Window of a hull seen from the middle of the sweep, widened by what the sensor does around it."""
    pose = sensor_at(sweep, -0.5 * sweep.period)
    turn = 0.5 * np.abs(sweep.end[:3, :3] - sweep.start[:3, :3]).max()
    step = 0.5 * np.sqrt(((sweep.end[:3, 3] - sweep.start[:3, 3]) ** 2).sum())
    local = np.ascontiguousarray(points - pose[:3, 3]) @ np.ascontiguousarray(pose[:3, :3])
    bounds = hull_bounds(local, reach + step, MARGIN + 2.0 * turn)
    return np.array(cell_window(sweep.grid, bounds))


@njit(cache=True, error_model="numpy")
def cast_obstacles(sweep: Sweep, things: Obstacles, ranges: FloatArray, hits: IndexArray) -> None:
    """Cast the rays that can meet things; nearer hits go to `ranges`, ROOM to `hits` (N each)."""
    if things.floor > -np.inf:
        cast_floor(sweep, things.floor, ranges, hits)
    boxes, cylinders = box_windows(sweep, things.boxes), cylinder_windows(sweep, things.cylinders)
    for b in range(len(boxes)):
        for row in range(boxes[b, 0], boxes[b, 1]):
            for shift in (0, sweep.grid.columns):
                first, last = run(sweep.grid, boxes[b], row, shift)
                cast_box(sweep, things.boxes[b], first, last, ranges, hits)
    for c in range(len(cylinders)):
        for row in range(cylinders[c, 0], cylinders[c, 1]):
            for shift in (0, sweep.grid.columns):
                first, last = run(sweep.grid, cylinders[c], row, shift)
                cast_cylinder(sweep, things.cylinders[c], first, last, ranges, hits)
