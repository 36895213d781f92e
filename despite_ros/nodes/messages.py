"""Records of `despite_ros.records` ↔ messages of `despite_msgs`. Nothing else is decided here."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from despite_msgs import msg as despite
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from std_msgs.msg import Header

from despite_ros.arrays import DoubleArray
from despite_ros.limbs import POINTS
from despite_ros.records import Activity, Assignment, PeopleFrame, Person, ReidFrame, State

STATES = {
    State.GATHERING: despite.ImuAssignment.GATHERING,
    State.ASSIGNED: despite.ImuAssignment.ASSIGNED,
    State.ABSENT: despite.ImuAssignment.ABSENT,
    State.STALE: despite.ImuAssignment.STALE,
}
STATE_NAMES = {number: state for state, number in STATES.items()}
SECOND = 1_000_000_000
HEADING_SPEED = 0.2  # m/s; a slower person's velocity says nothing about the heading


def stamp_of(header: Header) -> int:
    """A header's stamp in nanoseconds."""
    return int(header.stamp.sec) * SECOND + int(header.stamp.nanosec)


def header_of(stamp_ns: int, frame_id: str) -> Header:
    """A header with a stamp in nanoseconds."""
    sec, nanosec = divmod(stamp_ns, SECOND)
    return Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id=frame_id)


def people_to_message(frame: PeopleFrame) -> despite.PersonArray:
    """One sweep's people as a message."""
    return despite.PersonArray(
        header=header_of(frame.stamp_ns, frame.frame_id),
        people=[_person_to_message(person) for person in frame.people],
        counters=list(frame.counters),
        counts=list(frame.counters.values()),
        stages=list(frame.latency_ms),
        latency=list(frame.latency_ms.values()),
    )


def people_from_message(message: despite.PersonArray) -> PeopleFrame:
    """The inverse of `people_to_message`."""
    return PeopleFrame(
        stamp_of(message.header),
        message.header.frame_id,
        tuple(_person_from_message(person) for person in message.people),
        dict(zip(message.counters, map(int, message.counts), strict=True)),
        dict(zip(message.stages, map(float, message.latency), strict=True)),
    )


def boxes_from_message(detections: Any) -> DoubleArray:
    """A vision_msgs/Detection3DArray as B×7: centre, size (metres), heading (radians), in its own frame.

    Boxes are taken to stand upright: what turns them about x or y is left out.
    """
    return np.array([_box(detection.bbox) for detection in detections.detections]).reshape(-1, 7)


def _box(box: Any) -> tuple[float, ...]:
    at, turn, size = box.center.position, box.center.orientation, box.size
    sine, cosine = 2 * (turn.w * turn.z + turn.x * turn.y), 1 - 2 * (turn.y**2 + turn.z**2)
    return (at.x, at.y, at.z, size.x, size.y, size.z, math.atan2(sine, cosine))


def assignments_to_message(frame: ReidFrame, frame_id: str) -> despite.ImuAssignmentArray:
    """Who wears which IMUs, as a message."""
    return despite.ImuAssignmentArray(
        header=header_of(frame.stamp_ns, frame_id),
        assignments=[_assignment_to_message(assignment) for assignment in frame.assignments],
        wearers=list(frame.wearers),
        track_ids=list(frame.track_ids),
        similarity=np.asarray(frame.similarity, np.float32).ravel().tolist(),
        stages=list(frame.latency_ms),
        latency=list(frame.latency_ms.values()),
    )


def activities_to_message(frame: ReidFrame, frame_id: str, labels: Sequence[str]) -> despite.ActivityArray:
    """What the people do, as a message; scores in the order of `labels`."""
    return despite.ActivityArray(
        header=header_of(frame.stamp_ns, frame_id),
        labels=list(labels),
        activities=[
            despite.Activity(
                track_id=activity.track_id,
                label=activity.label,
                confidence=float(activity.confidence),
                scores=[float(activity.scores.get(label, 0.0)) for label in labels],
            )
            for activity in frame.activities
        ],
    )


def reid_from_messages(
    assignments: despite.ImuAssignmentArray, activities: despite.ActivityArray
) -> ReidFrame:
    """The inverse of `assignments_to_message` and `activities_to_message`."""
    shape = (len(assignments.wearers), len(assignments.track_ids))
    return ReidFrame(
        stamp_ns=stamp_of(assignments.header),
        wearers=tuple(assignments.wearers),
        track_ids=tuple(assignments.track_ids),
        similarity=np.array(assignments.similarity, np.float32).reshape(shape),
        assignments=tuple(_assignment_from_message(item) for item in assignments.assignments),
        activities=tuple(_activity_from_message(item, activities.labels) for item in activities.activities),
        latency_ms=dict(zip(assignments.stages, map(float, assignments.latency), strict=True)),
    )


def heading(velocity: Sequence[float]) -> Quaternion:
    """Rotation about z that turns x into the direction of a velocity; none while standing still."""
    speed = math.hypot(velocity[0], velocity[1])
    half = 0.5 * math.atan2(velocity[1], velocity[0]) if speed > HEADING_SPEED else 0.0
    return Quaternion(z=math.sin(half), w=math.cos(half))


def _vector(values: Sequence[float]) -> Vector3:
    x, y, z = map(float, values)
    return Vector3(x=x, y=y, z=z)


def _numbers(values: Vector3 | Point) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array([values.x, values.y, values.z], np.float32)


def _person_to_message(person: Person) -> despite.Person:
    x, y, z = map(float, person.position)
    return despite.Person(
        track_id=person.track_id,
        pose=Pose(position=Point(x=x, y=y, z=z), orientation=heading(person.velocity.tolist())),
        size=_vector(person.size.tolist()),
        velocity=_vector(person.velocity.tolist()),
        covariance=np.asarray(person.covariance, np.float64).ravel(),
        age=float(person.age_s),
        points=person.points,
        crop=np.asarray(person.crop, np.float32).ravel(),
    )


def _person_from_message(message: despite.Person) -> Person:
    return Person(
        track_id=message.track_id,
        position=_numbers(message.pose.position),
        size=_numbers(message.size),
        velocity=_numbers(message.velocity),
        covariance=message.covariance.astype(np.float32).reshape(4, 4),
        age_s=message.age,
        points=message.points,
        crop=np.asarray(message.crop, np.float32).reshape(POINTS, 3),
    )


def _assignment_to_message(assignment: Assignment) -> despite.ImuAssignment:
    return despite.ImuAssignment(
        wearer=assignment.wearer,
        track_id=assignment.track_id,
        similarity=float(assignment.similarity),
        confidence=float(assignment.confidence),
        margin=float(assignment.margin),
        state=STATES[assignment.state],
    )


def _assignment_from_message(message: despite.ImuAssignment) -> Assignment:
    return Assignment(
        message.wearer,
        message.track_id,
        message.similarity,
        message.confidence,
        message.margin,
        STATE_NAMES[message.state],
    )


def _activity_from_message(message: despite.Activity, labels: Sequence[str]) -> Activity:
    scores: Mapping[str, float] = dict(zip(labels, map(float, message.scores), strict=True))
    return Activity(message.track_id, message.label, message.confidence, dict(scores))
