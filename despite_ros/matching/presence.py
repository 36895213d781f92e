"""Whether a wearer is among the people at all.

Who was named for long is likely still here; and where most wearers are, the one not found yet likely is too.
"""

import numpy as np
from scipy.special import logit

from despite_ros.arrays import BoolArray, DoubleArray
from despite_ros.matching.settings import MatchingSettings

LONGEST = 1.0  # s that one frame stands for at most, after a gap


class Presence:
    """Prior log-odds of each wearer being there against being absent.

    They begin at those of `present_prior`, follow the share of the other wearers who are there, rise to those
    of `known_prior` with the time for which a wearer was surely named, and fall again as that is forgotten.
    """

    def __init__(self, wearers: int, settings: MatchingSettings) -> None:
        self._settings = settings
        self._named = np.zeros(wearers)  # s, forgotten little by little
        self._there = np.full(wearers, np.nan)
        self._stamp_ns: int | None = None

    def log_odds(self) -> DoubleArray:
        """Per wearer."""
        low, high = logit(self._by_others()), logit(self._settings.known_prior)
        known = np.minimum(self._named / self._settings.known_time, 1.0)
        return np.asarray(low + known * np.maximum(high - low, 0.0), np.float64)

    def follow(self, stamp_ns: int, surely_named: BoolArray, there: DoubleArray) -> None:
        """Take in, per wearer, whether it is surely named in this frame, and how likely it is there.

        there: probabilities; NaN of a wearer that no full window has spoken for.
        """
        passed = 0.0 if self._stamp_ns is None else 1e-9 * (stamp_ns - self._stamp_ns)
        self._stamp_ns = stamp_ns
        forgotten = np.exp(-passed / self._settings.known_memory)
        self._named = self._named * forgotten + min(passed, LONGEST) * surely_named
        self._there = there

    def _by_others(self) -> DoubleArray:
        """Per wearer, the expected share of wearers who are there (Beta prior), seen from the others."""
        told = np.isfinite(self._there)
        there = np.where(told, self._there, 0.0)
        others, count = there.sum() - there, told.sum() - told
        weight = self._settings.prior_weight
        return np.asarray((others + weight * self._settings.present_prior) / (count + weight), np.float64)
