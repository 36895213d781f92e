"""One person is one track: through occlusion, past others, beside furniture, lying, on another level."""

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.people.ground import Ground
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import GroundSettings, PeopleSettings, TrackingSettings
from despite_ros.people.tracking import Tracker
from despite_ros.simulation.obstacles import obstacles

from .conftest import PERIOD_NS, Recorded, person, record
from .test_twins import SWEEP_NS, seen


def ids_seen(recorded: Recorded) -> list[set[int]]:
    """Ids of the people seen, sweep after sweep."""
    segmenter = Segmenter(PeopleSettings())
    found = []
    for k, (cloud, pose) in enumerate(zip(recorded.clouds, recorded.poses, strict=True)):
        frame = segmenter.process(cloud, (k + 1) * PERIOD_NS, pose)
        assert frame is not None
        found.append({one.track_id for one in frame.people if one.observed})
    return found


def test_who_walks_behind_a_cupboard_comes_out_with_the_same_id() -> None:
    cupboard = obstacles([(1.6, 0.0, 1.1, 0.05, 0.45, 1.1, 0.0)])
    ids = ids_seen(record([person(6, "walk", 3.5, -2.6, np.pi / 2)], 45, things=cupboard))
    hidden = sum(not some for some in ids[10:35])
    assert hidden >= 5
    assert set().union(*ids) == {0} and ids[-1] == {0}


@pytest.mark.parametrize(("walker", "half"), [(6, 0.65), (7, 0.75)])
def test_who_is_behind_a_wall_for_more_than_two_seconds_keeps_the_id(walker: int, half: float) -> None:
    wall = obstacles([(2.2, 0.0, 1.1, 0.05, half, 1.1, 0.0)])
    ids = ids_seen(record([person(walker, "walk", 3.8, -2.9, np.pi / 2, 7.0)], 65, things=wall))
    assert sum(not some for some in ids) > 20
    assert set().union(*ids) == {0} and ids[-1] == {0}


@pytest.mark.parametrize(("walker", "half"), [(6, 0.8), (7, 0.94)])
def test_who_is_behind_a_wall_for_almost_three_seconds_keeps_the_id(walker: int, half: float) -> None:
    wall = obstacles([(2.2, 0.0, 1.1, 0.05, half, 1.1, 0.0)])
    ids = ids_seen(record([person(walker, "walk", 3.8, -3.4, np.pi / 2, 8.0)], 75, things=wall))
    absences = "".join("x" if some else "." for some in ids).strip(".").split("x")
    assert 28 <= max(map(len, absences)) < 30
    assert set().union(*ids) == {0} and ids[-1] == {0}


@pytest.mark.parametrize("hidden", [5, 15, 28])
def test_who_stops_while_hidden_is_found_again(hidden: int) -> None:
    tracker = Tracker(TrackingSettings())
    for sweep in range(20 + hidden + 5):
        tracker.predict(sweep * SWEEP_NS)
        place = seen(1.2 * min(sweep, 21) / 10, sweep)
        tracker.update([] if 20 <= sweep < 20 + hidden else [place], static=True)
    assert [track.track_id for track in tracker.shown] == [0]


@pytest.mark.parametrize("hidden", [1, 2, 5])
def test_who_ran_and_turned_back_while_hidden_is_no_newcomer(hidden: int) -> None:
    tracker = Tracker(TrackingSettings())
    for sweep in range(30 + hidden):
        tracker.predict(sweep * SWEEP_NS)
        place = seen(0.25 * sweep if sweep < 20 else 4.2, sweep)
        tracker.update([] if 20 <= sweep < 20 + hidden else [place], static=True)
    assert [track.track_id for track in tracker.shown] == [0]


def test_who_is_hidden_does_not_take_the_place_of_a_neighbour_who_steps_nearer() -> None:
    tracker = Tracker(TrackingSettings())
    for sweep in range(60):
        tracker.predict(sweep * SWEEP_NS)
        neighbour = seen(1.2 if sweep < 40 else 0.9, sweep)
        tracker.update([neighbour] if sweep >= 20 else [seen(0.0, sweep), neighbour], static=True)
    seen_last = [track.track_id for track in tracker.shown if track.detection is not None]
    assert seen_last == [1]


def test_nobody_inherits_the_id_of_who_was_lost_far_away() -> None:
    tracker = Tracker(TrackingSettings())
    for sweep in range(30):
        tracker.predict(sweep * SWEEP_NS)
        tracker.update([seen(0.0 if sweep < 15 else 4.0, sweep)], static=True)
    assert 1 in [track.track_id for track in tracker.shown]


@pytest.mark.parametrize("label", ["bend", "lie", "sit"])
def test_low_postures_beside_a_table_stay_one_track(label: str) -> None:
    table = obstacles([(3.0, 1.5, 0.72, 0.6, 0.35, 0.02, 0.0), (3.5, 1.5, 0.35, 0.02, 0.35, 0.35, 0.0)])
    ids = ids_seen(record([person(5, label, 3.0, 0.2, 0.7)], 40, things=table))
    assert np.mean([len(some) == 1 for some in ids[5:]]) > 0.9
    assert len(set().union(*ids)) == 1


def surface(x: float, y: float, z: float, along: float, across: float) -> FloatArray:
    """Points 5 cm apart on a level rectangle."""
    xs, ys = np.meshgrid(np.arange(-along, along, 0.05) + x, np.arange(-across, across, 0.05) + y)
    return np.column_stack([xs.ravel(), ys.ravel(), np.full(xs.size, z)]).astype(np.float32)


def test_a_stage_is_floor_and_shelves_half_hidden_are_not() -> None:
    floor, stage = surface(-1.5, 0, 0.0, 3.5, 6), surface(5, 0, 0.2, 3, 4)
    shelves = [
        surface(x, y, z, 0.02, 0.25)
        for x in (-5.2, -5.7, -6.2)
        for y in np.arange(-3, 3, 0.5)
        for z in np.arange(0.45 * abs(y), 2.4, 0.05)
    ]
    ground = Ground(GroundSettings(), 12.0)
    ground.estimate(np.concatenate([floor, stage, *shelves]), np.array([0.0, 0.0, 1.3]))
    above = ground.above(np.array([[5, 0, 1.2], [-5.9, 2.5, 1.0], [-3, 0, 1.0]], np.float32))
    assert np.abs(above - [1.0, 1.0, 1.0]).max() < 0.08
