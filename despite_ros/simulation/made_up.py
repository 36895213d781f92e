"""Motion that nobody performed: endless, seeded, of random bodies, within what joints allow.

A motion goes through one to three random postures. Every joint wanders about the posture's angle along
a smooth random curve at a random tempo; a gait, a dance, hops or waving are laid over it. Contact with
the floor then decides where the body is, and limbs are kept out of the body.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import BoolArray, DoubleArray
from despite_ros.simulation import layers
from despite_ros.simulation.articulation import ANGLE_INDEX, ANGLES, SWING, named, random_offsets
from despite_ros.simulation.noise import ease, smooth_noise
from despite_ros.simulation.posing import keep_feet_flat, motion_of
from despite_ros.simulation.postures import POSTURES, Posture, draw_arms
from despite_ros.simulation.skeleton import MOTION_RATE, Motion, Span

SLOWEST, FASTEST = 0.12, 2.5  # hertz of the joints' wandering
LAYERS = {"gait": 0.55, "dance": 0.1, "hops": 0.04, "none": 0.31}  # what is laid over the wandering: chances
WAVING, STRIKING = 0.15, 0.15  # chances of an arm's quick movements on top
BUSY, TURNING = np.radians(15), np.radians(25)  # an arm's quick movement, and rad/s, too much for "stand"
LONG_AGO = -10.0  # seconds: what was taken on then is complete when the motion starts

_ARMS, _LEGS = named("arm_", "elbow", "pronation", "wrist"), named("hip_", "knee", "ankle")
_TRUNK = 1 * named("chest") + 2 * named("head")
_GROUP = (_TRUNK + 3 * _ARMS + 5 * _LEGS + [name.startswith("r_") for name in ANGLES]).astype(int)
_CALMED = named("hip_", "knee", "ankle", "pelvis") > 0
FASTEST_SWING = np.radians(90 + 280 * _ARMS + 110 * _LEGS)  # rad/s: one deviation of an angle's speed


@dataclass(frozen=True)
class _Stage:
    """A posture taken at `start` (seconds) by a change that lasts `change` seconds."""

    start: float
    change: float
    posture: Posture
    pose: DoubleArray
    seat: float


def made_up_motion(rng: Generator, seconds: float = 6.0) -> Motion:
    """A random motion of a random body, 60 frames a second, starting above the origin, heading anywhere."""
    frames = round(seconds * MOTION_RATE) + 1
    times = np.arange(frames) / MOTION_RATE
    stages = _stages(rng, seconds)
    weights = _weights([(stage.start, stage.change) for stage in stages], times)
    traits = [
        (s.posture.calm, s.posture.flat, s.posture.steps, not s.posture.leans_on_arms, s.seat) for s in stages
    ]
    calm, flat, steps, free_arms, seat = (weights @ np.array(traits, float)).T
    angles = weights @ np.stack([stage.pose for stage in stages])
    angles = keep_feet_flat(angles, flat * rng.uniform(0.5, 1)) + _wandering(rng, frames, calm)
    angles += free_arms[:, None] * _arms(rng, times)
    layer = rng.choice(list(LAYERS), p=list(LAYERS.values()))
    lift, label, at_it = np.zeros(frames), "", np.ones(frames, bool)
    if layer == "gait" and steps.any():
        gait = layers.gait(rng, times, steps)
        angles += gait.angles
        lift, label, at_it = gait.lift, gait.label, gait.going
    elif layer == "dance":
        angles += layers.dance(rng, times, calm)
        label = "dance"
    elif layer == "hops" and steps.any():
        over, lift = layers.hops(rng, times, steps)
        angles += over
        label = "jump"
    busy = np.zeros(frames, bool)
    for chance, arm_layer in ((WAVING, layers.waving), (STRIKING, layers.strikes)):
        if rng.random() < chance:
            over = free_arms[:, None] * arm_layer(rng, times)
            angles += over
            busy |= np.abs(over).max(axis=1) > BUSY
    heading = layers.turning(rng, times)
    busy |= np.abs(np.gradient(heading, times)) > TURNING
    angles[:, ANGLE_INDEX["pelvis_turn"]] += heading + rng.uniform(-np.pi, np.pi)
    spans = _spans(stages, times, label, at_it, busy)
    motion = motion_of(angles, random_offsets(rng), lift, seat, spans)
    return replace(motion, name="made-up", source="made-up", licence="Apache-2.0")


def _stages(rng: Generator, seconds: float) -> list[_Stage]:
    """One to three postures; two in five of those who lie down fall, other changes take their time."""
    count = rng.choice([1, 2, 3], p=[0.5, 0.33, 0.17])
    starts = np.concatenate([[LONG_AGO], np.sort(rng.uniform(0.1 * seconds, 0.85 * seconds, count - 1))])
    postures, stages = list(POSTURES.values()), []
    weights = np.array([posture.weight for posture in postures])
    for start in starts:
        posture = postures[rng.choice(len(postures), p=weights / weights.sum())]
        falls = posture.label == "lie" and rng.random() < 0.4
        change = rng.uniform(0.5, 0.8) if falls else rng.uniform(0.9, 2.5)
        seat = rng.uniform(*posture.seat) if posture.seat else 0.0
        stages.append(_Stage(float(start), float(change), posture, posture.draw(rng), seat))
    return stages


def _arms(rng: Generator, times: DoubleArray) -> DoubleArray:
    """F×32: arm postures, taken one after the other at their own times, quickly or slowly."""
    count = 1 + rng.poisson(times[-1] / 5)
    starts = [LONG_AGO, *np.sort(rng.uniform(0, times[-1], count - 1))]
    weights = _weights([(start, rng.uniform(0.4, 1.6)) for start in starts], times)
    return np.asarray(weights @ np.stack([draw_arms(rng) for _ in starts]))


def _weights(changes: Sequence[tuple[float, float]], times: DoubleArray) -> DoubleArray:
    """Starts and durations of S changes, in seconds → F×S shares of what they lead to; they add up to 1."""
    weights = np.ones((len(times), len(changes)))
    for index, (start, duration) in enumerate(changes):
        share = ease((times - start) / duration)[:, None]
        weights[:, :index] *= 1 - share
        weights[:, index : index + 1] *= share
    return weights


def _wandering(rng: Generator, frames: int, calm: DoubleArray) -> DoubleArray:
    """F×32: every angle about its posture's. Limbs differ in liveliness and in tempo."""
    lively = rng.choice([0.06, 0.5, 1.0], p=[0.25, 0.35, 0.4], size=_GROUP.max() + 1)[_GROUP]
    tempo = np.exp(rng.uniform(np.log(SLOWEST), np.log(FASTEST), _GROUP.max() + 1))[_GROUP]
    tempo = np.clip(tempo * np.exp(rng.normal(0, 0.4, len(ANGLES))), SLOWEST, FASTEST)
    swing = SWING * rng.uniform(0.03, 0.3 + 0.15 * _ARMS) * lively
    swing = np.minimum(swing, FASTEST_SWING / (2 * np.pi * tempo))
    noise = smooth_noise(rng, frames, MOTION_RATE, tempo, rest=rng.choice([0, 0.5, 0.75])) * swing
    return np.asarray(np.where(_CALMED, calm[:, None] * noise, noise))


def _spans(
    stages: list[_Stage], times: DoubleArray, layer: str, at_it: BoolArray, busy: BoolArray
) -> tuple[Span, ...]:
    """What is done when. A layer's label counts in postures on the feet that can walk, else the posture's.

    at_it: F, whether the layer is at work, without which its frames have no label. busy: F, whether somebody
    who would count as standing is not just that, and has no label either.
    """
    labels = np.full(len(times), "", object)
    ends = [*(stage.start for stage in stages[1:]), np.inf]
    for stage, end in zip(stages, ends, strict=True):
        inside = (times >= stage.start + stage.change) & (times < end)
        if layer and stage.posture.steps and not stage.posture.leans_on_arms:
            labels[inside & at_it] = layer
        else:
            labels[inside] = stage.posture.label
    labels[(labels == "stand") & busy] = ""
    edges = [0, *(np.flatnonzero(labels[1:] != labels[:-1]) + 1).tolist(), len(times)]
    return tuple(
        Span(float(times[first]), float(times[end - 1]), str(labels[first]))
        for first, end in pairwise(edges)
        if labels[first]
    )
