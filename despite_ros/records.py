"""What passes between the rooms: people found in a sweep, and who and what they are."""

from dataclasses import dataclass, field
from enum import StrEnum

from despite_ros.arrays import FloatArray

NOBODY = -1  # the track_id of an assignment to no track


@dataclass(frozen=True, slots=True)
class Person:
    """One tracked person in one frame.

    position: centre of the box, metres, fixed frame. size: box (dx, dy, dz), metres.
    velocity: m/s, fixed frame. covariance: 4×4 of (x, y, vx, vy).
    points: raw points in the person's cluster in this sweep, 0 where the sweep missed the person.
    crop: 256×3, mean removed, axes of the fixed frame, farthest-point-sampling order.
    """

    track_id: int
    position: FloatArray
    size: FloatArray
    velocity: FloatArray
    covariance: FloatArray
    age_s: float
    points: int
    crop: FloatArray

    @property
    def observed(self) -> bool:
        """Whether this sweep saw the person (otherwise position is predicted and crop is the last)."""
        return self.points > 0


@dataclass(frozen=True, slots=True)
class PeopleFrame:
    """All people of one sweep, at the sweep's stamp (integer nanoseconds)."""

    stamp_ns: int
    frame_id: str
    people: tuple[Person, ...]
    counters: dict[str, int] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)


class State(StrEnum):
    """What is known about where a wearer is."""

    GATHERING = "gathering"  # not enough evidence yet
    ASSIGNED = "assigned"
    ABSENT = "absent"  # none of the tracks is this wearer
    STALE = "stale"  # no IMU samples, or the track is lost for now; on it while it is still predicted


@dataclass(frozen=True, slots=True)
class Assignment:
    """A wearer → track, with a calibrated confidence in 0..1, or to NOBODY.

    similarity: cosine of the newest encoded windows, NaN where there is none.
    margin: confidence ahead of the runner-up.
    """

    wearer: str
    track_id: int
    similarity: float
    confidence: float
    margin: float
    state: State


@dataclass(frozen=True, slots=True)
class Activity:
    """What a track does: label, confidence in 0..1, and the score of every label of the model."""

    track_id: int
    label: str
    confidence: float
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReidFrame:
    """Names and activities at one sweep's stamp.

    similarity: wearers × tracks, cosine of the newest encoded windows, NaN where a window is not full.
    """

    stamp_ns: int
    wearers: tuple[str, ...]
    track_ids: tuple[int, ...]
    similarity: FloatArray
    assignments: tuple[Assignment, ...]
    activities: tuple[Activity, ...]
    latency_ms: dict[str, float] = field(default_factory=dict)
