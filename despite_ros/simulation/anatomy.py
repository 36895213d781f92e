"""What a human body is made of, as parts between landmarks of the skeleton, and how people differ.

Measures are those of a person of 1.75 m.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from despite_ros.simulation.skeleton import BONE_INDEX

Offset = tuple[float, float, float]
Weights = Mapping[str, float]

WORLD = len(BONE_INDEX)  # index of the identity that is appended to the bones: things that hang plumb
X_AXIS: Offset = (1.0, 0.0, 0.0)
Y_AXIS: Offset = (0.0, 1.0, 0.0)
Z_AXIS: Offset = (0.0, 0.0, 1.0)
HIPS: Weights = {"l_hip": 0.5, "r_hip": 0.5}
SHOULDERS: Weights = {"l_shoulder": 0.5, "r_shoulder": 0.5}
KNEES: Weights = {"l_knee": 0.5, "r_knee": 0.5}


@dataclass(frozen=True)
class Part:
    """A rounded cone between two landmarks: weighted joints plus offsets in a bone's frame (metres).

    radii: at both ends, metres, across `flat`. flat: the bone's axis along which the cross-section
    is `flatness` times as wide. cap: how far the ends bulge, in radii.
    """

    bone: int
    start: Weights
    end: Weights
    radii: tuple[float, float]
    start_offset: Offset = (0.0, 0.0, 0.0)
    end_offset: Offset = (0.0, 0.0, 0.0)
    flat: Offset = X_AXIS
    flatness: float = 1.0
    cap: float = 1.0


@dataclass(frozen=True)
class Build:
    """What makes one person differ from another. Factors are relative to a slim adult."""

    girth: float = 1.0
    limbs: float = 1.0
    head: float = 1.0
    jacket: float = 0.01  # metres of cloth on trunk and arms
    trousers: float = 0.01  # metres of cloth on the legs
    coat: float = 0.0  # radius of a skirt's or coat's hem, metres; 0 for none
    hair: float = 0.0  # length of hair down the neck, metres
    hat: float = 0.0  # thickness of hat or hair on the head, metres
    backpack: float = 0.0  # thickness, metres; 0 for none
    shoulder_bag: float = 0.0  # radius, metres; negative on the right hip, 0 for none
    hand_bag: float = 0.0  # radius, metres; negative in the right hand, 0 for none

    @staticmethod
    def random(rng: np.random.Generator) -> "Build":
        """Somebody's."""

        def some(chance: float, low: float, high: float) -> float:
            return rng.uniform(low, high) if rng.random() < chance else 0.0

        side = rng.choice((-1.0, 1.0))
        return Build(
            girth=float(np.clip(np.exp(rng.normal(0.04, 0.12)), 0.82, 1.45)),
            limbs=float(np.clip(np.exp(rng.normal(0.02, 0.09)), 0.82, 1.3)),
            head=rng.uniform(0.94, 1.06),
            jacket=rng.uniform(0.005, 0.035),
            trousers=rng.uniform(0.002, 0.018),
            coat=some(0.12, 0.19, 0.28),
            hair=some(0.3, 0.05, 0.25),
            hat=some(0.5, 0.01, 0.04),
            backpack=some(0.15, 0.10, 0.22),
            shoulder_bag=side * some(0.1, 0.10, 0.17),
            hand_bag=side * some(0.1, 0.08, 0.18),
        )


def parts_of(build: Build) -> Iterator[Part]:
    """All parts of a body, clothes and carried things included."""
    yield from _trunk(build)
    yield from _head(build)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        yield from _arm(build, side, sign)
        yield from _leg(build, side)
    yield from _carried(build)


def _trunk(build: Build) -> Iterator[Part]:
    pelvis, chest = BONE_INDEX["pelvis"], BONE_INDEX["chest"]

    def wide(radius: float) -> float:
        return radius * build.girth + build.jacket

    low, high = (0.0, 0.0, -0.02), (0.0, 0.0, 0.10)
    depth = 0.70 * build.girth**0.5  # who is stout is so to the front
    yield Part(pelvis, HIPS, HIPS, (wide(0.160), wide(0.150)), low, high, flatness=depth, cap=0.6)
    waist = {"spine1": 1.0}
    ribs = (0.0, 0.0, -0.20)
    yield Part(chest, waist, SHOULDERS, (wide(0.140), wide(0.150)), end_offset=ribs, flatness=depth, cap=0.8)
    top = (0.0, 0.0, -0.07)
    yield Part(chest, SHOULDERS, SHOULDERS, (wide(0.155), wide(0.150)), ribs, top, flatness=depth, cap=0.6)
    collar = (0.0, 0.0, 0.07)
    yield Part(chest, SHOULDERS, SHOULDERS, (0.13, 0.06), end_offset=collar, flatness=0.6, cap=0.5)
    shoulder = 0.058 * build.limbs + build.jacket
    yield Part(chest, {"l_shoulder": 1.0}, {"r_shoulder": 1.0}, (shoulder, shoulder))
    if build.coat:
        hem = (wide(0.155), build.coat)
        yield Part(pelvis, HIPS, KNEES, hem, high, (0.0, 0.0, 0.04), flatness=0.75, cap=0.2)


