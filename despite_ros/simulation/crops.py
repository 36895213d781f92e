"""Crops of one person for training: only the rays that can meet that person are cast."""

from dataclasses import dataclass, replace

import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.config import setting
from despite_ros.motion.sampling import make_crop
from despite_ros.simulation.body import Body, Primitives
from despite_ros.simulation.lidar import LidarModel
from despite_ros.simulation.obstacles import NOTHING, Obstacles, obstacles
from despite_ros.simulation.placement import Placement
from despite_ros.simulation.raycast import Cones
from despite_ros.simulation.rays import MISS, Sweep
from despite_ros.simulation.skeleton import Motion
from despite_ros.simulation.sweep import cast_rays, crossing_times, gather_cones

BACKGROUND_GAP = np.float32(0.3)  # metres; mixed returns farther behind are not taken for the person's
LEAK_RADIUS = 0.45  # metres around a person within which a neighbour's points end in the crop


@dataclass(frozen=True)
class Nuisances:
    """What a segmenter's crops suffer from, beside the sensor's own errors."""

    missed: float = setting(0.03, "chance that a sweep yields nothing", 0.0, 1.0)
    halved: float = setting(0.03, "chance that a sweep loses all on one side of a random plane", 0.0, 1.0)
    occlusion: float = setting(0.2, "chance that a box or pillar hides a part of the person", 0.0, 1.0)
    neighbour: float = setting(0.12, "chance that somebody stands close by", 0.0, 1.0)
    ground_cut: float = setting(0.12, "largest height under which points are taken for floor, metres", 0.0)
    ground_rim: float = setting(0.15, "chance that some floor points stay in", 0.0, 1.0)
    fewest: int = setting(5, "points under which a person is not found", 1)


CLEAN = Nuisances(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1)


def simulate_crops(
    motion: Motion,
    body: Body,
    stamps_s: AnyArray,
    sensor: LidarModel,
    placement: Placement,
    rng: np.random.Generator,
    nuisances: Nuisances = CLEAN,
) -> tuple[list[FloatArray], FloatArray]:
    """One person seen by a static sensor in T sweeps ending at `stamps_s` (seconds of the motion).

    Returns the raw points N×3 of every sweep (fixed frame, metres) and the crops T×256×3 (mean removed,
    in sampling order). A sweep without points holds the crop before; the first such crops are zeros.
    """
    stamps = np.asarray(stamps_s, np.float64)
    things, neighbour = _company(motion, placement, rng, nuisances)
    seen = _seen(motion, body, stamps, sensor, placement, rng, things, neighbour)
    frames = _segmented(motion, stamps, seen, rng, nuisances)
    return frames, hold_crops(frames)


def hold_crops(frames: list[FloatArray]) -> FloatArray:
    """Raw points of T sweeps → crops T×256×3; a sweep without points holds the crop before."""
    crops: list[FloatArray] = []
    for points in frames:
        crops.append(make_crop(points) if len(points) or not crops else crops[-1])
    return np.stack(crops)


def _seen(
    motion: Motion,
    body: Body,
    stamps: DoubleArray,
    sensor: LidarModel,
    placement: Placement,
    rng: np.random.Generator,
    things: Obstacles,
    neighbour: DoubleArray | None,
) -> list[FloatArray]:
    """The returns of T sweeps, N×3 in the fixed frame, from the person and from who stands too close."""
    pose = placement.pose()
    first = int(rng.integers(sensor.pattern.repeats))
    lags = crossing_times(sensor.rays(first), motion, stamps, pose)
    shape = body.surfaces(motion, stamps + lags)
    people = [shape] if neighbour is None else [shape, _moved(shape, neighbour)]
    grid = sensor.rays(first)
    ranges, hits = np.full(len(grid.times), MISS, np.float32), np.full(len(grid.times), -1, np.int32)
    frames = []
    for t in range(len(stamps)):
        sweep = Sweep(sensor.rays(first + t), sensor.period, pose, pose)
        cones = gather_cones(people, np.broadcast_to(lags, (len(people), len(lags))), t)
        rays, found, before, after, owners = _cast_near(sweep, cones, things, ranges, hits)
        back = np.minimum((before, after), found + BACKGROUND_GAP)
        measured = sensor.measured(found, back[0], back[1], rng)
        seen = np.isfinite(measured)
        away = sweep.grid.directions[rays[seen]] * measured[seen, None]
        points = away @ pose[:3, :3].T.astype(np.float32) + pose[:3, 3].astype(np.float32)
        if neighbour is not None:
            centre = shape.origins[t, :, :2].mean(axis=0)
            close = ((points[:, :2] - centre) ** 2).sum(axis=1) < LEAK_RADIUS**2
            points = points[(owners[seen] == 0) | close]
        frames.append(points)
    return frames


