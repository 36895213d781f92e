import numpy as np
import pytest

from despite_ros.arrays import DoubleArray
from despite_ros.matching.presence import Presence
from despite_ros.matching.settings import MatchingSettings

SETTINGS = MatchingSettings(present_prior=0.5, known_prior=0.9, known_time=10.0, known_memory=100.0)
FRAME_NS = 100_000_000


def probability(log_odds: DoubleArray) -> DoubleArray:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), np.float64)


def test_who_is_named_for_long_is_known_to_be_there() -> None:
    presence = Presence(2, SETTINGS)
    assert probability(presence.log_odds()) == pytest.approx([0.5, 0.5])
    for k in range(200):
        presence.follow(k * FRAME_NS, np.array([True, False]))
    assert probability(presence.log_odds()) == pytest.approx([0.9, 0.5])


def test_it_rises_with_the_time_named_and_is_forgotten() -> None:
    presence = Presence(1, SETTINGS)
    for k in range(51):
        presence.follow(k * FRAME_NS, np.array([True]))
    half = float(presence.log_odds()[0])
    assert 0.45 * np.log(9) < half < 0.5 * np.log(9)
    presence.follow(50 * FRAME_NS + 100_000_000_000, np.array([False]))
    assert float(presence.log_odds()[0]) == pytest.approx(half / np.e, rel=1e-3)


def test_the_frame_after_a_gap_is_only_a_frame() -> None:
    presence = Presence(1, SETTINGS)
    for stamp_ns in (0, 60_000_000_000):
        presence.follow(stamp_ns, np.array([True]))
    assert float(presence.log_odds()[0]) < 0.11 * np.log(9)


def test_a_low_known_prior_takes_nothing_away() -> None:
    presence = Presence(1, MatchingSettings(present_prior=0.5, known_prior=0.1))
    for k in range(300):
        presence.follow(k * FRAME_NS, np.array([True]))
    assert probability(presence.log_odds()) == pytest.approx([0.5])
