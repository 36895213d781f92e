"""Crops of one person for training: only the rays that can meet that person are cast."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.motion.sampling import make_crop
from despite_ros.simulation.body import Body
from despite_ros.simulation.lidar import LidarModel
from despite_ros.simulation.raycast import (
    MISS,
    RayGrid,
    WorldRays,
    cast_primitive,
    cell_window,
    hull_bounds,
    world_rays,
)
from despite_ros.simulation.skeleton import Motion


@dataclass(frozen=True)
class Placement:
    """Where a sensor stands in the fixed frame: metres and radians (yaw about z, then pitch, then roll)."""

    x: float = 0.0
    y: float = 0.0
    z: float = 1.2
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def pose(self) -> DoubleArray:
        """4×4, sensor → fixed frame."""
        (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (self.yaw, self.pitch, self.roll))
        return np.array(
            [
                [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr, self.x],
                [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr, self.y],
                [-sp, cp * sr, cp * cr, self.z],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )

    @staticmethod
    def random(
        rng: np.random.Generator,
        motion: Motion,
        distance: tuple[float, float] = (2.0, 25.0),
        height: tuple[float, float] = (0.4, 3.0),
    ) -> "Placement":
        """Somewhere around the motion's middle: distance log-uniform, facing any way, a little tilted."""
        centre = motion.joints[:, 0].mean(axis=0)
        far, bearing = np.exp(rng.uniform(*np.log(distance))), rng.uniform(-np.pi, np.pi)
        pitch, roll = rng.normal(0.0, 0.02, 2)
        return Placement(
            x=float(centre[0] + far * np.cos(bearing)),
            y=float(centre[1] + far * np.sin(bearing)),
            z=rng.uniform(*height),
            yaw=rng.uniform(-np.pi, np.pi),
            pitch=float(pitch),
            roll=float(roll),
        )


def simulate_crops(
    motion: Motion,
    body: Body,
    stamps_s: AnyArray,
    sensor: LidarModel,
    placement: Placement,
    rng: np.random.Generator,
) -> tuple[list[FloatArray], FloatArray]:
    """One person, alone, seen by a static sensor in T sweeps ending at `stamps_s` (seconds of the motion).

    Returns the raw points N×3 of every sweep (fixed frame, metres) and the crops T×256×3 (mean removed,
    in sampling order). A sweep without points holds the crop before; the first such crops are zeros.
    """
    frames = person_points(motion, body, np.asarray(stamps_s, np.float64), sensor, placement, rng)
    return frames, hold_crops(frames)


def hold_crops(frames: list[FloatArray]) -> FloatArray:
    """Raw points of T sweeps → crops T×256×3; a sweep without points holds the crop before."""
    crops: list[FloatArray] = []
    for points in frames:
        crops.append(make_crop(points) if len(points) or not crops else crops[-1])
    return np.stack(crops)


def person_points(
    motion: Motion,
    body: Body,
    stamps_s: DoubleArray,
    sensor: LidarModel,
    placement: Placement,
    rng: np.random.Generator,
) -> list[FloatArray]:
    """The returns from one person in T sweeps, N×3 each, in the fixed frame."""
    pose = placement.pose()
    grid = sensor.rays(0)
    rays = world_rays(grid.directions, grid.times, sensor.period, pose, pose)
    crossed = stamps_s + crossing_times(grid, motion, stamps_s, pose)
    shapes = body.surfaces(motion, crossed)
    starts, rays_hit, ranges = _cast_person(grid, rays, pose, shapes.origins, shapes.ends, shapes.velocities,
        shapes.to_local, shapes.heights, shapes.radii, shapes.reach, crossed - stamps_s)  # fmt: skip
    noisy = ranges + rng.normal(0.0, sensor.range_noise, len(ranges)).astype(np.float32)
    kept = (
        (rng.random(len(ranges)) >= sensor.dropout)
        & (ranges > sensor.min_range)
        & (ranges < sensor.max_range)
    )
    points = rays.origins[rays_hit] + rays.directions[rays_hit] * noisy[:, None]
    return [points[a:b][kept[a:b]] for a, b in pairwise(starts)]


def crossing_times(grid: RayGrid, motion: Motion, stamps_s: DoubleArray, pose: DoubleArray) -> DoubleArray:
    """When in each sweep (seconds before its end, T) the rays pass the person's pelvis."""
    frames = np.clip(np.round(stamps_s * motion.rate).astype(np.int64), 0, motion.frames - 1)
    local = (motion.joints[frames, 0] - pose[:3, 3]) @ pose[:3, :3]
    azimuth = np.arctan2(local[:, 1], local[:, 0])
    column = np.minimum(((azimuth + np.pi) / (2 * np.pi) * grid.columns).astype(np.int64), grid.columns - 1)
    return np.asarray(grid.column_times[column], np.float64)


@njit(cache=True, error_model="numpy")
def _cast_person(
    grid: RayGrid,
    rays: WorldRays,
    pose: DoubleArray,
    origins: DoubleArray,
    ends: DoubleArray,
    velocities: DoubleArray,
    to_local: DoubleArray,
    heights: DoubleArray,
    radii: DoubleArray,
    reach: DoubleArray,
    lags: DoubleArray,
) -> tuple[IntArray, IndexArray, FloatArray]:
    """Cast T poses of one person. Returns the T + 1 bounds of each sweep's hits, their rays and ranges."""
    ranges = np.full(len(grid.times), MISS, np.float32)
    hits = np.full(len(grid.times), -1, np.int32)
    found_rays = np.empty(len(grid.times), np.int32)
    sweeps = len(origins)
    starts = np.zeros(sweeps + 1, np.int64)
    all_rays = np.empty(0, np.int32)
    all_ranges = np.empty(0, np.float32)
    turn = np.ascontiguousarray(pose[:3, :3])
    points = np.empty((2, 3))
    for t in range(sweeps):
        count = 0
        for p in range(origins.shape[1]):
            points[0] = (origins[t, p] - pose[:3, 3]) @ turn
            points[1] = (ends[t, p] - pose[:3, 3]) @ turn
            middle, width, low, high = hull_bounds(points, reach[p], 0.01)
            window = cell_window(middle, width, low, high, grid.row_edges, grid.columns)
            shape = (heights[t, p], radii[p, 0], radii[p, 1])
            cast_primitive(
                grid, rays, window, origins[t, p], velocities[t, p], lags[t], to_local[t, p], shape, p, ranges, hits
            )  # fmt: skip
        for i in range(len(ranges)):
            if hits[i] >= 0:
                found_rays[count] = i
                count += 1
        all_rays = np.concatenate((all_rays, found_rays[:count]))
        all_ranges = np.concatenate((all_ranges, ranges[found_rays[:count]]))
        starts[t + 1] = starts[t] + count
        for k in range(count):
            ranges[found_rays[k]] = MISS
            hits[found_rays[k]] = -1
    return starts, all_rays, all_ranges
