"""One-to-one assignment of wearers to tracks, where every wearer may be absent."""

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
    to_wearers = np.ones_like(odds)
    for _ in range(ITERATIONS):
        weighted = odds * to_wearers
        to_tracks = odds / (1.0 + weighted.sum(axis=-1, keepdims=True) - weighted)
        to_wearers = 1.0 / (1.0 + to_tracks.sum(axis=-2, keepdims=True) - to_tracks)
    weighted = odds * to_wearers
    scale = 1.0 + weighted.sum(axis=-1, keepdims=True)
    return np.asarray(np.concatenate([weighted, np.ones_like(scale)], axis=-1) / scale, np.float64)


def assign(log_odds: AnyArray) -> IntArray:
    """The likeliest one-to-one assignment: for each wearer the index of its track, or NOBODY.

    log_odds: as in `marginals`; an entry below 0 is never chosen, as being absent is likelier.
    """
    wearers, tracks = log_odds.shape
    gains = np.concatenate([np.asarray(log_odds, np.float64), np.zeros((wearers, wearers))], axis=1)
    _, columns = linear_sum_assignment(-gains)
    return np.where(columns < tracks, columns, NOBODY).astype(np.int64)
