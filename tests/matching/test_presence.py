import numpy as np
import pytest

from despite_ros.arrays import DoubleArray
from despite_ros.matching.presence import Presence
from despite_ros.matching.settings import MatchingSettings

SETTINGS = MatchingSettings(present_prior=0.5, known_prior=0.9, known_time=10.0, known_memory=100.0)
FRAME_NS = 100_000_000
NOBODY_KNOWS = np.array([np.nan])


def probability(log_odds: DoubleArray) -> DoubleArray:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), np.float64)


def test_who_is_named_for_long_is_known_to_be_there() -> None:
    presence = Presence(2, SETTINGS)
    assert probability(presence.log_odds()) == pytest.approx([0.5, 0.5])
    for k in range(200):
        presence.follow(k * FRAME_NS, np.array([True, False]), np.full(2, np.nan))
    assert probability(presence.log_odds()) == pytest.approx([0.9, 0.5])


def test_it_rises_with_the_time_named_and_is_forgotten() -> None:
    presence = Presence(1, SETTINGS)
    for k in range(51):
        presence.follow(k * FRAME_NS, np.array([True]), NOBODY_KNOWS)
    half = float(presence.log_odds()[0])
    assert 0.45 * np.log(9) < half < 0.5 * np.log(9)
    presence.follow(50 * FRAME_NS + 100_000_000_000, np.array([False]), NOBODY_KNOWS)
    assert float(presence.log_odds()[0]) == pytest.approx(half / np.e, rel=1e-3)


def test_the_frame_after_a_gap_is_only_a_frame() -> None:
    presence = Presence(1, SETTINGS)
    for stamp_ns in (0, 60_000_000_000):
        presence.follow(stamp_ns, np.array([True]), NOBODY_KNOWS)
    assert float(presence.log_odds()[0]) < 0.11 * np.log(9)


def test_a_low_known_prior_takes_nothing_away() -> None:
    presence = Presence(1, MatchingSettings(present_prior=0.5, known_prior=0.1))
    for k in range(300):
        presence.follow(k * FRAME_NS, np.array([True]), NOBODY_KNOWS)
    assert probability(presence.log_odds()) == pytest.approx([0.5])


def follow(there: list[float]) -> DoubleArray:
    presence = Presence(len(there), MatchingSettings(present_prior=0.4, prior_weight=5.0))
    presence.follow(0, np.zeros(len(there), np.bool_), np.array(there))
    return probability(presence.log_odds())


def test_where_the_others_are_there_the_last_one_likely_is_too() -> None:
    """Five others, and five imagined ones of whom two are there: 7 of 10; none of the others: 2 of 10."""
    assert follow([0.0, 1.0, 1.0, 1.0, 1.0, 1.0])[0] == pytest.approx(0.7)
    assert follow([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])[0] == pytest.approx(0.2)


def test_what_is_thought_of_oneself_and_of_the_unheard_does_not_count() -> None:
    assert follow([0.9])[0] == pytest.approx(0.4)
    assert follow([0.1, np.nan, np.nan])[0] == pytest.approx(0.4)
    assert follow([0.1, np.nan, 1.0])[0] == pytest.approx(3.0 / 6.0)
