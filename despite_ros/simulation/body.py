"""A closed human shape on the skeleton: rounded cones with elliptic cross-sections, no licensed body model.

Measures are those of a person of 1.75 m; they grow with the skeleton's own size, with girth and with
clothing. One primitive does for everything: the hull of two spheres, stretched along its own axes.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray, IntArray
from despite_ros.simulation.anatomy import Build, Part, Weights, parts_of
from despite_ros.simulation.skeleton import JOINT_INDEX, JOINTS, Motion

REFERENCE_LENGTH = 1.34  # metres: thigh, shank and hips to neck of the person of 1.75 m


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
class Body:
    """A body that takes any motion's pose."""

    build: Build = field(default_factory=Build)

    @staticmethod
    def random(rng: np.random.Generator) -> "Body":
        """Somebody: build, clothing, hair and carried things at random."""
        return Body(Build.random(rng))

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


@lru_cache(maxsize=256)
def _layout(build: Build, size: float) -> "_Layout":
    return _Layout.of(tuple(parts_of(build)), size)


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