def _head(build: Build) -> Iterator[Part]:
    head = BONE_INDEX["head"]
    neck: Weights = {"neck": 1.0}
    size = 0.076 * build.head
    yield Part(head, SHOULDERS, neck, (0.065 + build.jacket, 0.052), end_offset=(0.01, 0.0, 0.08))
    yield Part(head, neck, neck, (size, size), (0.025, 0.0, 0.13), (0.02, 0.0, 0.175), flatness=1.2)
    if build.hat or build.hair:
        crown = size + build.hat
        yield Part(head, neck, neck, (crown, crown), (-0.01, 0.0, 0.17), (0.01, 0.0, 0.19), flatness=1.15)
    if build.hair:
        yield Part(head, neck, neck, (0.075, 0.05), (-0.03, 0.0, 0.15), (-0.06, 0.0, 0.12 - build.hair))


def _arm(build: Build, side: str, sign: float) -> Iterator[Part]:
    shoulder, elbow, wrist = ({f"{side}_{name}": 1.0} for name in ("shoulder", "elbow", "wrist"))
    fingers = {f"{side}_wrist": -0.7, f"{side}_hand": 1.7}

    def thick(radius: float) -> float:
        return radius * build.limbs + 0.6 * build.jacket

    yield Part(BONE_INDEX[f"{side}_upperarm"], shoulder, elbow, (thick(0.053), thick(0.042)))
    yield Part(BONE_INDEX[f"{side}_forearm"], elbow, wrist, (thick(0.042), thick(0.028)))
    yield Part(BONE_INDEX[f"{side}_hand"], wrist, fingers, (0.040, 0.034), flat=Z_AXIS, flatness=0.5)


def _leg(build: Build, side: str) -> Iterator[Part]:
    hip, knee, ankle = ({f"{side}_{name}": 1.0} for name in ("hip", "knee", "ankle"))
    calf_top, calf_end = ({f"{side}_knee": 1 - f, f"{side}_ankle": f} for f in (0.15, 0.45))

    def thick(radius: float) -> float:
        return radius * build.limbs + build.trousers

    shank, foot = BONE_INDEX[f"{side}_shank"], BONE_INDEX[f"{side}_foot"]
    yield Part(BONE_INDEX[f"{side}_thigh"], hip, knee, (thick(0.080), thick(0.048)))
    yield Part(shank, knee, ankle, (thick(0.046), thick(0.033)))
    behind = (-0.015, 0.0, 0.0)
    yield Part(shank, calf_top, calf_end, (thick(0.045), thick(0.042)), behind, behind)
    heel, toe = (-0.045, 0.0, -0.035), (0.165, 0.0, -0.045)
    yield Part(foot, ankle, ankle, (0.040, 0.038), heel, toe, flat=Z_AXIS, flatness=0.85)


def _carried(build: Build) -> Iterator[Part]:
    chest = BONE_INDEX["chest"]
    if build.backpack:
        behind = -0.11 * build.girth - build.backpack / 2
        low, high = (behind, 0.0, -0.36), (behind, 0.0, -0.08)
        flatness = build.backpack / 2 / 0.15
        yield Part(chest, SHOULDERS, SHOULDERS, (0.15, 0.13), low, high, flatness=flatness, cap=0.4)
    if build.shoulder_bag:
        out = float(np.sign(build.shoulder_bag)) * 0.2 * build.girth
        radius = abs(build.shoulder_bag)
        low, high = (0.0, out, -0.12), (0.0, out, 0.02)
        yield Part(BONE_INDEX["pelvis"], HIPS, HIPS, (radius, radius), low, high, Y_AXIS, 0.4, 0.5)
    if build.hand_bag:
        hand = {"l_hand" if build.hand_bag > 0 else "r_hand": 1.0}
        radius = abs(build.hand_bag)
        low, high = (0.0, 0.0, -0.30), (0.0, 0.0, -0.12)
        yield Part(WORLD, hand, hand, (radius, 0.8 * radius), low, high, Y_AXIS, 0.45, 0.5)
