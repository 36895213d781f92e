"""What each track does: smoothed label probabilities, unknown where none is likely enough."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from despite_ros.activities import UNKNOWN
from despite_ros.arrays import AnyArray, DoubleArray, FloatArray
from despite_ros.matching.settings import MatchingSettings
from despite_ros.records import Activity


class Recogniser(Protocol):
    """Embeddings B×E of points, IMUs or both, and cues B×C of the same → probabilities B×labels."""

    def activity(
        self,
        points: FloatArray | None,
        imu: FloatArray | None,
        track_cues: FloatArray | None = None,
        wearer_cues: FloatArray | None = None,
    ) -> FloatArray:
        """Probabilities of the model's labels."""


class Activities:
    """Probabilities per track, exponentially smoothed: from the points, and the IMUs once assigned."""

    def __init__(self, recogniser: Recogniser, labels: Sequence[str], settings: MatchingSettings) -> None:
        self._recogniser = recogniser
        self._labels = tuple(labels)
        self._settings = settings
        self._scores: dict[int, DoubleArray] = {}

    def update(
        self,
        passed: float,
        track_ids: Sequence[int],
        points: FloatArray,
        imus: FloatArray,
        names: Mapping[int, int],
        track_cues: FloatArray | None = None,
        wearer_cues: FloatArray | None = None,
    ) -> tuple[Activity, ...]:
        """Activities of the tracks with a full window, `passed` seconds after the last ones.

        points: tracks×E, imus: wearers×E, NaN rows where a window is not full. names: wearer's index →
        its track_id. track_cues, wearer_cues: a row for each track and wearer.
        """
        full = [row for row in range(len(track_ids)) if np.isfinite(points[row, 0])]
        if not self._labels or not full:
            return ()
        alone = self._recognise(points[full], None, _rows(track_cues, full), None)
        fresh = dict(zip((track_ids[row] for row in full), alone, strict=True))
        both = [(wearer, number) for wearer, number in names.items() if number in fresh]
        both = [(wearer, number) for wearer, number in both if np.isfinite(imus[wearer, 0])]
        if both:
            rows = [list(track_ids).index(number) for _, number in both]
            worn = [wearer for wearer, _ in both]
            better = self._recognise(
                points[rows], imus[worn], _rows(track_cues, rows), _rows(wearer_cues, worn)
            )
            fresh.update(zip((number for _, number in both), better, strict=True))
        self._smooth(passed, fresh)
        return tuple(self._activity(number) for number in fresh)

    def _recognise(self, *given: FloatArray | None) -> AnyArray:
        return np.asarray(self._recogniser.activity(*given), np.float64)

    def _smooth(self, passed: float, fresh: Mapping[int, DoubleArray]) -> None:
        """Mix the new probabilities into the old ones; tracks without new ones are forgotten."""
        memory = self._settings.activity_memory
        keep = float(np.exp(-passed / memory)) if memory else 0.0
        self._scores = {
            number: keep * self._scores.get(number, scores) + (1.0 - keep) * scores
            for number, scores in fresh.items()
        }

    def _activity(self, track_id: int) -> Activity:
        scores = self._scores[track_id]
        best = int(scores.argmax())
        likely = scores[best] >= self._settings.activity_confidence
        named = {label: float(score) for label, score in zip(self._labels, scores, strict=True)}
        return Activity(track_id, self._labels[best] if likely else UNKNOWN, float(scores[best]), named)


def _rows(cues: FloatArray | None, chosen: Sequence[int]) -> FloatArray | None:
    return None if cues is None else cues[list(chosen)]
