"""Records survive the way through messages."""

import math

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message

from despite_ros.nodes.messages import (
    activities_to_message,
    assignments_to_message,
    heading,
    people_from_message,
    people_to_message,
    reid_from_messages,
)
from despite_ros.records import NOBODY, Activity, Assignment, PeopleFrame, Person, ReidFrame, State

pytestmark = pytest.mark.ros
STAMP_NS = 1_700_000_000_123_456_789


def person(track_id: int, points: int) -> Person:
    rng = np.random.default_rng(track_id)
    numbers = [rng.normal(size=shape).astype(np.float32) for shape in (3, 3, 3, (4, 4), (256, 3))]
    position, size, velocity, covariance, crop = numbers
    return Person(track_id, position, size, velocity, covariance, 1.5, points, crop)


def through_the_wire(message: object) -> object:
    return deserialize_message(serialize_message(message), type(message))


def test_people_come_back_as_they_were() -> None:
    sent = PeopleFrame(STAMP_NS, "map", (person(3, 120), person(9, 0)), {"points": 5}, {"ground": 0.5})
    came = people_from_message(through_the_wire(people_to_message(sent)))
    assert (came.stamp_ns, came.frame_id) == (STAMP_NS, "map")
    assert came.counters == sent.counters and came.latency_ms == sent.latency_ms
    for one, other in zip(sent.people, came.people, strict=True):
        assert (one.track_id, one.points, one.observed) == (other.track_id, other.points, other.observed)
        for name in ("position", "size", "velocity", "covariance", "crop"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_names_and_activities_come_back_as_they_were() -> None:
    sent = ReidFrame(
        STAMP_NS,
        ("alice", "bob"),
        (3, 9, 11),
        np.array([[0.5, 0.25, np.nan], [0.125, -0.5, 0.75]], np.float32),
        (
            Assignment("alice", 3, 0.5, 0.75, 0.25, State.ASSIGNED),
            Assignment("bob", NOBODY, math.nan, 0.5, 0.0, State.GATHERING),
        ),
        (Activity(3, "walk", 0.75, {"walk": 0.75, "stand": 0.25}),),
        {"encode": 2.5},
    )
    assignments = through_the_wire(assignments_to_message(sent, "map"))
    activities = through_the_wire(activities_to_message(sent, "map", ("stand", "walk")))
    came = reid_from_messages(assignments, activities)
    np.testing.assert_array_equal(came.similarity, sent.similarity)
    assert (came.wearers, came.track_ids) == (sent.wearers, sent.track_ids)
    assert came.assignments[0] == sent.assignments[0]
    assert came.assignments[1].state == State.GATHERING and math.isnan(came.assignments[1].similarity)
    assert came.activities == sent.activities and came.latency_ms == sent.latency_ms


def test_nobody_there_is_a_message_too() -> None:
    empty = ReidFrame(STAMP_NS, ("alice",), (), np.zeros((1, 0), np.float32), (), ())
    message = through_the_wire(assignments_to_message(empty, ""))
    came = reid_from_messages(message, through_the_wire(activities_to_message(empty, "", ())))
    assert came.similarity.shape == (1, 0)


@pytest.mark.parametrize(
    "velocity, angle", [((1, 0, 0), 0.0), ((0, 2, 0), math.pi / 2), ((0.01, 0.01, 0), 0.0)]
)
def test_heading_is_that_of_the_walk(velocity: tuple[float, ...], angle: float) -> None:
    turned = heading(velocity)
    assert 2 * math.atan2(turned.z, turned.w) == pytest.approx(angle)
