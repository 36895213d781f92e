import numpy as np
import pytest

from despite_ros.people.detections import Detection
from despite_ros.people.settings import TrackingSettings
from despite_ros.people.tracking import TWIN_SWEEPS, Tracker

SWEEP_NS = 100_000_000


def seen(x: float, sweep: int) -> Detection:
    """A person at x who walks along y."""
    middle = np.array([x, 0.05 * sweep, 0.9])
    size = np.array([0.5, 0.5, 1.7], np.float32)
    return Detection(np.zeros((100, 3), np.float32), middle, middle, size, 1.7, 6.0)


def tracks_after(distance: float, sweeps: int) -> list[int]:
    """Ids shown after two people came near each other, and were seen so far apart for some sweeps."""
    tracker = Tracker(TrackingSettings())
    approach = np.arange(2.0, distance, -0.1).tolist()
    for sweep, apart in enumerate([*approach, *([distance] * sweeps)]):
        tracker.predict(sweep * SWEEP_NS)
        tracker.update([seen(0.0, sweep), seen(apart, sweep)], static=True)
    return [track.track_id for track in tracker.shown]


def test_of_two_tracks_on_one_body_the_older_stays() -> None:
    left = tracks_after(0.2, TWIN_SWEEPS + 1)
    assert 0 in left
    assert 1 not in left


@pytest.mark.parametrize(("distance", "sweeps"), [(0.6, 40), (0.2, 5)])
def test_people_side_by_side_or_near_for_a_moment_stay_two(distance: float, sweeps: int) -> None:
    assert len(tracks_after(distance, sweeps)) == 2
