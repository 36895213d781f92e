"""People in one room who walk neither through each other nor through walls or furniture.

Everybody's time is filled piece by piece, always for the person whose plan ends first. A piece is taken
if its body keeps clear of the room and of what all others have planned, who are taken to stay where
their plans end. So standing on is always possible, and nobody is ever boxed into a collision.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from despite_ros.simulation.chaining import BLEND, chain
from despite_ros.simulation.parametric import stand, walk
from despite_ros.simulation.room import Room
from despite_ros.simulation.skeleton import JOINT_INDEX, MOTION_RATE, Motion, heading
from despite_ros.simulation.style import Style

APART = 0.35  # metres between any two joints of two people, seen from above
AT_LEAST = 0.75  # metres between two people's pelves
FROM_WALLS = 0.12  # metres from a joint to a wall or furniture
FROM_SENSOR = 0.9  # metres from a joint to the sensor
FORESIGHT = 6.0  # seconds: nobody ends a piece where the sensor comes by within this time
TRIES = 14  # pieces tried before somebody just goes on standing
CHECKED = 6  # frames from one check to the next
_OUTLINE = [
    JOINT_INDEX[name]
    for name in (
        "pelvis", "head", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_hand", "r_hand",
        "l_knee", "r_knee", "l_toe", "r_toe", "l_ankle", "r_ankle",
    )
]  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """What a person who looks for something to do knows: where they are, where they face, the room."""

    position: FloatArray
    heading: float
    room: Room

    def turn_to(self, goal: DoubleArray) -> float:
        """Radians to turn by, −π to π, to face a place."""
        bearing = np.arctan2(*(goal - self.position)[::-1])
        return float(np.angle(np.exp(1j * (bearing - self.heading))))


Repertoire = Callable[[Generator, Style, Surroundings], Motion]
"""Draws something to do: a motion of the person's own skeleton, starting anywhere, facing anywhere."""


def plan(
    rng: Generator,
    room: Room,
    styles: Sequence[Style],
    repertoire: Repertoire,
    seconds: float,
    keep_clear: FloatArray | None = None,
) -> list[Motion]:
    """A motion of at least `seconds` for every style.

    keep_clear: F×2 path (60 a second) that nobody comes close to: the sensor's.
    """
    plans: list[Motion] = []
    for style, spot in zip(styles, _spots(rng, room, len(styles), keep_clear), strict=True):
        start = stand(rng, rng.uniform(1.2, 2.5), style).rotate(rng.uniform(-np.pi, np.pi))
        plans.append(start.translate(np.array([*(spot - start.joints[0, 0, :2]), 0])))
    while min(plan.duration for plan in plans) < seconds:
        who = int(np.argmin([plan.duration for plan in plans]))
        others = [other for index, other in enumerate(plans) if index != who]
        plans[who] = _extended(rng, room, plans[who], styles[who], others, repertoire, keep_clear)
    return [motion.slice(0.0, seconds) for motion in plans]


def closest(first: Motion, second: Motion) -> float:
    """The least distance (metres, seen from above) that any joints of two people ever come to."""
    frames = np.arange(0, max(first.frames, second.frames), CHECKED)
    return float(_gaps(_outline(first, frames), _outline(second, frames)).min())


def _extended(
    rng: Generator,
    room: Room,
    plan: Motion,
    style: Style,
    others: Sequence[Motion],
    repertoire: Repertoire,
    keep_clear: FloatArray | None,
) -> Motion:
    last = plan.frames - 1
    around = Surroundings(plan.joints[last, 0, :2], heading(plan, last), room)
    since = plan.frames - round(BLEND * plan.rate)
    wait = chain(plan, stand(rng, rng.uniform(1.0, 2.0) + BLEND, style))
    in_the_way = not _is_clear_of(keep_clear, wait, since)
    for _ in range(TRIES * (3 if in_the_way else 1)):
        piece = walk(rng, rng.uniform(1.5, 5.0), style, rng.uniform(-3, 3)) if in_the_way else None
        longer = chain(plan, piece or repertoire(rng, style, around))
        if _is_free(room, longer, since, others) and _is_clear_of(keep_clear, longer, since):
            return longer
    return wait


def _is_clear_of(path: FloatArray | None, motion: Motion, since: int) -> bool:
    """Whether a body stays away from the sensor, also if it stays where the motion ends for a while."""
    if path is None:
        return True
    frames = np.arange(since, motion.frames + round(FORESIGHT * motion.rate), CHECKED)
    gaps = _outline(motion, frames) - path[np.minimum(frames, len(path) - 1), None]
    return bool(np.linalg.norm(gaps, axis=-1).min() > FROM_SENSOR)


def _is_free(room: Room, motion: Motion, since: int, others: Sequence[Motion]) -> bool:
    frames = np.arange(since, motion.frames, CHECKED)
    outline = _outline(motion, frames)
    if room.clearance(outline).min() < FROM_WALLS:
        return False
    for other in others:
        theirs = _outline(other, frames)
        if np.linalg.norm(outline[:, 0] - theirs[:, 0], axis=-1).min() < AT_LEAST:
            return False
        if _gaps(outline, theirs).min() < APART:
            return False
    return True


def _outline(motion: Motion, frames: IntArray) -> FloatArray:
    """T×J×2: the joints that stick out, seen from above; who has finished stays."""
    return motion.joints[np.minimum(frames, motion.frames - 1)][:, _OUTLINE, :2]


def _gaps(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(first[:, :, None] - second[:, None], axis=-1))


def _spots(rng: Generator, room: Room, count: int, keep_clear: FloatArray | None) -> list[DoubleArray]:
    """Places to start from, as far apart as drawing at random gets them."""
    draws = rng.uniform(-0.5, 0.5, (4000, 2)) * (room.length - 1, room.width - 1)
    free = room.clearance(draws) > 0.6
    if keep_clear is not None:
        soon = keep_clear[: round(FORESIGHT * MOTION_RATE) : CHECKED]
        free &= _far_from(draws, soon, 1.5)
    draws = draws[free]
    chosen = [draws[0]]
    while len(chosen) < count:
        gaps = np.linalg.norm(draws[:, None] - np.array(chosen), axis=-1).min(1)
        good = np.flatnonzero(gaps >= min(1.6, gaps.max()))
        chosen.append(draws[rng.choice(good)])
    return chosen


def _far_from(points: DoubleArray, path: FloatArray, metres: float) -> BoolArray:
    return np.asarray(np.linalg.norm(points[:, None] - path, axis=-1).min(1) > metres)
