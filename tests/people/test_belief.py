"""What is believed to be a person, and for how long, when the gate has its doubts."""

from dataclasses import replace

import numpy as np
import pytest

from despite_ros.people.detections import Detection

from .test_finding_again import follow, shifting, tracked


def judged(sweep: int, log_odds: float, points: int = 100) -> Detection:
    """Somebody who shifts from one foot to the other, as the gate judges so many points of it."""
    whole = shifting(0.0, sweep)
    return replace(whole, points=whole.points[:points], log_odds=log_odds)


@pytest.mark.parametrize(("before", "shown"), [(6.0, [0]), (2.5, [])])
def test_who_was_surely_a_person_may_bend_down_for_a_while(before: float, shown: list[int]) -> None:
    upright = [[judged(k, before)] for k in range(30)]
    bent = [[judged(k, -3.0)] for k in range(20)]
    assert follow([*upright, *bent]) == shown


def test_nobody_looks_unlike_a_person_for_ever() -> None:
    upright = [[judged(k, 6.0)] for k in range(30)]
    other = [[judged(k, -5.0)] for k in range(60)]
    assert follow([*upright, *other]) == []


@pytest.mark.parametrize(
    ("log_odds", "sweeps", "shown"),
    [(5.0, 2, [0]), (2.5, 4, []), (2.5, 5, [0]), (1.5, 40, [])],
    ids=["certain", "likely, too soon", "likely", "hardly"],
)
def test_few_points_that_look_like_a_person_need_some_sweeps(
    log_odds: float, sweeps: int, shown: list[int]
) -> None:
    assert follow([[judged(k, log_odds, points=12)] for k in range(sweeps)]) == shown


def test_a_moving_sensor_which_sees_all_the_clutter_takes_longer() -> None:
    sweeps = [[judged(k, 2.5, points=12)] for k in range(12)]
    assert [follow(sweeps[:count], static=False) for count in (7, 12)] == [[], [0]]


@pytest.mark.parametrize(("away", "shown"), [(0.5, [0]), (4.0, [])])
def test_who_is_awaited_where_somebody_was_lost_need_not_look_so_much_like_a_person(
    away: float, shown: list[int]
) -> None:
    assert follow([*lost(sweeps=50), *([crouching(away, k)] for k in range(4))]) == shown


def test_nobody_is_awaited_as_far_off_as_the_lost_may_have_gone() -> None:
    tracker = tracked([*lost(sweeps=10), *([crouching(2.0, k)] for k in range(4))])
    assert [round(float(track.state[0])) for track in tracker.shown] == [0]


def lost(sweeps: int) -> list[list[Detection]]:
    """Somebody at the origin, and then nobody for some sweeps."""
    hidden: list[list[Detection]] = [[]] * sweeps
    return [*([judged(k, 6.0)] for k in range(20)), *hidden]


def crouching(away: float, sweep: int) -> Detection:
    somebody = judged(sweep, 0.5)
    return replace(somebody, position=somebody.position + np.array([away, 0.0, 0.0]))
