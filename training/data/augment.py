"""Variation of windows while training: what sensors, mounting and rooms change without changing the motion.

Points and IMU of a window are turned and mirrored together; everything else varies by itself.
The paper's own augmentation (shift, noise, scale) is made of the same settings, see `PAPER`.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from scipy.spatial.transform import Rotation

from despite_ros.arrays import AnyArray, BoolArray, FloatArray, IntArray
from despite_ros.config import setting
from despite_ros.limbs import LIMBS, pack_channels, unpack_channels
from despite_ros.motion.sampling import ANCHORS, NEAR_ORIGIN
from despite_ros.simulation.skeleton import JOINTS

DENSEST = 200.0  # points of a crop that sparsity has thinned out
MIRRORED_LIMBS = [1, 0, 3, 2]
FLIP = np.array([1, -1, 1], np.float32)
MIRRORED_JOINTS = [
    JOINTS.index({"l": "r", "r": "l"}[name[0]] + name[1:] if name[1] == "_" else name) for name in JOINTS
]


@dataclass(frozen=True)
class AugmentSettings:
    """How windows are varied. Probabilities and amounts are per window."""

    turn: bool = setting(True, "turn points, IMU and skeleton together by a random angle about the vertical")
    mirror: float = setting(0.5, "probability of exchanging left and right in all modalities", 0, 1)
    shift: float = setting(0.0, "points and skeleton: largest shift along an axis, metres", 0, 1)
    point_noise: float = setting(0.005, "points and skeleton: noise of a coordinate, metres", 0, 1)
    scale_low: float = setting(0.85, "points and skeleton: smallest size factor", 0.1, 1)
    scale_high: float = setting(1.15, "points and skeleton: largest size factor", 1, 10)
    imu_noise: float = setting(
        0.01, "IMU: noise of orientation entries; 5 times that in m/s² on acceleration", 0, 1
    )
    imu_scale: float = setting(0.05, "IMU: largest relative change of all channels", 0, 1)
    heading_error_deg: float = setting(8.0, "IMU: standard deviation of heading error, degrees", 0, 180)
    mount_error_deg: float = setting(
        6.0, "IMU: standard deviation of mounting error per axis, degrees", 0, 90
    )
    sensor_dropout: float = setting(0.25, "IMU: probability that 1 to 3 of the 4 sensors are missing", 0, 1)
    sparsity: float = setting(0.3, "points: probability of keeping only some of a crop, at most 200", 0, 1)
    sparsest: float = setting(24.0, "points: how many of a crop sparsity keeps at least", 1, 200)
    occlusion: float = setting(0.2, "points: probability of hiding a side or an end of the body", 0, 1)
    missed: float = setting(
        0.15, "points: probability that some frames are missed and the crop before held", 0, 1
    )
    stray: float = setting(0.15, "points: probability of foreign points near the body", 0, 1)


PAPER = AugmentSettings(
    turn=False, mirror=0.0, shift=0.3, point_noise=0.005, scale_low=0.7, scale_high=1.5, imu_noise=0.01,
    imu_scale=0.05, heading_error_deg=0.0, mount_error_deg=0.0, sensor_dropout=0.0, sparsity=0.0,
    occlusion=0.0, missed=0.0, stray=0.0,
)  # fmt: skip
NONE = AugmentSettings(
    turn=False, mirror=0.0, point_noise=0.0, scale_low=1.0, scale_high=1.0, imu_noise=0.0, imu_scale=0.0,
    heading_error_deg=0.0, mount_error_deg=0.0, sensor_dropout=0.0, sparsity=0.0, occlusion=0.0, missed=0.0,
    stray=0.0,
)  # fmt: skip


@dataclass(frozen=True)
class Pose:
    """What a window's modalities share, B each: the turn about the vertical (radians), whether mirrored."""

    yaw: FloatArray
    mirrored: BoolArray

    @classmethod
    def draw(cls, count: int, settings: AugmentSettings, rng: np.random.Generator) -> "Pose":
        """Poses of `count` windows."""
        yaw = rng.uniform(-np.pi, np.pi, count) * settings.turn
        return cls(yaw.astype(np.float32), rng.random(count) < settings.mirror)


def augment_points(
    points: FloatArray, pose: Pose, settings: AugmentSettings, rng: np.random.Generator
) -> FloatArray:
    """Crops B×T×P×3 in sampling order → the same shape, centred anew, anchors in the first rows again."""
    count, frames = points.shape[:2]

    def draw(probability: float) -> BoolArray:
        return np.asarray(rng.random(count) < probability)

    few = np.exp(rng.uniform(np.log(settings.sparsest), np.log(DENSEST), count))
    keep = np.where(draw(settings.sparsity), few, 1e9)
    normal = _occluder_directions(count, rng)
    hidden = np.where(draw(settings.occlusion), rng.uniform(0.15, 0.6, count), 0.0)
    stray = np.where(draw(settings.stray), rng.uniform(0.01, 0.1, count), 0.0)
    miss_rate = np.where(draw(settings.missed), rng.uniform(0.05, 0.35, count), 0.0)
    missed = rng.random((count, frames)) < miss_rate[:, None]
    varied = _vary(
        points, np.cos(pose.yaw), np.sin(pose.yaw), pose.mirrored, keep.astype(np.float32),
        normal.astype(np.float32), hidden.astype(np.float32), stray.astype(np.float32), missed,
        rng.integers(1, 2**62, count),
    )  # fmt: skip
    return _jitter(varied, settings, rng)


