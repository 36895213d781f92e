"""One sweep of a LiDAR through a scene: people who hide each other, floor, walls and furniture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray
from despite_ros.simulation.body import Body, Primitives
from despite_ros.simulation.lidar import LidarModel
from despite_ros.simulation.obstacles import Obstacles, cast_obstacles
from despite_ros.simulation.raycast import Cones, cast_cones
from despite_ros.simulation.rays import MISS, RayGrid, Sweep, true_ranges
from despite_ros.simulation.skeleton import Motion


@dataclass(frozen=True)
class Actor:
    """A person in a scene: a body that moves, `start` seconds into the motion at scene time 0."""

    motion: Motion
    body: Body
    start: float = 0.0


@dataclass(frozen=True)
class Returns:
    """What a LiDAR reports in one sweep.

    points: N×3 metres in the sensor's frame, each at its own time, as drivers give them. person: N,
    the index of the actor hit, −1 for anything else. times: N seconds before the stamp. rings: N.
    """

    points: FloatArray
    person: IndexArray
    times: FloatArray
    rings: IndexArray


def scan(
    model: LidarModel,
    sweep_index: int,
    stamp_s: float,
    poses: tuple[DoubleArray, DoubleArray],
    actors: Sequence[Actor],
    things: Obstacles,
    rng: np.random.Generator,
) -> Returns:
    """Simulate one sweep that ends at `stamp_s` seconds of scene time.

    poses: the sensor's, 4×4 sensor → world, at the beginning and at the end of the sweep.
    """
    sweep = Sweep(model.rays(sweep_index), model.period, *(np.asarray(pose, np.float64) for pose in poses))
    ranges, hits = cast(sweep, stamp_s, actors, things)
    ranges = model.measured(ranges, np.roll(ranges, 1), np.roll(ranges, -1), rng)
    seen = np.flatnonzero(np.isfinite(ranges))
    points = sweep.grid.directions[seen] * ranges[seen, None]
    person = np.maximum(hits[seen], -1).astype(np.int32)
    return Returns(points, person, sweep.grid.times[seen], sweep.grid.rings[seen])


def cast(
    sweep: Sweep, stamp_s: float, actors: Sequence[Actor], things: Obstacles
) -> tuple[FloatArray, IndexArray]:
    """True ranges N (metres, infinite for none) and what was hit: actor ≥ 0, −2 the room, −1 nothing."""
    ranges = np.full(len(sweep.grid.times), MISS, np.float32)
    hits = np.full(len(sweep.grid.times), -1, np.int32)
    cast_rays(sweep, pose_actors(sweep, stamp_s, actors), things, ranges, hits)
    return ranges, hits


def pose_actors(sweep: Sweep, stamp_s: float, actors: Sequence[Actor]) -> Cones:
    """Every actor as it is when the beams cross it, as cones."""
    if not actors:
        return NOBODY
    middle = (sweep.start + sweep.end) / 2
    shapes, lags = [], []
    for actor in actors:
        stamp = np.array([actor.start + stamp_s])
        lag = crossing_times(sweep.grid, actor.motion, stamp, middle)
        shapes.append(actor.body.surfaces(actor.motion, stamp + lag))
        lags.append(lag)
    return gather_cones(shapes, np.array(lags), 0)


def crossing_times(grid: RayGrid, motion: Motion, stamps_s: DoubleArray, pose: DoubleArray) -> DoubleArray:
    """When in each sweep (seconds before its end, T) the beams pass the person's pelvis."""
    frames = np.clip(np.round(stamps_s * motion.rate).astype(np.int64), 0, motion.frames - 1)
    local = (motion.joints[frames, 0] - pose[:3, 3]) @ pose[:3, :3]
    azimuth = np.arctan2(local[:, 1], local[:, 0])
    column = ((azimuth + np.pi) / (2 * np.pi) * grid.columns).astype(np.int64) % grid.columns
    return np.asarray(grid.column_times[column].mean(axis=1), np.float64)


def gather_cones(shapes: Sequence[Primitives], lags: DoubleArray, t: int) -> Cones:
    """Persons' primitives at their time index `t` → cones owned by 0, 1, 2, …; lags: persons × T seconds."""
    counts = [len(shape.radii) for shape in shapes]
    return Cones(
        np.concatenate([shape.origins[t] for shape in shapes]),
        np.concatenate([shape.ends[t] for shape in shapes]),
        np.concatenate([shape.velocities[t] for shape in shapes]),
        np.repeat(lags[:, t], counts),
        np.concatenate([shape.to_local[t] for shape in shapes]),
        np.concatenate([shape.heights[t] for shape in shapes]),
        np.concatenate([shape.radii for shape in shapes]),
        np.concatenate([shape.reach for shape in shapes]),
        np.repeat(np.arange(len(shapes)), counts),
    )


NOBODY = Cones(
    np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros((0, 3, 3)), np.zeros(0),
    np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, np.int64),
)  # fmt: skip


def cast_rays(sweep: Sweep, cones: Cones, things: Obstacles, ranges: FloatArray, hits: IndexArray) -> None:
    """Cast all rays against everything. ranges and hits (N) must hold no hit (infinite, −1) at first."""
    cast_obstacles(sweep, things, ranges, hits)
    cast_cones(sweep, cones, ranges, hits)
    if not np.array_equal(sweep.start[:3, :3], sweep.end[:3, :3]):
        true_ranges(sweep, ranges)
