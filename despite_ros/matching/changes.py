"""A third cue: do a track and a wearer change together?

Two people who stand alike are alike for as long as they stand, and windows say so again and again. What each
of them does meanwhile, to shift its weight or look around, is its own. So embeddings are taken less their
means over the last seconds: what is left is what changed, without what stays (posture, build, facing).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IntArray
from despite_ros.matching.cosines import unit

MEMORY = 10.0  # s, time constant of the means
LEAST = 8.0  # frames in a mean, after forgetting, from which a difference from it tells anything

# Log-odds of a wearer and its own track = SCALE · (cosine of the changes − MIDDLE) where much changes; set on
# simulated scenes of people to choose on. Where little does, as in somebody at rest seen by few points, the
# changes are mostly noise: they tell half as much where the product of their lengths is HALF.
SCALE = 8.0
MIDDLE = 0.12
HALF = 0.1


@dataclass
class _Past:
    """Of one track: sums of its embeddings and of all wearers' in the same frames, forgetting."""

    points: FloatArray  # E
    imus: FloatArray  # M×E
    weight: float
    weights: FloatArray  # M
    stamp_ns: int

    def forget(self, stamp_ns: int) -> None:
        """Let the sums fade by the time that passed."""
        keep = float(np.exp(-1e-9 * (stamp_ns - self.stamp_ns) / MEMORY))
        self.stamp_ns = stamp_ns
        self.points *= np.float32(keep)
        self.imus *= np.float32(keep)
        self.weights *= np.float32(keep)
        self.weight *= keep

    def log_odds(self, point: FloatArray, imus: FloatArray) -> FloatArray:
        """What the changes to this frame tell: M, NaN where a mean is of too few frames."""
        known = self.weights >= LEAST
        if self.weight < LEAST or not known.any():
            return np.full(len(imus), np.nan, np.float32)
        changed = imus - self.imus / np.maximum(self.weights, 1.0)[:, None]
        change = point - self.points / np.float32(self.weight)
        lengths = np.maximum(np.linalg.norm(changed, axis=1) * np.linalg.norm(change), 1e-9)
        cosines = changed @ change / lengths
        tell = SCALE * (cosines - MIDDLE) * lengths / (lengths + HALF)
        return np.where(known, tell, np.nan).astype(np.float32)

    def add(self, point: FloatArray, imus: FloatArray) -> None:
        """Take in one frame; wearers with NaN are left out."""
        known = np.isfinite(imus[:, 0])
        self.points += point
        self.imus[known] += imus[known]
        self.weight += 1.0
        self.weights += known


class ChangeCue:
    """Log-odds of every wearer × track pair from how their embeddings change."""

    def __init__(self) -> None:
        self._pasts: dict[int, _Past] = {}

    def update(
        self,
        stamp_ns: int,
        track_ids: Sequence[int],
        points: FloatArray,
        imus: FloatArray,
        turns: IntArray,
        jumped: Sequence[int] = (),
    ) -> DoubleArray:
        """Take in a frame's embeddings, K×E and M×E (NaN rows: none); its log-odds, M×K, NaN: not known.

        turns: K, 0 where a track's row is of an earlier frame, which was taken in then. jumped: tracks that
        have changed hands.
        """
        points, imus = unit(points), unit(imus)
        self._pasts = {n: past for n, past in self._pasts.items() if n in track_ids and n not in jumped}
        found = np.full((len(imus), len(track_ids)), np.nan)
        for column in np.flatnonzero((turns > 0) & np.isfinite(points[:, 0])).tolist():
            past = self._past(track_ids[column], stamp_ns, imus)
            past.forget(stamp_ns)
            found[:, column] = past.log_odds(points[column], imus)
            past.add(points[column], imus)
        return found

    def _past(self, number: int, stamp_ns: int, imus: FloatArray) -> _Past:
        """The track's past, a blank one if it is new."""
        if number not in self._pasts:
            count, width = imus.shape
            nothing = np.zeros(width, np.float32), np.zeros((count, width), np.float32)
            self._pasts[number] = _Past(*nothing, 0.0, np.zeros(count, np.float32), stamp_ns)
        return self._pasts[number]
