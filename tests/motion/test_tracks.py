"""What track windows keep besides crops."""

import numpy as np

from despite_ros.motion.settings import MotionSettings
from despite_ros.motion.tracks import TrackWindows
from despite_ros.records import Person

PERIOD_NS = 100_000_000


def person(number: int, place: float, speed: float) -> Person:
    position, velocity = (np.array([value, 0, 0], np.float32) for value in (place, speed))
    crop = np.zeros((256, 3), np.float32)
    return Person(number, position, position, velocity, np.eye(4, dtype=np.float32), 1.0, 50, crop)


def test_speeds_are_of_the_window_and_start_anew_where_a_track_jumps() -> None:
    windows = TrackWindows(MotionSettings())
    for index in range(30):
        walked = 0.1 * max(index - 20, 0)
        windows.follow(index * PERIOD_NS, [person(1, 0.0, 0.0), person(2, 5.0 + walked, 1.0 * (index > 20))])
    np.testing.assert_allclose(windows.speeds, [0.0, np.sqrt(9 / 24)], rtol=1e-6)
    windows.follow(30 * PERIOD_NS, [person(2, 50.0, 0.5)])
    assert windows.jumped == [2]
    np.testing.assert_allclose(windows.speeds, [0.5])
