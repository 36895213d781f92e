"""What each track does: smoothed label probabilities, unknown where none is likely enough."""

from collections.abc import Sequence

import numpy as np

from despite_ros.activities import UNKNOWN
from despite_ros.arrays import AnyArray, DoubleArray
from despite_ros.matching.settings import MatchingSettings
from despite_ros.records import Activity


class Activities:
    """Exponentially smoothed probabilities per track."""

    def __init__(self, labels: Sequence[str], settings: MatchingSettings) -> None:
        self._labels = tuple(labels)
        self._settings = settings
        self._scores: dict[int, DoubleArray] = {}

    def update(
        self, track_ids: Sequence[int], probabilities: AnyArray, passed: float
    ) -> tuple[Activity, ...]:
        """Take in tracks × labels, `passed` seconds after the last; tracks not named are forgotten."""
        keep = (
            float(np.exp(-passed / self._settings.activity_memory)) if self._settings.activity_memory else 0.0
        )
        scores = {}
        for number, fresh in zip(track_ids, probabilities, strict=True):
            before = self._scores.get(number, fresh)
            scores[number] = np.asarray(keep * before + (1.0 - keep) * fresh, np.float64)
        self._scores = scores
        return tuple(self._activity(number) for number in track_ids)

    def _activity(self, track_id: int) -> Activity:
        scores = self._scores[track_id]
        best = int(scores.argmax())
        likely = scores[best] >= self._settings.activity_confidence
        named = {label: float(score) for label, score in zip(self._labels, scores, strict=True)}
        return Activity(track_id, self._labels[best] if likely else UNKNOWN, float(scores[best]), named)
