"""Whether a wearer is among the people at all: who was named for long is likely still here."""

import numpy as np

from despite_ros.arrays import BoolArray, DoubleArray
from despite_ros.matching.settings import MatchingSettings

LONGEST = 1.0  # s that one frame stands for at most, after a gap


class Presence:
    """Prior log-odds of each wearer being there against being absent.

    They rise from those of `present_prior` to those of `known_prior` with the time for which a wearer was
    surely named, and fall again as that is forgotten.
    """

    def __init__(self, wearers: int, settings: MatchingSettings) -> None:
        self._settings = settings
        self._named = np.zeros(wearers)  # s, forgotten little by little
        self._stamp_ns: int | None = None

    def log_odds(self) -> DoubleArray:
        """Per wearer."""
        settings = self._settings
        low, high = (
            np.log(prior / (1.0 - prior)) for prior in (settings.present_prior, settings.known_prior)
        )
        known = np.minimum(self._named / settings.known_time, 1.0)
        return np.asarray(low + known * max(high - low, 0.0), np.float64)

    def follow(self, stamp_ns: int, surely_named: BoolArray) -> None:
        """Take in whether each wearer is surely named in this frame."""
        passed = 0.0 if self._stamp_ns is None else 1e-9 * (stamp_ns - self._stamp_ns)
        self._stamp_ns = stamp_ns
        forgotten = np.exp(-passed / self._settings.known_memory)
        self._named = self._named * forgotten + min(passed, LONGEST) * surely_named
