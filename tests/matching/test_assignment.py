"""One-to-one assignment with an absent option, and its probabilities."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from despite_ros.matching.assignment import assign, marginals
from despite_ros.records import NOBODY

SHAPES = st.tuples(st.integers(1, 3), st.integers(0, 4))
LOG_ODDS = arrays(np.float64, SHAPES, elements=st.floats(-4, 4, width=32))


def every_assignment(wearers: int, tracks: int) -> list[tuple[int, ...]]:
    options = itertools.product([NOBODY, *range(tracks)], repeat=wearers)
    return [option for option in options if len({x for x in option if x >= 0}) == sum(x >= 0 for x in option)]


def score(log_odds: np.ndarray, option: tuple[int, ...]) -> float:
    return float(sum(log_odds[wearer, track] for wearer, track in enumerate(option) if track != NOBODY))


@given(LOG_ODDS)
def test_it_is_the_likeliest_of_all_assignments(log_odds: np.ndarray) -> None:
    found = tuple(int(track) for track in assign(log_odds))
    best = max(score(log_odds, option) for option in every_assignment(*log_odds.shape))
    assert found in every_assignment(*log_odds.shape)
    assert np.isclose(score(log_odds, found), best)


@given(LOG_ODDS)
def test_probabilities_are_near_those_of_counting_all_assignments(log_odds: np.ndarray) -> None:
    wearers, tracks = log_odds.shape
    exact = np.zeros((wearers, tracks + 1))
    for option in every_assignment(wearers, tracks):
        exact[range(wearers), option] += np.exp(score(log_odds, option))
    exact /= exact.sum(axis=1, keepdims=True)
    found = marginals(log_odds)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose(found, exact, atol=0.2)  # loops sharpen what is contested


def test_probabilities_of_one_wearer_are_exact() -> None:
    found = marginals(np.log([[2.0, 3.0]]))
    np.testing.assert_allclose(found, [[2 / 6, 3 / 6, 1 / 6]])


def test_a_contested_track_goes_to_the_surer_wearer() -> None:
    log_odds = np.array([[5.0, 4.0], [5.0, -9.0]])
    assert list(assign(log_odds)) == [1, 0]
    assert marginals(log_odds)[0, 1] > 0.9


def test_huge_log_odds_stay_finite() -> None:
    found = marginals(np.array([[1e4, -1e4], [1e4, 1e4]]))
    assert np.isfinite(found).all() and found[0, 0] > 0.99 and found[1, 1] > 0.99
