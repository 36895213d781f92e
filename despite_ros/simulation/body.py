"""A closed human shape on the skeleton: rounded cones with elliptic cross-sections, no licensed body model.

Measures are those of a person of 1.75 m; they grow with the skeleton's own size, with girth and with
clothing. One primitive does for everything: the hull of two spheres, stretched along its own axes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray, IntArray
from despite_ros.simulation.skeleton import BONE_INDEX, JOINT_INDEX, JOINTS, Motion

Offset = tuple[float, float, float]
Weights = Mapping[str, float]

WORLD = len(BONE_INDEX)  # index of the identity that is appended to the bones: things that hang plumb
REFERENCE_LENGTH = 1.34  # metres: thigh, shank and hips to neck of the person of 1.75 m
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
class Primitives:
    """Posed rounded cones of one person at T times, P primitives each; metres, world.

    In its local frame, to_local · (x − origins), a primitive is the hull of a sphere of radius
    radii[:, 0] about 0 and one of radii[:, 1] about (0, 0, height).
    """

    origins: DoubleArray  # T×P×3
    ends: DoubleArray  # T×P×3, the other end
    to_local: DoubleArray  # T×P×3×3
    heights: DoubleArray  # T×P
    velocities: DoubleArray  # T×P×3 m/s
    radii: DoubleArray  # P×2, local
    reach: DoubleArray  # P×2, the largest extent around both ends in the world


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


@dataclass(frozen=True)
class Body:
    """A body that takes any motion's pose."""

    build: Build = field(default_factory=Build)

    @staticmethod
    def random(rng: np.random.Generator) -> "Body":
        """Somebody: build, clothing, hair and carried things at random."""

        def some(chance: float, low: float, high: float) -> float:
            return rng.uniform(low, high) if rng.random() < chance else 0.0

        side = rng.choice((-1.0, 1.0))
        return Body(
            Build(
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
        )

    def surfaces(self, motion: Motion, times: AnyArray) -> Primitives:
        """The body's primitives at `times` (T seconds from the motion's start; held at its ends)."""
        layout = _layout(self.build, stature(motion))
        step = 0.5 / motion.rate
        before, after = (layout.ends(motion, np.asarray(times, np.float64) + side * step) for side in (-1, 1))
        origins, ends, rotation = ((a + b) / 2 for a, b in zip(before, after, strict=True))
        return layout.posed(origins, ends, rotation, (after[0] - before[0]) / (2 * step))


def stature(motion: Motion) -> float:
    """The skeleton's size relative to a person of 1.75 m, from leg and trunk lengths."""
    middle = motion.joints[motion.frames // 2].astype(np.float64)
    joint = {name: middle[index] for name, index in JOINT_INDEX.items()}
    legs = [
        np.linalg.norm(joint[f"{side}_{upper}"] - joint[f"{side}_{lower}"])
        for side in "lr"
        for upper, lower in (("hip", "knee"), ("knee", "ankle"))
    ]
    trunk = np.linalg.norm((joint["l_hip"] + joint["r_hip"]) / 2 - joint["neck"])
    return float((sum(legs) / 2 + trunk) / REFERENCE_LENGTH)


def _parts(build: Build) -> Iterator[Part]:
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


@lru_cache(maxsize=256)
def _layout(build: Build, size: float) -> "_Layout":
    return _Layout.of(tuple(_parts(build)), size)


@dataclass(frozen=True)
class _Layout:
    """A body's parts as arrays, at the size of one skeleton."""

    bones: IntArray  # P
    start_weights: DoubleArray  # P×24
    end_weights: DoubleArray
    start_offsets: DoubleArray  # P×3
    end_offsets: DoubleArray
    flat: DoubleArray  # P×3
    scales: DoubleArray  # P×3, local axes
    radii: DoubleArray  # P×2

    @staticmethod
    def of(parts: tuple[Part, ...], size: float) -> "_Layout":
        def weights(of: list[Weights]) -> DoubleArray:
            table = np.zeros((len(of), len(JOINTS)))
            for row, named in zip(table, of, strict=True):
                row[[JOINT_INDEX[name] for name in named]] = list(named.values())
            return table

        return _Layout(
            bones=np.array([part.bone for part in parts]),
            start_weights=weights([part.start for part in parts]),
            end_weights=weights([part.end for part in parts]),
            start_offsets=np.array([part.start_offset for part in parts]) * size,
            end_offsets=np.array([part.end_offset for part in parts]) * size,
            flat=np.array([part.flat for part in parts]),
            scales=np.array([(part.flatness, 1.0, part.cap) for part in parts]),
            radii=np.array([part.radii for part in parts]) * size,
        )

    def ends(self, motion: Motion, times: DoubleArray) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
        """Both ends T×P×3 of every part and its bone's orientation T×P×3×3 at T times."""
        joints, rotations = pose_at(motion, times)
        plumb = np.broadcast_to(np.eye(3), (len(times), 1, 3, 3))
        bones = np.concatenate([rotations, plumb], axis=1)[:, self.bones]
        start = self.start_weights @ joints + np.einsum("tpij,pj->tpi", bones, self.start_offsets)
        end = self.end_weights @ joints + np.einsum("tpij,pj->tpi", bones, self.end_offsets)
        return start, end, bones

    def posed(
        self, origins: DoubleArray, ends: DoubleArray, bones: DoubleArray, velocities: DoubleArray
    ) -> Primitives:
        """Local frames: z from one end to the other, x as near as can be to the part's flat axis."""
        axis = ends - origins
        length = np.linalg.norm(axis, axis=-1)
        z = axis / length[..., None]
        x = np.einsum("tpij,pj->tpi", bones, self.flat)
        x -= np.sum(x * z, axis=-1, keepdims=True) * z
        x /= np.linalg.norm(x, axis=-1, keepdims=True)
        frame = np.stack([x, np.cross(z, x), z], axis=-2)
        return Primitives(
            origins=origins,
            ends=ends,
            to_local=frame / self.scales[:, :, None],
            heights=length / self.scales[:, 2],
            velocities=velocities,
            radii=self.radii,
            reach=self.radii * self.scales.max(axis=1)[:, None],
        )


def pose_at(motion: Motion, times: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Joints T×24×3 and bone rotations T×15×3×3 at `times` (seconds), linear between the frames.

    Blended rotations are not orthonormal to second order in the turn of one frame, which is nothing
    to a shape; `imu.py` interpolates on the sphere.
    """
    position = np.clip(np.asarray(times) * motion.rate, 0, motion.frames - 1)
    first = np.minimum(position.astype(np.int64), max(motion.frames - 2, 0))
    second = np.minimum(first + 1, motion.frames - 1)
    share = position - first
    joints = _blend(motion.joints[first], motion.joints[second], share[:, None, None])
    rotations = _blend(motion.rotations[first], motion.rotations[second], share[:, None, None, None])
    return joints, rotations


def _blend(a: AnyArray, b: AnyArray, share: DoubleArray) -> DoubleArray:
    return np.asarray((1 - share) * a + share * b, np.float64)
