"""Who is lost and seen again is the same person, and a body seen in parts is not two."""

from dataclasses import replace

import pytest

from despite_ros.people.detections import Detection
from despite_ros.people.settings import TrackingSettings
from despite_ros.people.tracking import Tracker

from .test_twins import SWEEP_NS, seen


def follow(sweeps: list[list[Detection]], static: bool = True) -> list[int]:
    """Ids shown at the end of some sweeps."""
    return [track.track_id for track in tracked(sweeps, static).shown]


def tracked(sweeps: list[list[Detection]], static: bool = True) -> Tracker:
    """The tracker at the end of some sweeps."""
    tracker = Tracker(TrackingSettings())
    for sweep, detections in enumerate(sweeps):
        tracker.predict(sweep * SWEEP_NS)
        tracker.update(detections, static)
    return tracker


def shifting(x: float, sweep: int) -> Detection:
    """Somebody who stands, and shifts from one foot to the other."""
    return seen(x + 0.02 * (sweep % 2), 0)


def glimpsed(sweep: int) -> Detection:
    """A few points of the first track's person, who shifts about at x = 0."""
    whole = shifting(0.0, sweep)
    return replace(whole, points=whole.points[:4], log_odds=-6.0, owner=1, glimpse=True)


def walking(sweep: int) -> Detection:
    return seen(0.14 * sweep, 0)


@pytest.mark.parametrize("hidden", [40, 100, 180])
def test_who_stood_still_when_lost_has_the_old_id_nearby(hidden: int) -> None:
    before, after = [[shifting(0.0, k)] for k in range(20)], [[shifting(0.5, k)] for k in range(10)]
    assert follow([*before, *([[]] * hidden), *after]) == [0]


def test_whoever_is_seen_where_somebody_walked_off_is_somebody_else() -> None:
    before = [[walking(k)] for k in range(20)]
    after = [[shifting(walking(19).position[0], k)] for k in range(10)]
    assert follow([*before, *([[]] * 60), *after]) == [1]


def test_nobody_is_remembered_for_ever() -> None:
    sweeps = round(10 * TrackingSettings().memory) + 5
    before, after = [[shifting(0.0, k)] for k in range(20)], [[shifting(0.0, k)] for k in range(10)]
    assert follow([*before, *([[]] * sweeps), *after]) == [1]


@pytest.mark.parametrize(("static", "kept"), [(True, [0]), (False, [])])
def test_a_few_points_keep_a_track_alive_where_there_is_no_background(static: bool, kept: list[int]) -> None:
    tracker = Tracker(TrackingSettings())
    for sweep in range(60):
        tracker.predict(sweep * SWEEP_NS)
        tracker.update([shifting(0.0, sweep) if sweep < 10 else glimpsed(sweep)], static)
    assert [track.track_id for track in tracker.shown] == kept


def test_somebody_far_from_who_is_glimpsed_is_somebody_else() -> None:
    tracker = Tracker(TrackingSettings())
    for sweep in range(60):
        tracker.predict(sweep * SWEEP_NS)
        other = [shifting(4.0, sweep)] if sweep > 50 else []
        tracker.update([shifting(0.0, sweep) if sweep < 10 else glimpsed(sweep), *other], static=True)
    assert [track.track_id for track in tracker.shown] == [0, 1]


def test_who_appears_beside_somebody_is_shown_a_little_later() -> None:
    def sweeps(count: int) -> list[list[Detection]]:
        alone = [[shifting(0.0, k)] for k in range(20)]
        return [*alone, *([shifting(0.0, k), shifting(0.6, k)] for k in range(count))]

    doubt = TrackingSettings().doubt
    assert follow(sweeps(doubt - 1)) == [0]
    assert follow(sweeps(doubt + 1)) == [0, 1]


def test_a_track_takes_its_person_back_from_a_new_one() -> None:
    """Of somebody who gets up a track kept but a part, and the rest gave birth to another."""
    tracker = Tracker(TrackingSettings())
    for sweep in range(20):
        tracker.predict(sweep * SWEEP_NS)
        tracker.update([shifting(0.0, sweep)], static=True)
    old = tracker.tracks[0].key
    tracker.predict(20 * SWEEP_NS)
    tracker.update([owned(shifting(0.0, 20), old), shifting(0.3, 20)], static=True)
    new = next(track.key for track in tracker.tracks if track.key != old)
    tracker.predict(21 * SWEEP_NS)
    tracker.update([owned(shifting(0.3, 21), new)], static=True)
    assert [track.key for track in tracker.tracks] == [old]
    assert tracker.tracks[0].detection is not None


def owned(detection: Detection, key: int) -> Detection:
    """The same, claimed by a track."""
    return replace(detection, owner=key)
