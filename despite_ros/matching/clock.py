"""How far each wearer's clock is from the LiDAR's, seen from the similarity over lags."""

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.matching.cosines import unit
from despite_ros.matching.settings import MatchingSettings

LEAST_WINDOWS = 100  # overlapping windows; an estimate from fewer is noise
LEAST_RISE = 0.01  # cosine by which the best lag must exceed the mean of all lags


class ClockOffsets:
    """Mean cosine between a track's window and its wearer's windows up to a second earlier and later."""

    def __init__(self, wearers: int, frame_period: float, settings: MatchingSettings) -> None:
        self._settings = settings
        self._period = frame_period
        self._reach = round(settings.clock_span / frame_period)  # frames
        self._keep = float(np.exp(-frame_period / settings.clock_memory))
        self._imus: deque[FloatArray] = deque(maxlen=2 * self._reach + 1)
        self._points: deque[Mapping[int, FloatArray]] = deque(maxlen=self._reach + 1)
        self._total = np.zeros((wearers, 2 * self._reach + 1))
        self._weight = np.zeros(wearers)

    def update(
        self, track_ids: Sequence[int], points: FloatArray, imus: FloatArray, names: Mapping[int, int]
    ) -> None:
        """Take in one frame's embeddings, tracks×E and wearers×E (NaN rows where a window is not full).

        names: wearer's index → its track_id.
        """
        self._points.append(dict(zip(track_ids, unit(points), strict=True)))
        self._imus.append(unit(imus))
        if len(self._imus) < 2 * self._reach + 1:
            return
        around = np.stack(self._imus)  # the track's window lies in the middle of these
        for index, number in names.items():
            cosines = around[:, index] @ self._points[0].get(number, np.full(points.shape[1], np.nan))
            if np.isfinite(cosines).all():
                self._total[index] = self._keep * self._total[index] + cosines
                self._weight[index] = self._keep * self._weight[index] + 1.0

    def restart(self, index: int) -> None:
        """Forget one wearer's estimate, as after its clock was corrected."""
        self._total[index] = self._weight[index] = 0.0

    def offsets(self) -> DoubleArray:
        """Per wearer, seconds to add to its sensors' `time_offset`; NaN while it cannot be told."""
        found = np.full(len(self._weight), np.nan)
        for index in np.flatnonzero(self._weight >= LEAST_WINDOWS):
            curve = self._total[index] / self._weight[index]
            best = int(curve.argmax())
            if 0 < best < len(curve) - 1 and curve[best] - curve.mean() > LEAST_RISE:
                before, peak, after = curve[best - 1 : best + 2]
                vertex = 0.5 * (before - after) / (before - 2.0 * peak + after)
                found[index] = -(best - self._reach + vertex) * self._period
        return found
