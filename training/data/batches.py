"""Batches drawn from a sequence store: which windows stand together, and how they are varied."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from despite_ros.activities import ACTIVITIES
from despite_ros.arrays import FloatArray, IntArray
from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES
from training.data.augment import AugmentSettings, Pose, augment_imu, augment_points, augment_skeleton
from training.data.store import SequenceStore, Windows

UNLABELLED = -1
LABEL_FRAME = 12  # a window's activity and text are those of its middle


@dataclass(frozen=True)
class Batch:
    """B windows. points: B×24×P×3 m. imu: B×24×48 SI. skeleton: B×24×24×3 m. Absent modalities are None.

    activity: B, index into ACTIVITIES or UNLABELLED. text: B descriptions, "" where there is none.
    """

    points: FloatArray | None
    imu: FloatArray | None
    skeleton: FloatArray | None
    activity: IntArray
    text: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.activity)


def gather(store: SequenceStore, windows: Windows, modalities: Sequence[str]) -> Batch:
    """Read windows as they are stored."""
    chosen = [
        (store.sequences[sequence], int(start))
        for sequence, start in zip(windows.sequence, windows.start, strict=True)
    ]
    spans = [sequence.span_at(start + LABEL_FRAME) for sequence, start in chosen]
    labels = [span.label if span else "" for span in spans]
    points = [item.points(start) for item, start in chosen if "points" in modalities]
    imu = [item.imu[start : start + FRAMES] for item, start in chosen if "imu" in modalities]
    skeleton = [item.skeleton(start) for item, start in chosen if "skeleton" in modalities]
    activity = [ACTIVITIES.index(label) if label in ACTIVITIES else UNLABELLED for label in labels]
    texts = tuple(span.text if span else "" for span in spans)
    return Batch(_stacked(points), _stacked(imu), _stacked(skeleton), np.array(activity), texts)


def _stacked(rows: list[FloatArray]) -> FloatArray | None:
    return np.stack(rows) if rows else None


def augment(batch: Batch, settings: AugmentSettings, rng: np.random.Generator) -> Batch:
    """Vary a batch; modalities of a window share its turn and its mirror image."""
    pose = Pose.draw(len(batch), settings, rng)
    seeds = rng.spawn(3)
    return Batch(
        None if batch.points is None else augment_points(batch.points, pose, settings, seeds[0]),
        None if batch.imu is None else augment_imu(batch.imu, pose, settings, seeds[1]),
        None if batch.skeleton is None else augment_skeleton(batch.skeleton, pose, settings, seeds[2]),
        batch.activity,
        batch.text,
    )


@dataclass(frozen=True)
class BatchSource:
    """Draws the batch of a step; what is drawn follows from (seed, step, rank) alone, so resuming is exact.

    size: windows over all ranks. per_sequence: windows of one sequence, at least `gap` frames apart where
    the sequence is long enough. single_source: share of the batches whose windows are of one source alone, so
    that the people to be told apart do alike things; all sources come as often.
    """

    store: SequenceStore
    modalities: tuple[str, ...]
    size: int
    per_sequence: int
    gap: int
    settings: AugmentSettings
    seed: int
    rank: int = 0
    world: int = 1
    single_source: float = 0.0

    def __post_init__(self) -> None:
        if not self.store.sequences:
            raise UserError("no sequences to train on: the stores given hold none of the group `train`")
        if self.size % self.world:
            raise UserError(
                f"a batch of {self.size} windows cannot be shared evenly by {self.world} processes"
            )

    def draw(self, step: int) -> Batch:
        """This rank's share of a step's batch."""
        windows = self.choose(np.random.default_rng((self.seed, step)))
        share = self.size // self.world
        mine = slice(self.rank * share, (self.rank + 1) * share)
        batch = gather(self.store, Windows(windows.sequence[mine], windows.start[mine]), self.modalities)
        return augment(batch, self.settings, np.random.default_rng((self.seed, step, self.rank)))

    def choose(self, rng: np.random.Generator) -> Windows:
        """Windows of one batch: sequences at random, `per_sequence` windows of each."""
        usable = self._usable(rng)
        count = -(-self.size // self.per_sequence)
        sequences = rng.choice(usable, count, replace=count > len(usable))
        starts = [self._starts(int(sequence), rng) for sequence in sequences]
        windows = Windows(np.repeat(sequences, self.per_sequence), np.concatenate(starts))
        return Windows(windows.sequence[: self.size], windows.start[: self.size])

    def _usable(self, rng: np.random.Generator) -> IntArray:
        """Sequences that a batch may hold: all that are long enough, or those of one source."""
        usable = [i for i, item in enumerate(self.store.sequences) if item.info.frames >= FRAMES]
        if rng.random() < self.single_source:
            source = rng.choice(sorted({self.store.sequences[i].info.source for i in usable}))
            usable = [i for i in usable if self.store.sequences[i].info.source == source]
        return np.array(usable)

    def _starts(self, sequence: int, rng: np.random.Generator) -> IntArray:
        """First frames: sorted random offsets in what is left after the gaps."""
        last = self.store.sequences[sequence].info.frames - FRAMES
        gap = min(self.gap, last // max(1, self.per_sequence - 1)) if self.per_sequence > 1 else 0
        free = rng.integers(0, last - gap * (self.per_sequence - 1) + 1, self.per_sequence)
        return np.asarray(np.sort(free) + gap * np.arange(self.per_sequence), np.int64)