def augment_skeleton(
    skeleton: FloatArray, pose: Pose, settings: AugmentSettings, rng: np.random.Generator
) -> FloatArray:
    """Joints relative to the pelvis, B×T×24×3 → the same, metres."""
    mirrored = np.where(pose.mirrored[:, None, None, None], skeleton[:, :, MIRRORED_JOINTS] * FLIP, skeleton)
    turned = np.einsum("bij,btkj->btki", _yaw_matrices(pose.yaw), mirrored)
    return _jitter(np.ascontiguousarray(turned, np.float32), settings, rng)


def augment_imu(
    channels: FloatArray, pose: Pose, settings: AugmentSettings, rng: np.random.Generator
) -> FloatArray:
    """B×T×48 in SI units → the same; missing sensors stay zero."""
    count, limbs = len(channels), len(LIMBS)
    rotations, accelerations = unpack_channels(channels)
    flip = pose.mirrored[:, None, None, None]
    rotations = np.where(flip[..., None], rotations[:, :, MIRRORED_LIMBS] * np.outer(FLIP, FLIP), rotations)
    accelerations = np.where(flip, accelerations[:, :, MIRRORED_LIMBS] * FLIP, accelerations)
    error = np.radians(settings.heading_error_deg) * (
        0.8 * rng.standard_normal((count, 1)) + 0.6 * rng.standard_normal((count, limbs))
    )
    turn = _yaw_matrices((pose.yaw[:, None] + error).ravel()).reshape(count, 1, limbs, 3, 3)
    tilt = np.radians(settings.mount_error_deg) * rng.standard_normal((count * limbs, 3))
    mount = Rotation.from_rotvec(tilt).as_matrix().astype(np.float32).reshape(count, 1, limbs, 3, 3)
    present = (np.abs(rotations).sum((-1, -2)) > 0) & _sensors_kept(count, settings, rng)[:, None]
    factor = rng.uniform(1 - settings.imu_scale, 1 + settings.imu_scale, (count, 1, 1)).astype(np.float32)
    rotations = np.asarray((turn @ rotations) @ mount, np.float32)
    accelerations = np.einsum("btlij,btlj->btli", np.broadcast_to(turn, rotations.shape), accelerations)
    rotations += settings.imu_noise * rng.standard_normal(rotations.shape, np.float32)
    accelerations += 5 * settings.imu_noise * rng.standard_normal(accelerations.shape, np.float32)
    rotations *= present[..., None, None] * factor[..., None, None]
    accelerations *= present[..., None] * factor[..., None]
    return pack_channels(rotations, accelerations)


def _sensors_kept(count: int, settings: AugmentSettings, rng: np.random.Generator) -> BoolArray:
    """B×4: all sensors, or (with the probability of dropout) a random 1 to 3 of them."""
    rank = rng.random((count, len(LIMBS))).argsort(1)
    kept = np.where(
        rng.random(count) < settings.sensor_dropout, rng.integers(1, len(LIMBS), count), len(LIMBS)
    )
    return np.asarray(rank < kept[:, None])


def _occluder_directions(count: int, rng: np.random.Generator) -> AnyArray:
    """B×3: half of them hide from below or above, half from a side."""
    angle = rng.uniform(-np.pi, np.pi, count)
    side = np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], 1)
    end = np.stack([np.zeros(count), np.zeros(count), np.where(rng.random(count) < 0.75, -1.0, 1.0)], 1)
    return np.where(rng.random((count, 1)) < 0.5, side, end)


def _yaw_matrices(yaw: AnyArray) -> FloatArray:
    return Rotation.from_euler("z", yaw.reshape(-1, 1)).as_matrix().astype(np.float32)


def _jitter(positions: FloatArray, settings: AugmentSettings, rng: np.random.Generator) -> FloatArray:
    """Shift, noise, scale, in the paper's order; one shift and one scale a window."""
    count = len(positions)
    if settings.shift:
        positions += rng.uniform(-settings.shift, settings.shift, (count, 1, 1, 3)).astype(np.float32)
    if settings.point_noise:
        positions += np.float32(settings.point_noise) * rng.standard_normal(positions.shape, np.float32)
    scale = rng.uniform(settings.scale_low, settings.scale_high, (count, 1, 1, 1)).astype(np.float32)
    positions *= scale
    return positions


