"""Cues of tracks and wearers."""

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.limbs import pack_channels
from despite_ros.matching.cues import SPANS, SUMS, TRACK_NUMBERS, WEARER_NUMBERS, TrackCues, WearerCues
from despite_ros.records import Person

SPEED, HEIGHT, LOST = 0, 1, 6  # places among a track's numbers


def person(number: int, speed: float = 0.0, top: float = 1.7, height: float = 1.7) -> Person:
    crop = np.zeros((256, 3), np.float32)
    crop[:, 2] = np.linspace(-height / 2, height / 2, 256)
    position = np.array([0, 0, top - height / 2], np.float32)
    size = np.array([0.5, 0.5, height], np.float32)
    velocity = np.array([0.6 * speed, 0.8 * speed, 0], np.float32)
    return Person(number, position, size, velocity, np.eye(4, dtype=np.float32), 1.0, 99, crop)


def parts(row: FloatArray, numbers: int) -> FloatArray:
    """SUMS×numbers: newest, means over SPANS, deviations over the two longer ones."""
    return row.reshape(SUMS, numbers)


def test_a_track_tells_its_speed_now_and_lately() -> None:
    cues = TrackCues()
    for speed in [0.0] * 30 + [2.0] * SPANS[0]:
        cues.push([person(7, speed)])
    newest, short, middle, long, *deviations = parts(cues.rows()[0], TRACK_NUMBERS)[:, SPEED]
    assert newest == short == pytest.approx(np.log(2.1), abs=1e-5)
    assert newest > middle > long > np.log(0.1)
    assert min(deviations) > 0.5


def test_height_lost_is_against_the_tracks_own_tallest_wherever_the_floor_is() -> None:
    for floor in (0.0, -1.4):
        cues = TrackCues()
        cues.push([person(7, top=floor + 1.7)])
        cues.push([person(7, top=floor + 1.1, height=1.1)])
        found = parts(cues.rows()[0], TRACK_NUMBERS)[0]
        assert found[[HEIGHT, LOST]] == pytest.approx([1.1, -0.6], abs=1e-5)


def test_rows_follow_the_frames_order_and_new_or_jumped_tracks_start_anew() -> None:
    cues = TrackCues()
    cues.push([person(1, 1.0), person(2, 0.0)])
    cues.push([person(2, 0.0), person(1, 3.0), person(3, 5.0)], jumped=[1])
    speeds = [parts(row, TRACK_NUMBERS)[:4, SPEED] for row in cues.rows()]
    for row, speed in zip(speeds, (0.0, 3.0, 5.0), strict=True):
        assert row == pytest.approx(np.log(speed + 0.1), abs=1e-5)
    cues.push([])
    assert cues.rows().shape == (0, SUMS * TRACK_NUMBERS)


def test_a_wearer_tells_how_limbs_are_tilted_whatever_the_heading() -> None:
    def rows(yaw: float) -> FloatArray:
        turn = np.array(
            [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]], np.float32
        )
        rotations = np.broadcast_to(turn, (2, 4, 3, 3)).copy()
        rotations[1] = turn @ np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], np.float32)
        cues = WearerCues()
        cues.push(pack_channels(rotations, np.ones((2, 4, 3), np.float32)))
        return cues.rows()

    np.testing.assert_allclose(rows(0.0), rows(2.0), atol=1e-5)
    upright, forward = (parts(row, WEARER_NUMBERS)[0, :3] for row in rows(1.0))
    assert upright == pytest.approx([0, 0, 1], abs=1e-5) and forward == pytest.approx([-1, 0, 0], abs=1e-5)


def test_nobody_wears_anything() -> None:
    cues = WearerCues()
    cues.push(np.zeros((0, 48), np.float32))
    assert cues.rows().shape == (0, SUMS * WEARER_NUMBERS)
