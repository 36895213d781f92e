"""Activity labels of tracks."""

import numpy as np
import pytest

from despite_ros.activities import UNKNOWN
from despite_ros.arrays import FloatArray
from despite_ros.matching.activities import Activities
from despite_ros.matching.settings import MatchingSettings
from despite_ros.matching.zero_shot import ZeroShot

LABELS = ("stand", "walk", "run")
NONE = np.zeros((0, 3), np.float32)
DEFAULTS = MatchingSettings()


class Echo:
    """Takes embeddings for probabilities; those of the IMU win."""

    def activity(
        self,
        points: FloatArray | None,
        imu: FloatArray | None,
        track_cues: FloatArray | None = None,
        wearer_cues: FloatArray | None = None,
    ) -> FloatArray:
        found = points if imu is None else imu
        assert found is not None
        return found


def activities(settings: MatchingSettings = DEFAULTS) -> Activities:
    return Activities(Echo(), LABELS, settings)


def row(*values: float) -> FloatArray:
    return np.array([values], np.float32)


def test_label_confidence_and_all_scores() -> None:
    (found,) = activities().update(0.0, [5], row(0.1, 0.7, 0.2), NONE, {})
    assert (found.track_id, found.label) == (5, "walk")
    assert found.confidence == pytest.approx(0.7)
    assert found.scores == pytest.approx({"stand": 0.1, "walk": 0.7, "run": 0.2})


def test_unknown_where_nothing_is_likely_enough() -> None:
    cautious = activities(MatchingSettings(activity_confidence=0.5))
    (found,) = cautious.update(0.0, [5], row(0.3, 0.36, 0.34), NONE, {})
    assert found.label == UNKNOWN and found.confidence == pytest.approx(0.36)


def test_the_imu_counts_once_its_wearer_is_assigned() -> None:
    imus = row(0.0, 0.0, 1.0)
    assert activities().update(0.0, [5], row(0.1, 0.7, 0.2), imus, {})[0].label == "walk"
    assert activities().update(0.0, [5], row(0.1, 0.7, 0.2), imus, {0: 5})[0].label == "run"
    missing = np.full((1, 3), np.nan, np.float32)
    assert activities().update(0.0, [5], row(0.1, 0.7, 0.2), missing, {0: 5})[0].label == "walk"


def test_one_odd_frame_does_not_change_the_label() -> None:
    smoothed = activities(MatchingSettings(activity_memory=0.5))
    smoothed.update(0.0, [5], row(0.9, 0.1, 0.0), NONE, {})
    (found,) = smoothed.update(0.1, [5], row(0.1, 0.9, 0.0), NONE, {})
    assert found.label == "stand"
    for _ in range(10):
        (found,) = smoothed.update(0.1, [5], row(0.1, 0.9, 0.0), NONE, {})
    assert found.label == "walk"


def test_windows_that_are_not_full_have_no_activity() -> None:
    points = np.array([[np.nan] * 3, [0.0, 0.0, 1.0]], np.float32)
    found = activities().update(0.0, [5, 6], points, NONE, {0: 5})
    assert [item.track_id for item in found] == [6]


def test_zero_shot_takes_the_nearest_text() -> None:
    texts = {"walk": (1.0, 0.0, 0.0), "sit": (0.0, 3.0, 0.0)}
    found = ZeroShot(texts).activity(row(0.1, 5.0, 0.0), None)
    assert found.shape == (1, 2) and found[0, 1] > 0.99
    both = ZeroShot(texts).activity(row(0.0, 1.0, 0.0), row(1.0, 0.0, 0.0))
    np.testing.assert_allclose(both, 0.5, atol=1e-6)
    with pytest.raises(ValueError, match="need embeddings"):
        ZeroShot(texts).activity(None, None)
