"""Postures of the whole body and of the arms, as ranges of joint angles in degrees."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import DoubleArray
from despite_ros.simulation.articulation import ANGLE_INDEX, ANGLES, SIDED

Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Posture:
    """Ranges of angles (degrees) that a posture's pose is drawn from; others are near 0.

    A name without side stands for both sides. label: of ACTIVITIES, or "". weight: how often it is drawn.
    steps: whether the legs can walk in it. seat: range of a seat's height (metres), none for the floor.
    flat: how much the feet keep flat on the floor, 0–1. calm: how much less the legs and pelvis move.
    """

    ranges: Ranges
    label: str = ""
    weight: float = 1.0
    steps: bool = False
    seat: tuple[float, float] | None = None
    flat: float = 0.0
    calm: float = 1.0

    @property
    def leans_on_arms(self) -> bool:
        """Whether it says where the arms are; in others they are free."""
        return "arm_flex" in self.ranges

    def draw(self, rng: Generator) -> DoubleArray:
        """One pose: 32 angles in radians, left and right drawn apart, now and then mirrored as a whole."""
        pose = draw_ranges(rng, self.ranges)
        return swap_sides(pose) if rng.random() < 0.5 else pose


def _ranges(text: str) -> dict[str, tuple[float, float]]:
    """`"knee 0..90  elbow 5..30"` (degrees) → {"knee": (0, 90), "elbow": (5, 30)}."""
    entries = (entry.split() for entry in text.split("  "))
    return {name: (float(low), float(high)) for name, (low, high) in ((n, r.split("..")) for n, r in entries)}


_UPRIGHT = _ranges("hip_flex -4..10  hip_abduct -1..9  hip_turn -6..13  knee 1..12  chest_bend -5..15")

POSTURES: Mapping[str, Posture] = {
    "stand": Posture(
        _UPRIGHT | _ranges("chest_bend -5..10  pelvis_pitch -6..6  head_nod -10..20"),
        label="stand",
        weight=13,
        steps=True,
        flat=0.8,
    ),
    "stoop": Posture(
        _UPRIGHT | _ranges("hip_flex 5..25  knee 5..30  chest_bend 15..45  pelvis_pitch 5..20"),
        weight=2,
        steps=True,
        flat=0.8,
    ),
    "lean": Posture(
        _UPRIGHT | _ranges("pelvis_pitch -14..14  pelvis_roll -14..14  l_hip_flex -15..35  l_knee 5..70"),
        flat=0.7,
    ),
    "one leg": Posture(
        _UPRIGHT | _ranges("l_hip_flex 20..105  l_knee 10..120  l_hip_abduct -5..40  pelvis_roll -5..8"),
        flat=0.4,
    ),
    "bend": Posture(
        _ranges(
            "pelvis_pitch 20..75  chest_bend 15..60  hip_flex 25..80  knee 3..45  hip_abduct 0..12  "
            "head_nod -25..20"
        ),
        label="bend",
        weight=1.6,
        flat=0.9,
        calm=0.5,
    ),
    "squat": Posture(
        _ranges(
            "pelvis_pitch 5..40  chest_bend 5..40  hip_flex 70..118  knee 85..140  hip_abduct 5..30  "
            "hip_turn 0..25"
        ),
        label="squat",
        weight=1.4,
        flat=0.9,
        calm=0.6,
    ),
    "half squat": Posture(
        _ranges("pelvis_pitch 0..30  chest_bend 5..35  hip_flex 25..70  knee 30..85  hip_abduct 0..25"),
        label="squat",
        steps=True,
        flat=0.9,
    ),
    "lunge": Posture(
        _ranges(
            "pelvis_pitch 0..25  l_hip_flex 40..90  l_knee 40..95  r_hip_flex -20..15  r_knee 5..60  "
            "chest_bend 0..25"
        ),
        weight=0.8,
        flat=0.7,
        calm=0.6,
    ),
    "sit": Posture(
        _ranges(
            "pelvis_pitch -20..12  chest_bend 0..35  hip_flex 72..98  knee 55..110  hip_abduct -2..28  "
            "hip_turn -5..25  head_nod -10..35"
        ),
        label="sit",
        weight=2.5,
        seat=(0.36, 0.52),
        flat=0.7,
        calm=0.3,
    ),
    "sit, legs crossed": Posture(
        _ranges(
            "pelvis_pitch -20..5  chest_bend 5..35  l_hip_flex 85..105  r_hip_flex 70..90  "
            "l_hip_abduct -12..0  r_hip_abduct -5..5  l_knee 55..95  r_knee 70..100"
        ),
        label="sit",
        weight=0.5,
        seat=(0.38, 0.5),
        flat=0.3,
        calm=0.2,
    ),
    "sit on the floor": Posture(
        _ranges("pelvis_pitch -25..10  chest_bend 5..40  hip_flex 65..110  knee 3..110  hip_abduct 0..30"),
        label="sit",
        weight=0.8,
        flat=0.2,
        calm=0.4,
    ),
    "sit cross-legged": Posture(
        _ranges(
            "pelvis_pitch -15..10  chest_bend 5..35  hip_flex 78..100  hip_abduct 35..50  hip_turn 20..45  "
            "knee 100..130"
        ),
        label="sit",
        weight=0.5,
        calm=0.2,
    ),
    "kneel": Posture(
        _ranges(
            "pelvis_pitch -5..25  chest_bend 0..40  hip_flex 0..30  knee 80..115  ankle 10..45  "
            "hip_abduct 0..15"
        ),
        weight=0.7,
        calm=0.4,
    ),
    "sit on the heels": Posture(
        _ranges(
            "pelvis_pitch -5..25  chest_bend 0..30  hip_flex 55..90  knee 130..145  ankle 25..45  "
            "hip_abduct 0..15"
        ),
        weight=0.4,
        calm=0.3,
    ),
    "kneel on one knee": Posture(
        _ranges(
            "pelvis_pitch -5..25  chest_bend 0..35  l_hip_flex 70..100  l_knee 75..105  r_hip_flex -10..25  "
            "r_knee 75..105  r_ankle -25..45  hip_abduct 0..12"
        ),
        weight=0.7,
        flat=0.5,
        calm=0.3,
    ),
    "crawl": Posture(
        _ranges(
            "pelvis_pitch 70..95  chest_bend -10..15  hip_flex 65..100  knee 70..100  ankle 10..45  "
            "arm_flex 70..100  arm_abduct 0..18  elbow 0..25  head_nod -35..10"
        ),
        weight=0.9,
        steps=True,
        calm=0.4,
    ),
    "lie on the back": Posture(
        _ranges(
            "pelvis_pitch -97..-82  hip_flex -5..45  knee 0..95  hip_abduct 0..25  chest_bend -5..12  "
            "head_nod -5..25  ankle 5..35"
        ),
        label="lie",
        weight=0.8,
        calm=0.4,
    ),
    "lie on the front": Posture(
        _ranges(
            "pelvis_pitch 82..97  hip_flex -10..10  knee 0..60  hip_abduct 0..25  chest_bend -18..5  "
            "ankle 15..45"
        ),
        label="lie",
        weight=0.5,
        calm=0.4,
    ),
    "lie on the side": Posture(
        _ranges(
            "pelvis_pitch -95..-85  pelvis_spin 75..105  hip_flex 5..80  knee 5..110  chest_bend 0..30  "
            "ankle 5..35"
        ),
        label="lie",
        weight=0.6,
        calm=0.3,
    ),
}
"""Posture → where its angles lie; one-sided ones are mirrored on half of the draws."""

ARMS: Mapping[str, tuple[float, Ranges]] = {
    "hang": (
        8,
        _ranges("arm_flex -12..15  arm_abduct 4..20  arm_twist -20..28  elbow 10..40  pronation -40..38"),
    ),
    "free": (
        3,
        _ranges(
            "arm_flex -40..150  arm_abduct -10..110  arm_twist -50..75  elbow 3..135  pronation -50..70  "
            "wrist -40..40"
        ),
    ),
    "hands in front": (
        1.5,
        _ranges("arm_flex 0..40  arm_abduct 0..20  arm_twist 15..65  elbow 50..110  pronation -20..70"),
    ),
    "carry": (
        1,
        _ranges("arm_flex 5..35  arm_abduct 0..12  arm_twist -5..20  elbow 75..105  pronation -60..0"),
    ),
    "arms crossed": (0.4, _ranges("arm_flex 22..35  arm_abduct 0..12  arm_twist 60..80  elbow 95..115")),
    "hands on the hips": (
        0.4,
        _ranges("arm_flex -25..-5  arm_abduct 35..55  arm_twist 45..75  elbow 80..105"),
    ),
    "hands behind": (0.3, _ranges("arm_flex -45..-28  arm_abduct 5..15  arm_twist 35..70  elbow 25..60")),
    "phone": (
        0.7,
        _ranges("arm_flex 15..60  arm_abduct 0..40  arm_twist -10..45  elbow 110..142  wrist -20..20"),
    ),
    "reach": (
        1.5,
        _ranges("arm_flex 40..165  arm_abduct -15..60  arm_twist -20..30  elbow 0..45  pronation -40..60"),
    ),
    "raise": (0.8, _ranges("arm_flex 100..165  arm_abduct -5..50  arm_twist -30..30  elbow 0..80")),
    "sideways": (0.8, _ranges("arm_flex -20..40  arm_abduct 50..115  arm_twist -40..40  elbow 0..100")),
}
"""Arm posture → how often it is drawn, and ranges relative to the chest."""


def draw_ranges(rng: Generator, ranges: Ranges) -> DoubleArray:
    """32 angles (radians) drawn within ranges (degrees), 0 elsewhere; sideless names draw each side apart."""
    pose = np.zeros(len(ANGLES))
    for name, (low, high) in ranges.items():
        for full in (f"l_{name}", f"r_{name}") if name in SIDED else (name,):
            pose[ANGLE_INDEX[full]] = np.radians(rng.uniform(low, high))
    return pose


def draw_arms(rng: Generator) -> DoubleArray:
    """32 angles (radians) of which only the arms' are not 0; both arms alike on half of the draws."""
    weights = np.array([weight for weight, _ in ARMS.values()])
    left, right = rng.choice(len(ARMS), 2, p=weights / weights.sum())
    kinds = list(ARMS.values())
    both = rng.random() < 0.5
    left_pose = draw_ranges(rng, kinds[left][1])
    right_pose = draw_ranges(rng, kinds[left if both else right][1])
    return np.where([name.startswith("l_") for name in ANGLES], left_pose, right_pose)


def swap_sides(pose: DoubleArray) -> DoubleArray:
    """…×32 angles of the mirrored pose."""
    return np.asarray(pose[..., _OTHER_SIDE] * _MIRRORED)


_OTHER_SIDE = [ANGLE_INDEX[{"l_": "r_", "r_": "l_"}.get(name[:2], name[:2]) + name[2:]] for name in ANGLES]
_MIRRORED = np.array(
    [
        -1.0 if name.split("_")[-1] in ("turn", "roll", "spin", "side", "tilt") and name[1] != "_" else 1.0
        for name in ANGLES
    ]
)
