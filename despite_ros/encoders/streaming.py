"""A new embedding for everybody in every frame, from windows that overlap by 23 of their 24 frames."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from despite_ros.arrays import FloatArray, IntArray
from despite_ros.encoders.memories import Memory
from despite_ros.encoders.model import Encoders
from despite_ros.limbs import CHANNELS, FRAMES, POINTS

Id = TypeVar("Id", bound=Hashable)


class Embedded(NamedTuple, Generic[Id]):
    """Embeddings of M ids. rows: M×E, unnormalised.

    turns: M, frames that a row stands for: 1, more after it waited for its turn, 0 if it is still waiting
    and the row is that of an earlier frame.
    """

    ids: tuple[Id, ...]
    rows: FloatArray
    turns: IntArray


class Stream(Generic[Id]):
    """Windows of many people or wearers, each the last 24 frames pushed for its id.

    An id that a push leaves out keeps its window as it is; `drop` forgets it.
    """

    def __init__(self, memory: Memory, shape: tuple[int, ...], width: int) -> None:
        """shape: of one id's values in a frame. width: E."""
        self._memory = memory
        self._shape = shape
        self._width = width
        self._capacity = 0
        self._rows: dict[Id, int] = {}
        self._free: list[int] = []
        self._ages = np.zeros(0, np.int64)  # frames pushed, by row
        self._encoded = np.zeros(0, np.int64)  # its age when its embedding was computed; 0: not yet
        self._embeddings = np.zeros((0, width), np.float32)
        self._newest: tuple[Id, ...] = ()

    def push(self, ids: Sequence[Id], values: FloatArray) -> None:
        """One frame: values M×256×3 (crops, m) or M×48 (channels, SI), one for each of the M ids.

        Raises:
            ValueError: values of another shape, or an id twice.
        """
        values = np.ascontiguousarray(values, np.float32)
        if values.shape != (len(ids), *self._shape) or len(set(ids)) < len(ids):
            raise ValueError(
                f"a frame of {len(ids)} different ids needs values of shape {(len(ids), *self._shape)},"
                f" found {values.shape} for ids {list(ids)}"
            )
        self._newest = tuple(ids)
        if ids:
            rows = np.array([self._row(number) for number in ids])
            self._memory.push(rows, self._ages[rows], values)
            self._ages[rows] += 1

    def embeddings(self, most: int = 0) -> Embedded[Id]:
        """Of the newest push: the ids whose window is full.

        most: how many windows are encoded, 0 for all. Those that have waited longest come first; an id
        that has never had its turn is left out.
        """
        full = [number for number in self._newest if self._ages[self._rows[number]] >= FRAMES]
        rows: IntArray = np.array([self._rows[number] for number in full], np.int64)
        turns = self._encode(rows, most)
        known = np.flatnonzero(self._encoded[rows])
        ids = tuple(full[place] for place in known)
        return Embedded(ids, self._embeddings[rows[known]], turns[known])

    def _encode(self, rows: IntArray, most: int) -> IntArray:
        """Encode the windows of these rows whose turn it is; how many frames each now stands for."""
        waited = self._ages[rows] - self._encoded[rows]
        chosen = np.sort(np.argsort(-waited, kind="stable")[: most or None])
        turns = np.zeros(len(rows), np.int64)
        if chosen.size:
            now = rows[chosen]
            turns[chosen] = np.where(self._encoded[now] > 0, waited[chosen], 1)
            self._embeddings[now] = self._memory.embed(now, self._ages[now] - 1)
            self._encoded[now] = self._ages[now]
        return turns

    def advance(self) -> None:
        """Work that may wait until the newest embeddings are out; without it, the next push does it."""
        self._memory.advance()

    def drop(self, ids: Iterable[Id]) -> None:
        """Forget these ids; unknown ones do not matter."""
        for number in set(ids) & set(self._rows):
            self._free.append(self._rows.pop(number))
        self._newest = tuple(number for number in self._newest if number in self._rows)

    def reset(self) -> None:
        """Forget all."""
        self.drop(tuple(self._rows))

    def _row(self, number: Id) -> int:
        """The id's row; a new id gets a free one, with age 0."""
        if number not in self._rows:
            if not self._free:
                self._grow()
            self._rows[number] = self._free.pop()
            self._ages[self._rows[number]] = self._encoded[self._rows[number]] = 0
        return self._rows[number]

    def _grow(self) -> None:
        old, self._capacity = self._capacity, max(8, 2 * self._capacity)
        self._free.extend(range(old, self._capacity))
        more = self._capacity - old
        self._ages = np.concatenate([self._ages, np.zeros(more, np.int64)])
        self._encoded = np.concatenate([self._encoded, np.zeros(more, np.int64)])
        self._embeddings = np.concatenate([self._embeddings, np.zeros((more, self._width), np.float32)])
        self._memory.grow(self._capacity)


class PointStream(Stream[int]):
    """Crops of tracks in, point embeddings out."""

    def __init__(self, encoders: Encoders) -> None:
        super().__init__(encoders.point_memory(), (POINTS, 3), encoders.card.width)


class ImuStream(Stream[int]):
    """Channels of wearers in, IMU embeddings out. Ids are the wearers' places in their list."""

    def __init__(self, encoders: Encoders, stride: int = 1) -> None:
        """stride: frames between two openings of windows, see `EncoderSettings.imu_stride`."""
        super().__init__(encoders.imu_memory(stride), (CHANNELS,), encoders.card.width)
