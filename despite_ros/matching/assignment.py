"""One-to-one assignment of wearers to tracks, where every wearer may be absent."""

import math

import numba
import numpy as np
from scipy.optimize import linear_sum_assignment

from despite_ros.arrays import AnyArray, DoubleArray, IntArray
from despite_ros.records import NOBODY

ITERATIONS = 30
LARGEST = 25.0  # log-odds beyond which exp() says nothing more and sums lose their small terms


def marginals(log_odds: AnyArray) -> DoubleArray:
    """Probability of every pair under the one-to-one constraint: …×wearers×(tracks + 1), last = absent.

    log_odds: …×wearers×tracks, log of how much likelier the pair is than the wearer being absent.
    The joint probability of an assignment is the product over its pairs; the marginals come from belief
    propagation on the bipartite graph (Williams & Lau 2014, IEEE TAES 50(4), eqs. 16-20).
    """
    odds = np.exp(np.clip(np.asarray(log_odds, np.float64), -LARGEST, LARGEST))
    *cases, wearers, tracks = odds.shape
    found = _propagate(odds.reshape(math.prod(cases), wearers, tracks))
    return np.asarray(found.reshape(*cases, wearers, tracks + 1), np.float64)


def assign(log_odds: AnyArray) -> IntArray:
    """The likeliest one-to-one assignment: for each wearer the index of its track, or NOBODY.

    log_odds: as in `marginals`; an entry below 0 is never chosen, as being absent is likelier.
    """
    wearers, tracks = log_odds.shape
    gains = np.concatenate([np.asarray(log_odds, np.float64), np.zeros((wearers, wearers))], axis=1)
    _, columns = linear_sum_assignment(-gains)
    return np.where(columns < tracks, columns, NOBODY).astype(np.int64)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _propagate(odds: DoubleArray) -> DoubleArray:
    cases, wearers, tracks = odds.shape
    found = np.ones((cases, wearers, tracks + 1))
    to_tracks = np.empty((wearers, tracks))
    for case in range(cases):
        weighted = odds[case].copy()  # by the messages to the wearers, which begin at 1
        for _ in range(ITERATIONS):
            for wearer in range(wearers):
                total = 1.0 + weighted[wearer].sum()
                for track in range(tracks):
                    to_tracks[wearer, track] = odds[case, wearer, track] / (total - weighted[wearer, track])
            for track in range(tracks):
                total = 1.0 + to_tracks[:, track].sum()
                for wearer in range(wearers):
                    weighted[wearer, track] = odds[case, wearer, track] / (total - to_tracks[wearer, track])
        for wearer in range(wearers):
            found[case, wearer, :tracks] = weighted[wearer]
            found[case, wearer] /= 1.0 + weighted[wearer].sum()
    return found
