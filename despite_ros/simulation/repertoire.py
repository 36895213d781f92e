"""What people in a scene do: everyday activities, made-up motion, or captured clips."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from despite_ros.simulation.captured import mirror, retime
from despite_ros.simulation.chaining import retarget, steer
from despite_ros.simulation.crowd import Repertoire, Surroundings
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.parametric import PARAMETRIC, walk
from despite_ros.simulation.skeleton import Motion, heading
from despite_ros.simulation.style import Style

WEIGHTS = {
    "walk": 8.0, "stand": 2.0, "run": 0.6, "turn": 1.0, "sit": 1.0, "squat": 1.0, "wave": 1.5, "reach": 1.5,
    "bend": 1.2, "lie": 0.4, "jump": 0.5,
}  # fmt: skip
"""Everyday activity → how often it is drawn."""
LONGEST_CLIP = 8.0  # seconds of a captured motion that are used at a time
GET_AWAY = 0.45  # chance that somebody walks somewhere after a made-up motion, or from where clips hardly fit
CORNERED = 0.9  # metres to a wall or furniture: here hardly any captured clip fits


def parametric(rng: Generator, style: Style, around: Surroundings) -> Motion:
    """An everyday activity; whoever walks heads for a random place in the room."""
    label = rng.choice(list(WEIGHTS), p=np.array(list(WEIGHTS.values())) / sum(WEIGHTS.values()))
    if label in ("walk", "run"):
        return walk_somewhere(rng, style, around, run=0.85 * float(label == "run"))
    return PARAMETRIC[label](rng, rng.uniform(4.0, 8.0), style)


def walk_somewhere(rng: Generator, style: Style, around: Surroundings, run: float = 0.0) -> Motion:
    """Walk (run = 0) or run to a random free place in the room."""
    extent = np.array([around.room.length, around.room.width]) / 2 - 0.6
    goal = rng.uniform(-extent, extent)
    turn, distance = around.turn_to(goal), np.hypot(*(goal - around.position))
    speed = 1.4 * style.strides * style.stride * (1 + run)
    return walk(rng, float(np.clip(1.5 + distance / speed, 2.5, 9.0)), style, turn, run)


def made_up(rng: Generator, style: Style, around: Surroundings) -> Motion:
    """A random motion, or now and then a walk to another place."""
    if rng.random() < GET_AWAY:
        return walk_somewhere(rng, style, around)
    return _bent(rng, retarget(made_up_motion(rng, rng.uniform(4.0, 8.0)), style.offsets), around)


def captured(motions: Sequence[Motion]) -> Repertoire:
    """Clips of captured motions, now and then mirrored or a little faster or slower, bent to fit the room."""
    seconds = np.array([motion.duration for motion in motions])

    def draw(rng: Generator, style: Style, around: Surroundings) -> Motion:
        if around.room.clearance(around.position) < CORNERED and rng.random() < GET_AWAY:
            return walk_somewhere(rng, style, around)
        motion = motions[rng.choice(len(motions), p=seconds / seconds.sum())]
        start = rng.uniform(0, max(0.0, motion.duration - LONGEST_CLIP))
        clip = retime(motion.slice(start, start + LONGEST_CLIP), rng.uniform(0.9, 1.1))
        clip = mirror(clip) if rng.random() < 0.5 else clip
        return _bent(rng, retarget(clip, style.offsets), around)

    return draw


def _bent(rng: Generator, motion: Motion, around: Surroundings) -> Motion:
    """A motion that travels: bent so that it ends in the direction of a random place near the middle."""
    path = motion.joints[-1, 0, :2] - motion.joints[0, 0, :2]
    if np.hypot(*path) < 0.8:
        return motion
    goal = rng.uniform(-0.25, 0.25, 2) * (around.room.length, around.room.width)
    travel = np.arctan2(path[1], path[0]) - heading(motion, 0)
    turn = around.turn_to(goal) - travel
    return steer(motion, float(np.angle(np.exp(1j * turn))))
