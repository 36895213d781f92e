"""Everyday activities made of a few parameters, each starting and ending with standing at ease.

They need no data, are told apart by anybody who sees them, and differ from person to person (`Style`). Their
label counts while they are done; getting into them and out of them again has none.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import DoubleArray
from despite_ros.simulation.articulation import ANGLE_INDEX, ANGLES, SIDED
from despite_ros.simulation.contacts import RADII
from despite_ros.simulation.gait import flight, gait_angles
from despite_ros.simulation.noise import ease
from despite_ros.simulation.posing import keep_feet_flat, motion_of
from despite_ros.simulation.skeleton import JOINT_INDEX, MOTION_RATE, Motion, Span
from despite_ros.simulation.style import Style

Activity = Callable[[Generator, float, Style], Motion]
DONE = 0.7  # of an activity's pose, or of its pace, is that activity


def stand(rng: Generator, seconds: float, style: Style) -> Motion:
    """Stand at ease, looking about, shifting weight."""
    frames = len(_times(seconds))
    return _motion("stand", rng, style, np.zeros((frames, len(ANGLES))), np.ones(frames))


def walk(rng: Generator, seconds: float, style: Style, turn: float | None = None, run: float = 0.0) -> Motion:
    """Walk (run = 0) to jog (run = 1), first turning by `turn` radians (None: at random)."""
    times = _times(seconds)
    turn = rng.normal(0, 0.7) if turn is None else turn
    moving = ease(times / 0.9) * ease((seconds - times) / 0.9)
    pace = style.strides * (1.0 + 0.45 * run) * (0.55 + 0.45 * moving)
    phase = rng.choice((0, np.pi)) + np.pi / 2 + 2 * np.pi * np.cumsum(pace) / MOTION_RATE
    stride, running = style.stride * moving, np.full(len(times), run)
    angles = gait_angles(phase, stride, running, style.swing) * style.gait
    angles[:, ANGLE_INDEX["pelvis_turn"]] += turn * ease((times - 0.3) / (0.8 + abs(turn)))
    label = "run" if run > 0.5 else "walk"
    return _motion(label, rng, style, angles, moving, lift=flight(phase, stride, running), gait=True)


def jog(rng: Generator, seconds: float, style: Style, turn: float | None = None) -> Motion:
    """Run at an easy pace."""
    return walk(rng, seconds, style, turn, run=rng.uniform(0.75, 1.0))


def turn(rng: Generator, seconds: float, style: Style, angle: float | None = None) -> Motion:
    """Turn on the spot with small steps, by `angle` radians (None: a quarter to one and a half turns)."""
    times = _times(seconds)
    angle = rng.choice((-1, 1)) * rng.uniform(0.25, 1.5) * 2 * np.pi if angle is None else angle
    moving = ease(times / 0.6) * ease((seconds - times) / 0.6)
    phase = np.pi / 2 + 2 * np.pi * style.strides * np.cumsum(moving) / MOTION_RATE
    angles = gait_angles(phase, 0.12 * moving, np.zeros(len(times)), 0.4)
    angles[:, ANGLE_INDEX["pelvis_turn"]] += angle * np.cumsum(moving) / moving.sum()
    return _motion("turn", rng, style, angles, moving, gait=True)


def sit(rng: Generator, seconds: float, style: Style) -> Motion:
    """Sit down on a chair of fitting height, sit, get up."""
    pose = _pose(hip_flex=rng.uniform(80, 92), knee=rng.uniform(80, 95), hip_abduct=rng.uniform(2, 12))
    pose += _pose(
        pelvis_pitch=rng.uniform(-10, 4), chest_bend=rng.uniform(0, 20), arm_flex=rng.uniform(15, 35)
    )
    pose += _pose(elbow=rng.uniform(30, 65), arm_twist=rng.uniform(5, 30))
    down = rng.uniform(1.2, 1.8) / style.tempo
    shares = _held(seconds, down)
    passing = 4 * shares * (1 - shares)  # leaning forward on the way, so that the weight stays over the feet
    angles = shares[:, None] * pose + passing[:, None] * _pose(pelvis_pitch=28, hip_flex=24, chest_bend=10)
    leg = -float(style.offsets["l_ankle"][2] + style.offsets["l_hip"][2])
    level = leg + RADII[JOINT_INDEX["l_ankle"]] - RADII[JOINT_INDEX["pelvis"]]  # so that the thighs are
    return _motion("sit", rng, style, angles, shares, seat=np.full(len(angles), level))


def squat(rng: Generator, seconds: float, style: Style) -> Motion:
    """Squat again and again, or once for long."""
    depth = rng.uniform(0.6, 1.0)
    pose = depth * _pose(hip_flex=100, knee=118, pelvis_pitch=22, chest_bend=12, hip_abduct=10)
    pose += _pose(arm_flex=rng.uniform(0, 85), elbow=rng.uniform(0, 30))
    times = _times(seconds)
    if rng.random() < 0.7:
        period = rng.uniform(1.6, 2.6) / style.tempo
        count = max(1, round((seconds - 0.4) / period))
        shares = np.sin(np.pi * count * np.clip((times - 0.2) / (seconds - 0.4), 0, 1)) ** 2
    else:
        shares = _held(seconds, 1.0 / style.tempo)
    return _motion("squat", rng, style, shares[:, None] * pose, shares)


def wave(rng: Generator, seconds: float, style: Style) -> Motion:
    """Wave with the preferred hand, beside the head or above it."""
    raised = _pose(style.side, arm_flex=rng.uniform(20, 60), arm_abduct=rng.uniform(45, 95))
    raised += _pose(style.side, arm_twist=rng.uniform(-60, -35), elbow=rng.uniform(60, 115))
    shares = _held(seconds, rng.uniform(0.6, 0.9) / style.tempo)
    beat = np.sin(2 * np.pi * rng.uniform(1.1, 2.2) * style.tempo * _times(seconds))
    to_and_fro = _pose(style.side, arm_twist=rng.uniform(8, 28), elbow=rng.uniform(5, 22), wrist=15)
    angles = shares[:, None] * (raised + beat[:, None] * to_and_fro)
    return _motion("wave", rng, style, angles, shares)


def reach(rng: Generator, seconds: float, style: Style) -> Motion:
    """Reach for things at various places, one after the other, mostly with the preferred hand."""
    goals = []
    for _ in range(max(1, round(seconds / (2.2 / style.tempo)))):
        side = style.side if rng.random() < 0.75 else "lr".replace(style.side, "")
        goal = _pose(
            side, arm_flex=rng.uniform(45, 150), arm_abduct=rng.uniform(-10, 40), elbow=rng.uniform(0, 15)
        )
        lean = _pose(pelvis_pitch=rng.uniform(0, 10), hip_flex=10, chest_bend=rng.uniform(0, 15))
        goals.append(goal + lean + _pose(chest_turn=rng.uniform(0, 25) * (-1 if side == "l" else 1)))
    shares = _visits(seconds, len(goals))
    return _motion("reach", rng, style, shares @ np.stack(goals), shares.max(axis=1))


def bend(rng: Generator, seconds: float, style: Style) -> Motion:
    """Bend down to the floor and come up again, once or a few times."""
    goals = []
    for _ in range(max(1, round(seconds / (3.0 / style.tempo)))):
        pitch, knee = rng.uniform(35, 65), rng.uniform(5, 45)
        goal = _pose(
            pelvis_pitch=pitch, hip_flex=pitch + 0.6 * knee, knee=knee, chest_bend=rng.uniform(20, 50)
        )
        goals.append(goal + _pose(style.side, arm_flex=rng.uniform(40, 80), elbow=rng.uniform(-5, 10)))
    shares = _visits(seconds, len(goals))
    return _motion("bend", rng, style, shares @ np.stack(goals), shares.max(axis=1))


def lie(rng: Generator, seconds: float, style: Style) -> Motion:
    """Crouch, sit back, lie on the back, and get up again the same way."""
    crouch = _pose(hip_flex=105, knee=130, pelvis_pitch=20, chest_bend=25, arm_flex=10)
    seated = _pose(hip_flex=95, knee=90, pelvis_pitch=-12, chest_bend=30, arm_flex=-25, elbow=15)
    flat = _pose(hip_flex=rng.uniform(0, 35), knee=rng.uniform(0, 70), pelvis_pitch=-88, head_nod=10)
    flat += _pose(arm_abduct=rng.uniform(0, 30))
    step = min(1.3 / style.tempo, seconds / 8)
    down = np.array([0.0, 1.0, 2.0, 3.2]) * step
    keys = [(0.0, 0 * flat), *zip(down[1:], (crouch, seated, flat), strict=True)]
    keys += [(seconds - t, pose) for t, pose in reversed(keys)]
    times = _times(seconds) - down[2]  # since sitting on the floor
    lying = ease(times / (1.2 * step)) * ease((seconds - 2 * down[2] - times) / (1.2 * step))
    return _motion("lie", rng, style, _through(seconds, keys), lying)


def jump(rng: Generator, seconds: float, style: Style) -> Motion:
    """Jump on the spot, again and again."""
    times, height = _times(seconds), rng.uniform(0.08, 0.25)
    air = np.sqrt(8 * height / 9.81)  # seconds in free fall, up and down
    count = max(1, int((seconds - 0.6) / (air + rng.uniform(0.7, 1.1) / style.tempo)))
    period = (seconds - 0.6) / count
    since = np.mod(times - 0.3, period)  # on the ground first, then in the air
    inside = (times >= 0.3) & (times < seconds - 0.3)
    rise = (since - (period - air)) / air
    lift = np.where(inside, height * np.maximum(0, 1 - (2 * rise - 1) ** 2), 0)
    crouch = np.where(inside, np.sin(np.pi * np.minimum(since / (period - air), 1)) ** 2, 0)
    pose = rng.uniform(0.4, 0.8) * _pose(hip_flex=75, knee=95, pelvis_pitch=25, arm_flex=-40)
    return _motion("jump", rng, style, crouch[:, None] * pose, np.where(inside, 1.0, 0.0), lift=lift)


PARAMETRIC: dict[str, Activity] = {
    "stand": stand, "walk": walk, "run": jog, "turn": turn, "sit": sit, "squat": squat,
    "wave": wave, "reach": reach, "bend": bend, "lie": lie, "jump": jump,
}  # fmt: skip
"""Label of ACTIVITIES → the activity: (rng, seconds, style) → a motion that starts and ends standing."""


def _motion(
    label: str,
    rng: Generator,
    style: Style,
    angles: DoubleArray,
    doing: DoubleArray,
    lift: DoubleArray | None = None,
    seat: DoubleArray | None = None,
    gait: bool = False,
) -> Motion:
    """An activity's angles on top of standing at ease. gait: the angles bring the ankles' along.

    doing: F, how far the activity is taken up; its label counts from the first to the last frame in which
    that is `DONE` of the most.
    """
    rest, flat = style.at_ease(rng, len(angles)), np.ones(len(angles))
    total = keep_feet_flat(rest, flat) + angles if gait else keep_feet_flat(rest + angles, flat)
    begin, end = np.flatnonzero(doing >= DONE * doing.max())[[0, -1]] / MOTION_RATE
    motion = motion_of(total, style.offsets, lift, seat, (Span(float(begin), float(end), label),))
    return replace(motion, name=label, source="parametric", licence="Apache-2.0")


def _times(seconds: float) -> DoubleArray:
    return np.arange(round(seconds * MOTION_RATE) + 1) / MOTION_RATE


def _pose(side: str = "lr", **degrees: float) -> DoubleArray:
    """32 angles (radians) with some set; sideless names of sided angles set the sides given."""
    pose = np.zeros(len(ANGLES))
    for name, value in degrees.items():
        for full in [f"{s}_{name}" for s in side] if name in SIDED else [name]:
            pose[ANGLE_INDEX[full]] = np.radians(value)
    return pose


def _held(seconds: float, change: float) -> DoubleArray:
    """F shares: from 0 to 1 in `change` seconds, held, and back."""
    times = _times(seconds)
    change = min(change, seconds / 2)
    return ease(times / change) * ease((seconds - times) / change)


def _visits(seconds: float, goals: int) -> DoubleArray:
    """F×goals shares: to each goal and back, one after the other."""
    progress = _times(seconds) / seconds * goals
    return np.stack([ease((progress - i) / 0.35) * ease((i + 1 - progress) / 0.35) for i in range(goals)], 1)


def _through(seconds: float, keys: Sequence[tuple[float, DoubleArray]]) -> DoubleArray:
    """F×32: from one key pose (seconds, angles) to the next along minimum-jerk curves."""
    times = _times(seconds)
    angles = np.tile(keys[0][1], (len(times), 1))
    for (start, before), (end, after) in pairwise(keys):
        angles += ease((times - start) / max(end - start, 1e-6))[:, None] * (after - before)
    return angles
