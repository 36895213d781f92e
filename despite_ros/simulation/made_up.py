"""Motion that nobody performed: endless, seeded, of random bodies, within what joints allow.

A motion goes through one to three random postures. Every joint wanders about the posture's angle along
a smooth random curve at a random tempo; a gait, a dance, hops or waving are laid over it. Contact with
the floor then decides where the body is, and limbs are kept out of the body.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import DoubleArray
from despite_ros.simulation.articulation import ANGLE_INDEX, ANGLES, HIGH, LOW, random_offsets
from despite_ros.simulation.gait import flight, gait_angles
from despite_ros.simulation.noise import ease, smooth_noise
from despite_ros.simulation.posing import keep_feet_flat, motion_of
from despite_ros.simulation.postures import POSTURES, Posture, draw_arms
from despite_ros.simulation.skeleton import MOTION_RATE, Motion, Span

SLOWEST, FASTEST = 0.12, 2.2  # hertz of the joints' wandering
LAYERS = {"gait": 0.55, "dance": 0.1, "hops": 0.04, "none": 0.31}  # what is laid over the wandering: chances
WAVING = 0.12  # chance that an arm waves or shakes on top


def _named(*parts: str) -> DoubleArray:
    return np.array([any(part in name for part in parts) for name in ANGLES], float)


_ARM_ANGLES = ("arm_", "elbow", "pronation", "wrist")
_ARMS, _LEGS = _named(*_ARM_ANGLES), _named("hip_", "knee", "ankle")
_PELVIS = _named("pelvis")
_GROUP = (
    3 * _ARMS
    + 5 * _LEGS
    + 2 * _named("head")
    + _named("chest")
    + np.array([n.startswith("r_") for n in ANGLES])
)
_RANGE = np.minimum(HIGH - LOW, np.radians(150)) * (1 - 0.45 * _LEGS)
_RANGE[_PELVIS > 0] = np.radians((0, 25, 16, 10))  # turning is drawn apart
FASTEST_SWING = np.radians(
    100 + 180 * _ARMS + 80 * _LEGS
)  # radians a second: one deviation of an angle's speed


@dataclass(frozen=True)
class _Stage:
    """A posture taken at `start` (seconds) by a change that lasts `change` seconds."""

    posture: Posture
    pose: DoubleArray
    seat: float
    start: float
    change: float


def made_up_motion(rng: Generator, seconds: float = 6.0) -> Motion:
    """A random motion of a random body, 60 frames a second, starting above the origin, heading anywhere."""
    frames = round(seconds * MOTION_RATE) + 1
    times = np.arange(frames) / MOTION_RATE
    stages = _stages(rng, seconds)
    weights = _weights(stages, times)
    traits = [(s.posture.calm, s.posture.flat, float(s.posture.steps), s.seat) for s in stages]
    calm, flat, steps, seat = (weights @ np.array(traits)).T
    angles = weights @ np.stack([stage.pose for stage in stages])
    angles = keep_feet_flat(angles, flat * rng.uniform(0.5, 1)) + _wandering(rng, frames, calm)
    layer = rng.choice(list(LAYERS), p=list(LAYERS.values()))
    lift, label = np.zeros(frames), ""
    if layer == "gait" and steps.any():
        over, lift, label = _gait(rng, times, steps)
        angles += over
    elif layer == "dance":
        angles += _dance(rng, times, calm)
        label = "dance"
    elif layer == "hops" and steps.any():
        over, lift = _hops(rng, times, steps)
        angles += over
        label = "jump"
    if rng.random() < WAVING:
        angles += _waving(rng, times)
    angles[:, ANGLE_INDEX["pelvis_turn"]] += _turning(rng, times) + rng.uniform(-np.pi, np.pi)
    motion = motion_of(angles, random_offsets(rng), lift, seat, _spans(stages, seconds, label))
    return replace(motion, name="made-up", source="made-up", licence="Apache-2.0")


def _stages(rng: Generator, seconds: float) -> list[_Stage]:
    """One to three postures; about one change in six is a fall, the rest take their time."""
    count = rng.choice([1, 2, 3], p=[0.5, 0.33, 0.17])
    starts = np.concatenate([[-10.0], np.sort(rng.uniform(0.1 * seconds, 0.85 * seconds, count - 1))])
    postures, stages = list(POSTURES.values()), []
    weights = np.array([posture.weight for posture in postures])
    for start in starts:
        posture = postures[rng.choice(len(postures), p=weights / weights.sum())]
        pose = posture.draw(rng)
        if "arm_flex" not in posture.ranges:
            pose += draw_arms(rng)
        falls = posture.label == "lie" and rng.random() < 0.4
        change = rng.uniform(0.5, 0.8) if falls else rng.uniform(0.9, 2.5)
        seat = rng.uniform(*posture.seat) if posture.seat else 0.0
        stages.append(_Stage(posture, pose, seat, float(start), float(change)))
    return stages


def _weights(stages: list[_Stage], times: DoubleArray) -> DoubleArray:
    """F×S shares of the postures at each time; they add up to 1."""
    arrived = [ease((times - stage.start) / stage.change) for stage in stages]
    weights = np.ones((len(times), len(stages)))
    for index, share in enumerate(arrived):
        weights[:, :index] *= 1 - share[:, None]
        weights[:, index] *= share
    return weights


def _wandering(rng: Generator, frames: int, calm: DoubleArray) -> DoubleArray:
    """F×32: every angle about its posture's. Limbs differ in liveliness and in tempo."""
    group = _GROUP.astype(int)
    lively = rng.choice([0.06, 0.5, 1.0], p=[0.25, 0.35, 0.4], size=group.max() + 1)[group]
    tempo = np.exp(rng.uniform(np.log(SLOWEST), np.log(FASTEST), group.max() + 1))[group]
    tempo = np.clip(tempo * np.exp(rng.normal(0, 0.4, len(ANGLES))), SLOWEST, FASTEST)
    swing = _RANGE * rng.uniform(0.03, 0.3, len(ANGLES)) * lively
    swing = np.minimum(swing, FASTEST_SWING / (2 * np.pi * tempo))
    noise = smooth_noise(rng, frames, MOTION_RATE, tempo, rest=rng.choice([0, 0.5, 0.75])) * swing
    return np.where(_LEGS + _PELVIS > 0, calm[:, None] * noise, noise)


