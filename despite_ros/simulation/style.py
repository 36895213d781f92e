"""What makes one person move differently from another: proportions, posture, gait, tempo."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.simulation.articulation import ANGLE_INDEX, ANGLES, random_offsets
from despite_ros.simulation.noise import smooth_noise
from despite_ros.simulation.postures import ARMS, POSTURES, draw_ranges, swap_sides
from despite_ros.simulation.skeleton import MOTION_RATE


@dataclass(frozen=True)
class Style:
    """A person's way of moving.

    offsets: the skeleton, as `place_joints` takes it. pose: 32 angles (radians) of standing at ease.
    strides: a second when walking. stride: of a usual step length. swing: of the arms, 1 is usual.
    tempo: of everything else, 1 is usual. restless: size of the small movements, 1 is usual.
    side: "l" or "r", the hand that waves and reaches. gait: 32 factors on the angles of a gait.
    """

    offsets: Mapping[str, FloatArray]
    pose: DoubleArray
    strides: float
    stride: float
    swing: float
    tempo: float
    restless: float
    side: str
    gait: DoubleArray

    @staticmethod
    def random(rng: Generator) -> "Style":
        """Somebody's. Both legs stand almost alike."""
        pose = draw_ranges(rng, POSTURES["stand"].ranges) + draw_ranges(rng, ARMS["hang"][1])
        legs = np.array(["hip" in name or "knee" in name for name in ANGLES])
        pose = np.where(legs, 0.55 * pose + 0.45 * swap_sides(pose), pose)
        for side in "lr":  # legs under the body, however the pelvis is tilted
            pose[ANGLE_INDEX[f"{side}_hip_flex"]] += pose[ANGLE_INDEX["pelvis_pitch"]]
        return Style(
            offsets=random_offsets(rng),
            pose=pose,
            strides=rng.uniform(0.72, 1.08),
            stride=rng.uniform(0.7, 1.15),
            swing=rng.uniform(0.4, 1.7),
            tempo=rng.uniform(0.75, 1.3),
            restless=np.exp(rng.normal(0, 0.4)),
            side="l" if rng.random() < 0.2 else "r",
            gait=np.clip(rng.normal(1, 0.08, len(ANGLES)), 0.85, 1.15),
        )

    def at_ease(self, rng: Generator, frames: int) -> DoubleArray:
        """F×32 angles of standing about: the pose with small slow movements."""
        tempo = np.exp(rng.uniform(np.log(0.12), np.log(0.6), len(ANGLES)))
        noise = smooth_noise(rng, frames, MOTION_RATE, tempo, rest=0.5)
        return np.asarray(self.pose + noise * np.radians(_RESTLESS) * self.restless)


_SIZES = {"pelvis": 0.9, "chest": 2.0, "head": 6.0, "hip": 0.9, "knee": 1.2, "ankle": 0.3}
_RESTLESS = np.array(
    [next((size for part, size in _SIZES.items() if part in name), 3.5) for name in ANGLES]
)  # degrees, arms the rest
_RESTLESS[0] = 2.5  # heading
