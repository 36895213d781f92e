"""Movements that are laid over a posture: gaits, dances, hops, waving, strikes, turning about."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import BoolArray, DoubleArray
from despite_ros.simulation.articulation import ANGLE_INDEX, ANGLES, SWING, named
from despite_ros.simulation.gait import flight, gait_angles
from despite_ros.simulation.noise import ease, smooth_noise
from despite_ros.simulation.skeleton import MOTION_RATE

_LEGS = named("hip_", "knee", "ankle")
_CALMED = named("hip_", "knee", "ankle", "pelvis") > 0


def turning(rng: Generator, times: DoubleArray) -> DoubleArray:
    """F radians of heading: none, some, or much turning about."""
    wish = smooth_noise(rng, len(times), MOTION_RATE, np.array([0.2]))[:, 0]
    return np.cumsum(wish * np.radians(70) * rng.choice([0, 0.3, 1])) / MOTION_RATE


@dataclass(frozen=True)
class Gait:
    """Walking or running: angles F×32, lift F metres, whether steps are taken F, which of the two it is."""

    angles: DoubleArray
    lift: DoubleArray
    going: BoolArray
    label: str


def gait(rng: Generator, times: DoubleArray, steps: DoubleArray) -> Gait:
    """Walking or running, forwards or (rarely) backwards, starting and ending softly."""
    runs = rng.random() < 0.2
    pace = rng.uniform(1.2, 1.6) if runs else rng.uniform(0.55, 1.2)  # strides a second
    backwards = -1 if not runs and rng.random() < 0.07 else 1
    sway = 1 + 0.1 * smooth_noise(rng, len(times), MOTION_RATE, np.array([0.3]))[:, 0]
    phase = rng.uniform(0, 2 * np.pi) + backwards * 2 * np.pi * pace * np.cumsum(sway) / MOTION_RATE
    full = rng.uniform(0.35, 1.25)
    stride = steps * full
    for end in (1, -1):
        if rng.random() < 0.25:  # starts, or stops, within the motion
            stride *= ease(end * (times - rng.uniform(0, times[-1])) / 0.8)
    run = np.full(len(times), rng.uniform(0.5, 1.0) if runs else 0.0)
    angles = gait_angles(phase, stride, run, rng.choice([0.15, 1.0]) * rng.uniform(0.5, 1.8))
    limp = 1 + rng.choice([0, 0.15]) * np.clip(rng.normal(size=len(ANGLES)), -2, 2) * _LEGS
    label = "run" if runs else "walk"
    return Gait(angles * limp, flight(phase, stride, run), stride > 0.5 * full, label)


def dance(rng: Generator, times: DoubleArray, calm: DoubleArray) -> DoubleArray:
    """F×32: all joints swing to one beat, each with its own share of the beat and its half."""
    beat = rng.uniform(0.5, 1.1) * 2 * np.pi * times[:, None]
    amount = SWING * rng.choice([0, 0.06, 0.15, 0.3], size=len(ANGLES), p=[0.3, 0.3, 0.25, 0.15])
    shift = rng.uniform(0, 2 * np.pi, (2, len(ANGLES)))
    swing = amount * (np.sin(beat + shift[0]) + rng.uniform(0, 0.5) * np.sin(2 * beat + shift[1]))
    return np.asarray(np.where(_CALMED, calm[:, None] * swing, swing) * rng.uniform(0.5, 1))


def hops(rng: Generator, times: DoubleArray, steps: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
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


def waving(rng: Generator, times: DoubleArray) -> DoubleArray:
    """F×32: one arm swings to and fro for a while, at the elbow and about the upper arm."""
    beat = 2 * np.pi * rng.uniform(0.8, 2.8) * times
    start = rng.uniform(0, times[-1])
    on = ease((times - start) / 0.5) * ease((start + rng.uniform(1, 5) - times) / 0.5)
    angles = np.zeros((len(times), len(ANGLES)))
    side = rng.choice(["l", "r"])
    for name, most in (("arm_twist", 45), ("elbow", 40), ("arm_abduct", 25), ("wrist", 25)):
        swing = np.radians(most) * rng.uniform(0, 1) * np.sin(beat + rng.uniform(0, 0.8))
        angles[:, ANGLE_INDEX[f"{side}_{name}"]] = on * swing
    return angles


def strikes(rng: Generator, times: DoubleArray) -> DoubleArray:
    """F×32: throws, punches, snatches: an arm shoots somewhere and comes back, one to four times."""
    angles = np.zeros((len(times), len(ANGLES)))
    for _ in range(rng.integers(1, 5)):
        start, away, back = rng.uniform(0, times[-1]), rng.uniform(0.18, 0.45), rng.uniform(0.3, 0.9)
        share = ease((times - start) / away) * ease((start + away + back - times) / back)
        side = rng.choice(["l", "r"])
        for name, most in (("arm_flex", 90), ("arm_abduct", 50), ("arm_twist", 50), ("elbow", 80)):
            angles[:, ANGLE_INDEX[f"{side}_{name}"]] += np.radians(most) * rng.uniform(-1, 1) * share
    return angles
