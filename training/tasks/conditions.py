"""Matching under conditions that a deployment meets: fewer sensors, errors of heading, clock and mounting,
distance, a half hidden body."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from despite_ros.arrays import FloatArray
from despite_ros.limbs import LIMBS, RATE, pack_channels, unpack_channels
from despite_ros.simulation.body import Body
from despite_ros.simulation.crops import hold_crops, simulate_crops
from despite_ros.simulation.lidar import SENSORS
from despite_ros.simulation.placement import Placement
from despite_ros.simulation.skeleton import Motion
from training.data.simulated import LEAD, imu_channels, random_imu
from training.data.store import CROP_STEP, SequenceInfo, SequenceStore, StoredSequence
from training.networks import Despite
from training.tasks.embedding import EmbeddedSequence, embed_store
from training.tasks.matching import MatchingSettings, matching

SENSOR = "os1_64"
DISTANCE = 5.0  # metres, where distance is not the condition
DISTANCES = (3.0, 8.0, 15.0)
HEADINGS = (10.0, 30.0, 180.0)  # degrees
CLOCKS = (0.05, 0.1, 0.2)  # seconds
MOUNTING = 15.0  # degrees
BASE = "as trained"

Change = Callable[[FloatArray, np.random.Generator], FloatArray]


def conditions(
    model: Despite, motions: Sequence[Motion], settings: MatchingSettings, seed: int = 0
) -> dict[str, dict[str, dict[str, float]]]:
    """{condition: {"n": {"W": accuracy}}} of IMU → points on simulated sensors of the motions.

    Every motion should hold a few windows (2.9 s or more); all of them are embedded.
    """
    sensed = [_sense(motion, np.random.default_rng((seed, i))) for i, motion in enumerate(motions)]
    base = embed_store(model, SequenceStore(tuple(item[BASE] for item in sensed)))
    found = {BASE: matching(base, "imu", "points", settings)}
    for name in sensed[0]:
        if name != BASE:
            points = embed_store(
                model, SequenceStore(tuple(item[name] for item in sensed)), modalities=["points"]
            )
            found[name] = matching(_joined(base, points, "points"), "imu", "points", settings)
    for name, change in imu_changes().items():
        rng = np.random.default_rng(seed)
        changed = [replace(item[BASE], imu=change(item[BASE].imu, rng)) for item in sensed]
        imu = embed_store(model, SequenceStore(tuple(changed)), modalities=["imu"])
        found[name] = matching(_joined(base, imu, "imu"), "imu", "points", settings)
    return found


def imu_changes() -> dict[str, Change]:
    """The conditions that act on a sequence's IMU channels (T×48 → T×48)."""
    changes: dict[str, Change] = {f"only {limb}": _only(index) for index, limb in enumerate(LIMBS)}
    changes |= {f"heading off by {angle:.0f}°": _heading(angle) for angle in HEADINGS}
    changes |= {f"clock off by {1000 * late:.0f} ms": _late(late) for late in CLOCKS}
    return changes | {f"mounting off by {MOUNTING:.0f}°": _mounting}


def _only(limb: int) -> Change:
    def change(imu: FloatArray, _: np.random.Generator) -> FloatArray:
        rotations, accelerations = (array.copy() for array in unpack_channels(imu))
        others = [i for i in range(len(LIMBS)) if i != limb]
        rotations[:, others], accelerations[:, others] = 0, 0
        return pack_channels(rotations, accelerations)

    return change


def _heading(degrees: float) -> Change:
    def change(imu: FloatArray, rng: np.random.Generator) -> FloatArray:
        turn = Rotation.from_euler("z", degrees * rng.choice([-1, 1]), degrees=True).as_matrix()
        rotations, accelerations = unpack_channels(imu)
        return pack_channels(
            (turn @ rotations).astype(np.float32), (accelerations @ turn.T).astype(np.float32)
        )

    return change


def _late(seconds: float) -> Change:
    """The IMU's clock is behind; between frames, orientations are averaged and made rotations again."""

    def change(imu: FloatArray, _: np.random.Generator) -> FloatArray:
        frames = np.maximum(np.arange(len(imu)) - seconds * RATE, 0)
        before, share = frames.astype(int), (frames % 1)[:, None]
        after = np.minimum(before + 1, len(imu) - 1)
        mixed = (1 - share) * imu[before] + share * imu[after]
        rotations, accelerations = unpack_channels(mixed.astype(np.float32))
        left, right = np.linalg.svd(rotations)[::2]
        return pack_channels((left @ right).astype(np.float32), accelerations)

    return change


def _mounting(imu: FloatArray, rng: np.random.Generator) -> FloatArray:
    axes = rng.standard_normal((len(LIMBS), 3))
    tilt = np.radians(MOUNTING) * axes / np.linalg.norm(axes, axis=1, keepdims=True)
    rotations, accelerations = unpack_channels(imu)
    return pack_channels(
        (rotations @ Rotation.from_rotvec(tilt).as_matrix()).astype(np.float32), accelerations
    )


def _sense(motion: Motion, rng: np.random.Generator) -> dict[str, StoredSequence]:
    """One person seen at several distances and half hidden, with the same body and IMUs."""
    motion = motion.rotate(rng.uniform(-np.pi, np.pi))
    stamps = LEAD + np.arange(int((motion.duration - LEAD) * RATE) + 1) / RATE
    imu = imu_channels(motion, stamps, random_imu(rng), rng)
    joints = motion.joints[np.rint(stamps * motion.rate).astype(np.int64)]
    info = SequenceInfo(
        motion.name,
        motion.person or motion.name,
        motion.source,
        motion.licence,
        "test",
        "captured",
        0,
        len(stamps),
    )
    body, sensor = Body.random(rng), SENSORS[SENSOR]
    found = {}
    for name, distance, hide in _views():
        place = Placement.random(rng, motion, sensor, (distance, distance), (0.8, 2.2))
        frames, _ = simulate_crops(motion, body, stamps, sensor, place, rng)
        crops = hold_crops([_upper_half(points) if hide else points for points in frames])
        found[name] = StoredSequence(info, np.rint(crops / CROP_STEP).astype(np.int16), imu, joints)
    return found


def _views() -> Iterator[tuple[str, float, bool]]:
    yield BASE, DISTANCE, False
    for distance in DISTANCES:
        yield f"at {distance:.0f} m", distance, False
    yield "lower half hidden", DISTANCE, True


def _upper_half(points: FloatArray) -> FloatArray:
    if not len(points):
        return points
    middle = (points[:, 2].min() + points[:, 2].max()) / 2
    upper: FloatArray = points[points[:, 2] > middle]
    return upper


def _joined(
    base: Sequence[EmbeddedSequence], other: Sequence[EmbeddedSequence], modality: str
) -> list[EmbeddedSequence]:
    """The base with one modality's embeddings taken from elsewhere."""
    return [
        replace(item, embeddings={**item.embeddings, modality: changed.embeddings[modality]})
        for item, changed in zip(base, other, strict=True)
    ]
