"""What streams keep between overlapping windows, one row for each person or wearer.

`push` gets every row's newest frame and its age (frames pushed for that row before this one), `embed`
gives the embeddings of rows whose window is full, `advance` does what may wait until the answers are out.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import onnxruntime

from despite_ros.arrays import FloatArray, IntArray
from despite_ros.encoders.tubes import embed_anchors
from despite_ros.limbs import FRAMES, POINTS
from despite_ros.motion.sampling import ANCHORS

STATES = ("hidden_0", "cell_0", "hidden_1", "cell_1")


class Memory(Protocol):
    """What a stream needs of its memory. rows and ages: M; values: M×…"""

    def grow(self, rows: int) -> None:
        """Make place for that many rows, keeping what is there."""

    def push(self, rows: IntArray, ages: IntArray, values: FloatArray) -> None:
        """The newest frame of these rows."""

    def embed(self, rows: IntArray, ages: IntArray) -> FloatArray:
        """M×E, of rows just pushed, M ≥ 1, all with ages ≥ 23."""

    def advance(self) -> None:
        """Work that may wait until the answers are out; `push` does it where nobody else did."""


class TubeMemory:
    """Tubes of the last 24 anchor frames, so that a new frame costs the tubes of one anchor frame.

    Frame t completes the tubes of anchor frame t−1. A window that ends at t began at t−23 and has the
    anchor frames t−23, t−21, …, t−1; only in the first of them, frame t−24 is replaced by t−23.
    """

    def __init__(self, tube_weight: FloatArray, transformer: onnxruntime.InferenceSession) -> None:
        """tube_weight: C×4, columns x, y, z, t. transformer: a session of `transformer_graph`."""
        self._weight = np.ascontiguousarray(tube_weight.T)
        self._transformer = transformer
        channels = len(tube_weight)
        self._crops = np.zeros((0, 2, POINTS, 3), np.float32)  # of frame t at t % 2
        self._anchors = np.zeros((0, FRAMES, ANCHORS, 3), np.float32)  # of frame t at t % 24; tubes alike
        self._opening = np.zeros((0, FRAMES, ANCHORS, channels), np.float32)
        self._inner = np.zeros((0, FRAMES, ANCHORS, channels), np.float32)

    def grow(self, rows: int) -> None:
        """See `Memory`."""
        self._crops, self._anchors = enlarged(self._crops, rows), enlarged(self._anchors, rows)
        self._opening, self._inner = enlarged(self._opening, rows), enlarged(self._inner, rows)

    def push(self, rows: IntArray, ages: IntArray, values: FloatArray) -> None:
        """Crops, M×256×3."""
        before, at = self._crops[rows, ages % 2], self._crops[rows, (ages - 1) % 2]
        opening = np.empty((len(rows), ANCHORS, self._weight.shape[1]), np.float32)
        inner = np.empty_like(opening)
        embed_anchors(before, at, values, self._weight, opening, inner)
        slots = (ages - 1) % FRAMES
        self._opening[rows, slots], self._inner[rows, slots] = opening, inner
        self._anchors[rows, slots] = at[:, :ANCHORS]
        self._crops[rows, ages % 2] = values

    def embed(self, rows: IntArray, ages: IntArray) -> FloatArray:
        """See `Memory`."""
        slots = (ages[:, None] - np.arange(FRAMES - 1, 0, -2)) % FRAMES
        tokens = self._inner[rows[:, None], slots]
        tokens[:, 0] = self._opening[rows, slots[:, 0]]
        anchors = self._anchors[rows[:, None], slots]
        feed = {
            "tokens": tokens.reshape(len(rows), -1, tokens.shape[-1]),
            "anchors": anchors.reshape(len(rows), -1, 3),
        }
        return np.asarray(self._transformer.run(["embedding"], feed)[0])

    def advance(self) -> None:
        """Nothing waits."""


class StateMemory:
    """The LSTM's state in each of the windows that are open at a time.

    Every `stride` frames a window opens; the answer is that of the newest which has all 24 frames, or up to
    stride − 1 more. Only that one's step is on the way to the answer; the others take theirs in `advance`,
    all in one batch.
    """

    def __init__(self, width: int, step: onnxruntime.InferenceSession, stride: int = 1) -> None:
        """width: E. step: a session of `lstm_step_graph`. stride: 1 for windows of 24 frames each."""
        self._step = step
        self._stride = stride
        self._open = -(-(FRAMES - 1) // stride) + 1  # windows at a time; number k is in slot k % _open
        self._states = [np.zeros((0, self._open, width), np.float32) for _ in STATES]
        self._waiting: tuple[IntArray, IntArray, FloatArray] | None = None

    def grow(self, rows: int) -> None:
        """See `Memory`."""
        self._states = [enlarged(state, rows) for state in self._states]

    def push(self, rows: IntArray, ages: IntArray, values: FloatArray) -> None:
        """Channels, M×48."""
        self.advance()
        opening = ages % self._stride == 0
        for state in self._states:
            state[rows[opening], ages[opening] // self._stride % self._open] = 0.0
        full = ages >= FRAMES - 1
        if full.any():
            self._take_step(rows[full], self._answering(ages[full]), values[full])
        self._waiting = (rows, ages, values)

    def embed(self, rows: IntArray, ages: IntArray) -> FloatArray:
        """See `Memory`."""
        return self._states[STATES.index("hidden_1")][rows, self._answering(ages) % self._open]

    def advance(self) -> None:
        """One step of every window that stays open."""
        if self._waiting is None:
            return
        rows, ages, values = self._waiting
        self._waiting = None
        newest = ages // self._stride
        younger = newest - np.maximum(self._answering(ages), -1)  # windows younger than the answering one
        row, since = np.nonzero(np.arange(self._open) < younger[:, None])
        if row.size:
            self._take_step(rows[row], newest[row] - since, values[row])

    def _answering(self, ages: IntArray) -> IntArray:
        """The number of the newest window that has 24 frames or more at these ages; negative if none has."""
        return (ages - (FRAMES - 1)) // self._stride

    def _take_step(self, rows: IntArray, windows: IntArray, values: FloatArray) -> None:
        slots = windows % self._open
        feed = {name: state[rows, slots] for name, state in zip(STATES, self._states, strict=True)}
        found = self._step.run([f"new_{name}" for name in STATES], {"channels": values, **feed})
        for state, new in zip(self._states, found, strict=True):
            state[rows, slots] = new


class WindowMemory:
    """Whole windows, encoded anew every frame: for GPUs, where that is quicker than keeping parts."""

    def __init__(self, encode: Callable[[FloatArray], FloatArray], shape: tuple[int, ...]) -> None:
        """encode: B×24×shape → B×E."""
        self._encode = encode
        self._frames = np.zeros((0, FRAMES, *shape), np.float32)  # frame t at t % 24

    def grow(self, rows: int) -> None:
        """See `Memory`."""
        self._frames = enlarged(self._frames, rows)

    def push(self, rows: IntArray, ages: IntArray, values: FloatArray) -> None:
        """M×shape."""
        self._frames[rows, ages % FRAMES] = values

    def embed(self, rows: IntArray, ages: IntArray) -> FloatArray:
        """See `Memory`."""
        slots = (ages[:, None] + np.arange(1, FRAMES + 1)) % FRAMES
        return self._encode(self._frames[rows[:, None], slots])

    def advance(self) -> None:
        """Nothing waits."""


def enlarged(array: FloatArray, rows: int) -> FloatArray:
    """The array with zeros appended, up to that many rows."""
    return np.concatenate([array, np.zeros((rows - len(array), *array.shape[1:]), np.float32)])