def _turning(rng: Generator, times: DoubleArray) -> DoubleArray:
    """F radians of heading: none, some, or much turning about."""
    rate = (
        np.radians(70)
        * rng.choice([0, 0.3, 1])
        * smooth_noise(rng, len(times), MOTION_RATE, np.array([0.2]))[:, 0]
    )
    return np.cumsum(rate) / MOTION_RATE


def _gait(rng: Generator, times: DoubleArray, steps: DoubleArray) -> tuple[DoubleArray, DoubleArray, str]:
    """Walking or running, forwards or (rarely) backwards, starting and ending softly: angles, lift, label."""
    runs = rng.random() < 0.2
    pace = rng.uniform(1.2, 1.6) if runs else rng.uniform(0.55, 1.2)  # strides a second
    backwards = -1 if not runs and rng.random() < 0.07 else 1
    sway = 1 + 0.1 * smooth_noise(rng, len(times), MOTION_RATE, np.array([0.3]))[:, 0]
    phase = rng.uniform(0, 2 * np.pi) + backwards * 2 * np.pi * pace * np.cumsum(sway) / MOTION_RATE
    stride = steps * rng.uniform(0.35, 1.25)
    for end in (1, -1):
        if rng.random() < 0.25:  # starts, or stops, within the motion
            stride *= ease(end * (times - rng.uniform(0, times[-1])) / 0.8)
    run = np.full(len(times), rng.uniform(0.5, 1.0) if runs else 0.0)
    angles = gait_angles(phase, stride, run, rng.choice([0.15, 1.0]) * rng.uniform(0.5, 1.8))
    limp = 1 + rng.choice([0, 0.25]) * rng.normal(size=len(ANGLES)) * _LEGS
    return angles * limp, flight(phase, stride, run), "run" if runs else "walk"


