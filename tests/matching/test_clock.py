"""Clock offsets from the similarity over lags."""

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.matching.clock import ClockOffsets
from despite_ros.matching.settings import MatchingSettings


def embedding(seconds: float) -> FloatArray:
    """A place on a smooth random path over the sphere, by time."""
    rng = np.random.default_rng(0)
    phases, rates = rng.uniform(0, 6.28, 64), rng.uniform(0.5, 2.5, 64)
    return np.sin(rates * seconds + phases).astype(np.float32)


def estimate(late: float, frames: int = 200, steps: bool = True) -> float:
    clocks = ClockOffsets(1, 0.1, MatchingSettings())
    for frame in range(frames):
        points = embedding(0.1 * frame if steps else 0.0)[None]
        imus = embedding(0.1 * frame - late if steps else 0.0)[None]
        clocks.update([4], points, imus, {0: 4})
    return float(clocks.offsets()[0])


@pytest.mark.parametrize("late", [0.0, 0.1, -0.1, 0.17, -0.33])
def test_stamps_that_are_late_are_to_be_set_back(late: float) -> None:
    assert estimate(late) == pytest.approx(-late, abs=0.02)


def test_unknown_from_few_windows_or_from_somebody_who_stands_still() -> None:
    assert np.isnan(estimate(0.0, frames=60))
    assert np.isnan(estimate(0.0, steps=False))


def test_unknown_without_a_name_and_after_a_restart() -> None:
    clocks = ClockOffsets(1, 0.1, MatchingSettings())
    for frame in range(200):
        clocks.update([4], embedding(0.1 * frame)[None], embedding(0.1 * frame)[None], {0: 4})
    assert np.isfinite(clocks.offsets()[0])
    clocks.restart(0)
    assert np.isnan(clocks.offsets()[0])