@njit(cache=True, inline="always")
def _uniform(seed: int, index: int) -> float:
    """A number in [0, 1) from a seed and an index (SplitMix64), the same whatever thread asks."""
    z = np.uint64(seed) + np.uint64(index) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def _vary(
    points: FloatArray, cos: FloatArray, sin: FloatArray, mirrored: BoolArray, keep: FloatArray,
    normal: FloatArray, hidden: FloatArray, stray: FloatArray, missed: BoolArray, seeds: IntArray,
) -> FloatArray:  # fmt: skip
    count, frames, size = points.shape[:3]
    out = np.empty_like(points)
    for b in prange(count):
        work = np.empty((2 * size, 3), np.float32)
        for t in range(frames):
            if t > 0 and missed[b, t]:
                out[b, t] = out[b, t - 1]
                continue
            crop = points[b, t]
            unique = _unique_rows(crop)
            kept = _select(crop, unique, keep[b], normal[b], hidden[b], seeds[b] + t * 4099, work)
            kept = _add_stray(work, kept, size, stray[b], seeds[b] + t * 7919)
            _turn(work, kept, cos[b], sin[b], mirrored[b])
            _anchors_first(work, kept)
            for i in range(size):
                out[b, t, i] = work[i % kept]
    return out


@njit(cache=True)
def _unique_rows(crop: FloatArray) -> int:
    """How many rows there are before the crop repeats itself from its first row."""
    for i in range(1, len(crop)):
        if crop[i, 0] == crop[0, 0] and crop[i, 1] == crop[0, 1] and crop[i, 2] == crop[0, 2]:
            return i
    return len(crop)


@njit(cache=True)
def _select(
    crop: FloatArray, unique: int, keep: float, normal: FloatArray, hidden: float, seed: int, work: FloatArray
) -> int:
    """Copy the rows that are neither thinned out nor hidden to `work`, at least one; their number."""
    low, high = np.float32(1e9), np.float32(-1e9)
    for i in range(unique):
        along = crop[i, 0] * normal[0] + crop[i, 1] * normal[1] + crop[i, 2] * normal[2]
        low, high = min(low, along), max(high, along)
    edge = high - hidden * (high - low)
    share = keep / unique
    kept = 0
    for i in range(unique):
        along = crop[i, 0] * normal[0] + crop[i, 1] * normal[1] + crop[i, 2] * normal[2]
        if along <= edge and (share >= 1.0 or _uniform(seed, i) < share):
            work[kept] = crop[i]
            kept += 1
    if kept == 0:
        work[0] = crop[0]
        kept = 1
    return kept


@njit(cache=True)
def _add_stray(work: FloatArray, kept: int, size: int, share: float, seed: int) -> int:
    """Put points of a wall or a neighbour beside the body in place of the last ones."""
    extra = int(share * kept)
    if extra == 0:
        return kept
    angle = 6.2831853 * _uniform(seed, 0)
    x, y = 0.5 * np.cos(angle), 0.5 * np.sin(angle)
    first = min(kept, size - extra)
    for i in range(first, first + extra):
        work[i, 0] = x + 0.3 * (_uniform(seed, 3 * i + 1) - 0.5)
        work[i, 1] = y + 0.3 * (_uniform(seed, 3 * i + 2) - 0.5)
        work[i, 2] = 1.6 * (_uniform(seed, 3 * i + 3) - 0.5)
    return first + extra


@njit(cache=True)
def _turn(work: FloatArray, kept: int, cos: float, sin: float, mirrored: bool) -> None:
    """Remove the mean, mirror, turn."""
    x, y, z = 0.0, 0.0, 0.0
    for i in range(kept):
        x, y, z = x + work[i, 0], y + work[i, 1], z + work[i, 2]
    x, y, z = x / kept, y / kept, z / kept
    side = -1.0 if mirrored else 1.0
    for i in range(kept):
        dx, dy = work[i, 0] - x, side * (work[i, 1] - y)
        work[i, 0] = cos * dx - sin * dy
        work[i, 1] = sin * dx + cos * dy
        work[i, 2] -= z


@njit(cache=True, error_model="numpy")
def _anchors_first(work: FloatArray, kept: int) -> None:
    """Bring the first farthest points to the front; the others keep their order but for those exchanged."""
    distance = np.full(kept, np.float32(np.inf))
    for i in range(kept):
        if work[i, 0] ** 2 + work[i, 1] ** 2 + work[i, 2] ** 2 <= NEAR_ORIGIN:
            distance[i] = -1.0
    for k in range(1, min(ANCHORS, kept)):
        best, farthest = -1, np.float32(0.0)
        for i in range(k, kept):
            dx, dy, dz = work[i, 0] - work[k - 1, 0], work[i, 1] - work[k - 1, 1], work[i, 2] - work[k - 1, 2]
            distance[i] = min(distance[i], dx * dx + dy * dy + dz * dz)
            if distance[i] > farthest:
                best, farthest = i, distance[i]
        if best < 0:
            return
        for axis in range(3):
            work[k, axis], work[best, axis] = work[best, axis], work[k, axis]
        distance[best] = distance[k]
