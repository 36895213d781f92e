"""What every source of data gives: items of work, each of which becomes one sequence of a store."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.arrays import AnyArray, FloatArray, IntArray
from despite_ros.config import setting
from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES, POINTS, RATE
from despite_ros.motion.sampling import ANCHORS, farthest_point_sample, make_crop
from despite_ros.simulation.skeleton import Motion, Span
from training.data.simulated import LEAD, simulate_sequence
from training.data.split import group_of, sealed
from training.data.store import GROUPS, SequenceInfo

OVERLAP = LEAD + (FRAMES - 1) / RATE  # seconds that neighbouring pieces share, so that no window is lost
SHORTEST = OVERLAP + 0.01  # seconds; one window, whichever way the last frame's time is rounded


@dataclass(frozen=True)
class Item:
    """Work that makes one sequence. file: where it comes from, for reports. payload: what `read` needs."""

    name: str
    file: str
    payload: Any = None


@dataclass(frozen=True)
class Skip:
    """A file, or a part of one, that does not become a sequence, and why."""

    name: str
    file: str
    reason: str


@dataclass(frozen=True)
class Record:
    """A sequence for the store: points T×P×3 m, imu T×48, joints T×24×3 m; None where there is none."""

    info: SequenceInfo
    points: FloatArray | None = None
    imu: FloatArray | None = None
    joints: FloatArray | None = None


@dataclass(frozen=True)
class Source(ABC):
    """A data set on disk. Fields made by `setting` become options of the command line."""

    path: Path

    @property
    def points(self) -> int:
        """Points a crop."""
        return POINTS

    @abstractmethod
    def items(self) -> Iterator[Item | Skip]:
        """All work, in a fixed order.

        Raises:
            UserError: there is no such data set at `path`.
        """

    @abstractmethod
    def read(self, item: Item) -> Record:
        """Make one sequence; runs in a worker process.

        Raises:
            UserError: why there can be none.
        """


@dataclass(frozen=True)
class MotionSource(Source):
    """Human motion without sensors: LiDAR and IMUs are simulated on pieces of it."""

    seconds: float = setting(20.0, "longest piece that keeps one body and one place of the LiDAR, s", 4, 600)
    seed: int = setting(0, "of bodies, sensors and their places", 0)
    group: str = setting("train", f"group of people whom no split names: {', '.join(GROUPS)}")

    def pieces(self, file: Path, name: str, person: str, duration: float) -> Iterator[Item | Skip]:
        """The items of one clip of `duration` seconds; their payload is (start, end) in seconds."""
        if refusal := sealed(person):
            yield Skip(name, str(file), refusal)
            return
        if duration < SHORTEST:
            yield Skip(name, str(file), f"shorter than one window ({OVERLAP} s with its lead)")
            return
        for start in np.arange(0.0, max(duration - OVERLAP, 0.1), self.seconds - OVERLAP):
            end = min(duration, float(start) + self.seconds)
            if end - start >= SHORTEST:
                yield Item(f"{name}/{start:.1f}", str(file), (float(start), end))

    def group_for(self, person: str) -> str:
        """The group of a person.

        Raises:
            UserError: the setting `group` is none.
        """
        if self.group not in GROUPS:
            raise UserError(f"unknown group '{self.group}'; known: {', '.join(GROUPS)}")
        return group_of(person) or self.group

    def simulated(self, item: Item, clip: Motion, group: str) -> Record:
        """Sensors on an item's piece of a clip; what is drawn follows from the seed and the item's name."""
        motion = clip.slice(*item.payload)
        found = simulate_sequence(motion, np.random.default_rng((self.seed, zlib.crc32(item.name.encode()))))
        spans = tuple(span for span in found.spans if span.label or span.text)
        info = sequence_info(item.name, clip.person, clip.source, clip.licence, group, "captured", spans)
        return Record(info, found.crops, found.imu, found.joints)


def sequence_info(
    name: str,
    person: str,
    source: str,
    licence: str,
    group: str,
    kind: str = "recorded",
    spans: tuple[Span, ...] = (),
) -> SequenceInfo:
    """A line of the store; where it lies and which modalities it has is filled in by the writer."""
    return SequenceInfo(name, person, source, licence, group, kind, 0, 0, spans=spans)


def person_of(dataset: str, folder: str, stem: str) -> str:
    """A file's person as splits name them: CMU's file names tell the subject (`02_01`), others' folders."""
    subject = stem.partition("_")[0] if dataset == "cmu" else ""
    return f"{dataset}/{int(subject):02d}" if subject.isdigit() else f"{dataset}/{folder}"


def whole(frames: int, label: str, text: str) -> tuple[Span, ...]:
    """One span over T frames at 10 Hz."""
    return (Span(0.0, (frames - 1) / RATE, label, text),)


def frame_spans(labels: AnyArray, texts: AnyArray) -> tuple[Span, ...]:
    """Label and text of each of T frames ("" for none) → the spans in which neither changes."""
    changes = np.flatnonzero((labels[1:] != labels[:-1]) | (texts[1:] != texts[:-1])) + 1
    edges = [0, *changes.tolist(), len(labels)]
    return tuple(
        Span(first / RATE, (end - 1) / RATE, str(labels[first]), str(texts[first]))
        for first, end in pairwise(edges)
        if labels[first] or texts[first]
    )


def resampled(frames: int, rate: float) -> IntArray:
    """Of F frames at `rate` a second, the nearest ones to the instants of 10 Hz."""
    count = int((frames - 1) / rate * RATE) + 1
    return np.asarray(np.rint(np.arange(count) * rate / RATE), np.int64)


def crops(clouds: Iterable[AnyArray], count: int) -> FloatArray:
    """One person's points in each of T frames, each N×3 → T×count×3 as the runtime would make them."""
    return np.stack([make_crop(np.ascontiguousarray(cloud, np.float32), count) for cloud in clouds])


def ordered(points: FloatArray, count: int) -> FloatArray:
    """A crop whose mean was removed before it was thinned out or tiled, N×3 → count×3 in sampling order."""
    single = np.ascontiguousarray(distinct(points), np.float32)
    order = farthest_point_sample(single, min(count, max(len(single), ANCHORS)))
    return single[np.resize(order, count)]


def distinct(points: AnyArray) -> AnyArray:
    """The points of a tiled cloud N×3, each once, in their order."""
    return points[np.sort(np.unique(points, axis=0, return_index=True)[1])]


def camera_to_world(points: FloatArray) -> FloatArray:
    """A camera's frame (x right, y down, z forward) → x forward, y left, z up. points: …×3."""
    return np.stack([points[..., 2], -points[..., 0], -points[..., 1]], axis=-1)
