"""Which frames an IMU window holds: an LSTM that only adds them up tells."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.encoders.memories import STATES, StateMemory
from despite_ros.encoders.streaming import Stream
from despite_ros.limbs import FRAMES


class Adding:
    """Stands in for a session of `lstm_step_graph`: every state grows by the channel. rows: of all calls."""

    def __init__(self) -> None:
        self.rows = 0

    def run(self, names: Sequence[str], feed: Mapping[str, FloatArray]) -> list[FloatArray]:
        self.rows += len(feed["channels"])
        return [feed[name] + feed["channels"] for name in STATES]


def lengths(stride: int, frames: int, late: int = 0) -> tuple[list[dict[int, float]], int]:
    """Frames in the window of each of two wearers, the second from frame `late` on; and steps taken."""
    step = Adding()
    stream: Stream[int] = Stream(StateMemory(1, step, stride), (1,), 1)  # type: ignore[arg-type]
    found = []
    for frame in range(frames):
        ids = [0, 1] if frame >= late else [0]
        stream.push(ids, np.ones((len(ids), 1), np.float32))
        embedded = stream.embeddings()
        found.append(dict(zip(embedded.ids, embedded.rows[:, 0].tolist(), strict=True)))
        if frame % 3:
            stream.advance()
    return found, step.rows


@pytest.mark.parametrize("stride", [1, 2, 4, 5, 24])
def test_windows_are_the_shortest_open_ones_with_all_frames(stride: int) -> None:
    found, _ = lengths(stride, 100, late=10)
    for frame, rows in enumerate(found):
        expected = {
            wearer: FRAMES + (frame - start - FRAMES + 1) % stride
            for wearer, start in ((0, 0), (1, 10))
            if frame - start >= FRAMES - 1
        }
        assert rows == expected


def test_fewer_windows_cost_less() -> None:
    steps = {stride: lengths(stride, 500)[1] for stride in (1, 4)}
    assert steps[4] < 0.3 * steps[1]