def _dance(rng: Generator, times: DoubleArray, calm: DoubleArray) -> DoubleArray:
    """F×32: all joints swing to one beat, each with its own share of the beat and its half."""
    beat = rng.uniform(0.5, 1.1) * 2 * np.pi * times[:, None]
    amount = _RANGE * rng.choice([0, 0.06, 0.15, 0.3], size=len(ANGLES), p=[0.3, 0.3, 0.25, 0.15])
    shift = rng.uniform(0, 2 * np.pi, (2, len(ANGLES)))
    swing = amount * (np.sin(beat + shift[0]) + rng.uniform(0, 0.5) * np.sin(2 * beat + shift[1]))
    return np.where(_LEGS + _PELVIS > 0, calm[:, None] * swing, swing) * rng.uniform(0.5, 1)


def _hops(rng: Generator, times: DoubleArray, steps: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Crouching and jumping again and again: angles, and metres above the floor on parabolas."""
    height = rng.uniform(0.05, 0.3)
    air = np.sqrt(8 * height / 9.81)  # seconds in the air, free fall up and down
    period = air + rng.uniform(0.35, 1.2)
    since = np.mod(times + rng.uniform(0, period), period)
    flying = since < air
    lift = np.where(flying, height * (1 - (2 * since / air - 1) ** 2), 0) * (steps > 0.95)
    crouch = np.where(flying, 0, np.sin(np.pi * np.clip((since - air) / (period - air), 0, 1)) ** 2)
    depth = rng.uniform(0.3, 1.0) * steps * crouch
    angles = np.zeros((len(times), len(ANGLES)))
    for name, most in (("hip_flex", 70), ("knee", 95), ("ankle", -25), ("arm_flex", -35)):
        for side in "lr":
            angles[:, ANGLE_INDEX[f"{side}_{name}"]] = np.radians(most) * depth
    angles[:, ANGLE_INDEX["pelvis_pitch"]] = np.radians(25) * depth
    return angles, lift


def _waving(rng: Generator, times: DoubleArray) -> DoubleArray:
    """F×32: one arm swings to and fro for a while, at the elbow and about the upper arm."""
    beat = 2 * np.pi * rng.uniform(0.8, 2.5) * times
    start = rng.uniform(0, times[-1])
    on = ease((times - start) / 0.5) * ease((start + rng.uniform(1, 5) - times) / 0.5)
    angles = np.zeros((len(times), len(ANGLES)))
    side = rng.choice(["l", "r"])
    for name, most in (("arm_twist", 30), ("elbow", 25), ("arm_abduct", 15), ("wrist", 20)):
        swing = np.radians(most) * rng.uniform(0, 1) * np.sin(beat + rng.uniform(0, 0.8))
        angles[:, ANGLE_INDEX[f"{side}_{name}"]] = on * swing
    return angles


def _spans(stages: list[_Stage], seconds: float, label: str) -> tuple[Span, ...]:
    """What is done when; the label of a layer replaces "stand" and that of a posture that has none."""
    ends = [*(stage.start for stage in stages[1:]), seconds]
    named = (stage.posture.label for stage in stages)
    labels = [
        label if stage.posture.steps and label else name for stage, name in zip(stages, named, strict=True)
    ]
    return tuple(
        Span(max(0.0, stage.start + (0 if stage.start < 0 else stage.change)), end, name)
        for stage, end, name in zip(stages, ends, labels, strict=True)
        if end > max(0.0, stage.start + stage.change)
    )
