"""Matching with one real IMU of which only gyroscope and accelerometer are known (UTD-MHAD).

Fusion finds its tilt. How the sensor sits on the bone is one of the 24 ways to name axes, chosen on the
people of the groups train and validate; the heading is free: of `HEADINGS` turns about the vertical the one
that fits best counts, for every pair of query and candidate anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch.nn.functional import normalize

from despite_ros.arrays import DoubleArray, FloatArray, IntArray
from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES, pack_channels, unpack_channels
from training.data.store import SequenceStore, StoredSequence
from training.networks import Despite

HEADINGS = 8
PEOPLE = (2, 4, 8)
WINDOWS = (1, 4)
FEWEST = FRAMES - 1 + max(WINDOWS)  # frames of a sequence that can be drawn
LEARNED_FROM = 120  # sequences by which the mounting is chosen
BATCH = 128


@dataclass(frozen=True)
class _Sensed:
    """Consecutive windows of a sequence: points M×E and, for each heading, imu H×M×E, normalised."""

    points: FloatArray
    imu: FloatArray


def real_imu(
    model: Despite, store: SequenceStore, group: str, scenes: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Accuracies {"n": {"W": share}} of IMU → points among n recordings of a group's people.

    Raises:
        UserError: too few recordings have an IMU.
    """
    chosen = best_mounting(model, [*_usable(store, "train"), *_usable(store, "validate")], seed)
    test, mounting = _usable(store, group), Rotation.identity()
    found: dict[str, Any] = {"recordings": len(test), "mounting_xyzw": chosen.as_quat().round(3).tolist()}
    found["chance"] = {str(n): {str(w): 1 / n for w in WINDOWS} for n in PEOPLE}
    plain = [_sense(model, item, mounting, 1, max(WINDOWS)) for item in test]
    found["as fused"] = _matching(plain, scenes, seed)
    free = [_sense(model, item, chosen, HEADINGS, max(WINDOWS)) for item in test]
    fixed = [_Sensed(item.points, item.imu[:1]) for item in free]
    found["mounting chosen"] = _matching(fixed, scenes, seed)
    found["mounting chosen, heading free"] = _matching(free, scenes, seed)
    return found


def best_mounting(model: Despite, sequences: Sequence[StoredSequence], seed: int) -> Rotation:
    """Of the 24 ways, the one with the best matching among 8."""
    rng = np.random.default_rng(seed)
    some = [sequences[i] for i in rng.permutation(len(sequences))[:LEARNED_FROM]]
    ways = list(Rotation.create_group("O"))
    shares = []
    for way in ways:
        sensed = [_sense(model, item, way, HEADINGS, 1) for item in some]
        shares.append(_share(sensed, max(PEOPLE), 1, 500, np.random.default_rng(seed)))
    return ways[int(np.argmax(shares))]


def _usable(store: SequenceStore, group: str) -> list[StoredSequence]:
    found = [
        s for s in store.group(group).sequences if "imu" in s.info.modalities and s.info.frames >= FEWEST
    ]
    if len(found) < max(PEOPLE):
        raise UserError(
            f"real_imu: {len(found)} recordings with an IMU in '{group}', {max(PEOPLE)} are needed"
        )
    return found


@torch.no_grad()
def _sense(model: Despite, item: StoredSequence, mounting: Rotation, headings: int, windows: int) -> _Sensed:
    """The sequence's middle windows under one mounting and several headings."""
    first = (item.info.frames - FRAMES - windows + 1) // 2
    starts = range(first, first + windows)
    turned = np.stack([turn(item.imu, mounting, 2 * np.pi * k / headings) for k in range(headings)])
    imu = np.stack([turned[:, start : start + FRAMES] for start in starts], axis=1)
    points = np.stack([item.points(start) for start in starts])
    rows = model.encode(
        points=torch.from_numpy(points), imu=torch.from_numpy(imu.reshape(-1, *imu.shape[2:]))
    )
    embedded = {name: normalize(value, dim=1).numpy() for name, value in rows.items()}
    return _Sensed(embedded["points"], embedded["imu"].reshape(headings, windows, -1))


def turn(channels: FloatArray, mounting: Rotation, yaw: float) -> FloatArray:
    """T×48 of sensors taken for bones → of the bones in whose frames they are `mounting`, turned by yaw."""
    heading = Rotation.from_euler("z", yaw).as_matrix()
    rotations, accelerations = unpack_channels(channels)
    bones = heading @ rotations @ mounting.as_matrix().T
    return pack_channels(bones.astype(np.float32), (accelerations @ heading.T).astype(np.float32))


def _matching(sensed: Sequence[_Sensed], scenes: int, seed: int) -> Mapping[str, Mapping[str, float]]:
    return {
        str(n): {str(w): _share(sensed, n, w, scenes, np.random.default_rng(seed)) for w in WINDOWS}
        for n in PEOPLE
    }


def _share(
    sensed: Sequence[_Sensed], people: int, windows: int, scenes: int, rng: np.random.Generator
) -> float:
    similarity = _similarity(sensed, windows)
    drawn = [rng.permutation(len(sensed))[:people] for _ in range(scenes)]
    return float(np.mean([_right(similarity, chosen) for chosen in drawn]))


def _similarity(sensed: Sequence[_Sensed], windows: int) -> DoubleArray:
    """IMU × points: the mean cosine over the windows under the heading that fits best."""
    imu = np.stack([item.imu[:, :windows] for item in sensed])
    points = np.stack([item.points[:windows] for item in sensed])
    return np.asarray(np.einsum("ahwe,bwe->abh", imu, points).max(axis=2) / windows)


def _right(similarity: DoubleArray, chosen: IntArray) -> float:
    found = similarity[np.ix_(chosen, chosen)].argmax(axis=1)
    return float((found == np.arange(len(chosen))).mean())