def _cast_near(
    sweep: Sweep, cones: Cones, things: Obstacles, ranges: FloatArray, hits: IndexArray
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, IndexArray]:
    """Rays that hit people, their ranges, those of the rays before and after them, and whom they hit.

    ranges and hits are work space, N each, filled with "no hit" before and after.
    """
    cast_rays(sweep, cones, things, ranges, hits)
    rays = np.flatnonzero(hits >= 0)
    found, owners = ranges[rays], hits[rays]
    before, after = ranges[rays - 1], ranges[(rays + 1) % len(ranges)]
    ranges.fill(MISS)
    hits.fill(-1)
    return rays, found, before, after, owners


def _company(
    motion: Motion, placement: Placement, rng: np.random.Generator, nuisances: Nuisances
) -> tuple[Obstacles, DoubleArray | None]:
    """What stands in the way, and the offset at which somebody stands close by (None for nobody)."""
    person = motion.joints[motion.frames // 2].mean(axis=0)
    eye = np.array([placement.x, placement.y, placement.z])
    things = NOTHING
    if rng.random() < nuisances.occlusion:
        things = _in_the_way(eye, person, rng)
    if rng.random() >= nuisances.neighbour:
        return things, None
    angle, far = rng.uniform(-np.pi, np.pi), rng.uniform(0.5, 0.9)
    return things, np.array([far * np.cos(angle), far * np.sin(angle), 0.0])


def _in_the_way(eye: DoubleArray, person: AnyArray, rng: np.random.Generator) -> Obstacles:
    """A table or low wall that hides the lower part, or a pillar or door frame that hides a side."""
    share = rng.uniform(0.4, 0.85)
    spot = eye + share * (person - eye)
    yaw = float(np.arctan2(*(person - eye)[1::-1]))
    if rng.random() < 0.5:
        height = max(0.1, eye[2] + share * (rng.uniform(0.1, 0.9) - eye[2]))
        return obstacles([(spot[0], spot[1], height / 2, 0.1, 2.0, height / 2, yaw)], floor=-np.inf)
    half = rng.uniform(0.05, 0.3)
    aside = (rng.uniform(0.0, 0.25) * share + half) * rng.choice((-1.0, 1.0))
    x, y = spot[0] - aside * np.sin(yaw), spot[1] + aside * np.cos(yaw)
    return obstacles(cylinders=[(x, y, 0.0, 3.0, half)], floor=-np.inf)


def _moved(shape: Primitives, offset: DoubleArray) -> Primitives:
    return replace(shape, origins=shape.origins + offset, ends=shape.ends + offset)


def _segmented(
    motion: Motion,
    stamps: DoubleArray,
    frames: list[FloatArray],
    rng: np.random.Generator,
    nuisances: Nuisances,
) -> list[FloatArray]:
    """What a segmenter leaves of each sweep's returns."""
    cut = rng.uniform(0.0, nuisances.ground_cut)
    rim = rng.uniform(0.0, 0.1) if rng.random() < nuisances.ground_rim else 0.0
    found = []
    for stamp, points in zip(stamps, frames, strict=True):
        if cut:
            points = points[points[:, 2] > cut]
        if rng.random() < nuisances.halved and len(points):
            side = (points - points.mean(axis=0)) @ rng.normal(size=3)
            points = points[side > rng.normal(0.0, 0.1)]
        if rim:
            points = np.concatenate([points, _floor_rim(motion, stamp, int(rim * len(points)), rng)])
        lost = rng.random() < nuisances.missed or len(points) < nuisances.fewest
        found.append(points[:0] if lost else points)
    return found


def _floor_rim(motion: Motion, stamp: float, count: int, rng: np.random.Generator) -> FloatArray:
    """Floor points around the pelvis, count×3."""
    frame = int(np.clip(stamp * motion.rate, 0, motion.frames - 1))
    flat = rng.normal(0.0, 0.25, (count, 2)) + motion.joints[frame, 0, :2]
    return np.column_stack([flat, rng.uniform(0.0, 0.06, count)]).astype(np.float32)
