"""The cue from how a track moves over ground."""

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.limbs import CHANNELS, pack_channels
from despite_ros.matching.travel import TravelCue
from despite_ros.motion.rotations import yaw

STILL, EAST, NORTH = (np.array(v, np.float32) for v in ([0, 0, 0], [1.2, 0, 0], [0, 1.2, 0]))


def channels(heading: float, acceleration: float, worn: tuple[int, ...] = (0, 1)) -> FloatArray:
    """A wearer whose limbs point along `heading` and accelerate that much, m/s²."""
    rotations, accelerations = np.zeros((4, 3, 3), np.float32), np.zeros((4, 3), np.float32)
    for limb in worn:
        rotations[limb] = yaw(heading)
        accelerations[limb, 2] = acceleration
    return pack_channels(rotations, accelerations)


def cue(velocities: list[np.ndarray], wearers: list[FloatArray], frames: int = 40) -> TravelCue:
    found = TravelCue(len(wearers))
    for _ in range(frames):
        found.follow(0.1, range(len(velocities)), velocities, np.stack(wearers))
    return found


WALKING_EAST, WALKING_NORTH = channels(0.0, 6.0), channels(np.pi / 2, 6.0)
RESTING = channels(0.0, 0.05)


def test_walkers_belong_to_tracks_that_go_their_way() -> None:
    found = cue([EAST, NORTH], [WALKING_EAST, WALKING_NORTH]).log_odds()
    assert found[0, 0] > 1.0 and found[1, 1] > 1.0
    assert found[0, 1] < -0.5 and found[1, 0] < -0.5


def test_who_rests_belongs_to_a_track_that_stands() -> None:
    found = cue([EAST, STILL], [WALKING_EAST, RESTING]).log_odds()
    assert found[0, 0] > found[0, 1] + 2.0
    assert found[1, 1] > found[1, 0] + 2.0


@pytest.mark.parametrize("limb", [2, 3])
def test_a_watch_tells_too(limb: int) -> None:
    inward = np.radians([-25.0, 25.0])[limb - 2]
    found = cue([EAST, NORTH], [channels(inward, 4.0, worn=(limb,))]).log_odds()
    assert found[0, 0] > found[0, 1] + 1.0


def test_a_turned_heading_is_learned_from_the_wearers_own_track() -> None:
    found = cue([EAST], [channels(0.4, 6.0)])
    before = found.log_odds()[0, 0]
    for _ in range(300):
        found.learn_headings(0.1, {0: 0})
    assert found.heading_offsets[0] == pytest.approx(-0.4, abs=0.1)
    assert found.log_odds()[0, 0] > before


def test_nothing_is_learned_from_who_stands() -> None:
    found = cue([STILL], [channels(0.4, 6.0)])
    found.learn_headings(100.0, {0: 0})
    assert found.heading_offsets[0] == 0.0


def test_no_tracks_and_no_sensors() -> None:
    silent = np.zeros(CHANNELS, np.float32)
    assert cue([], [WALKING_EAST]).log_odds().shape == (1, 0)
    assert np.isfinite(cue([EAST, STILL], [silent]).log_odds()).all()
