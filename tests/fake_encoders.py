"""Encoders with a known answer: a person's signal is the first point of the crop and the left shank's
free acceleration, and the embedding is that signal over the window.
"""

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.encoders import Card
from despite_ros.encoders.card import Calibration
from despite_ros.encoders.memories import WindowMemory
from despite_ros.limbs import CHANNELS, FRAMES, POINTS

WIDTH = 3 * FRAMES
LABELS = ("stand", "walk")


class FakeEncoders:
    """Stands in for `despite_ros.encoders.Encoders`."""

    provider = "none"

    def __init__(self) -> None:
        self.card = Card("fake", "0", WIDTH, labels=LABELS, similarity=Calibration(8.0, -4.0))

    def points(self, crops: FloatArray) -> FloatArray:
        return np.ascontiguousarray(crops[:, :, 0]).reshape(-1, WIDTH) + np.float32(1e-6)

    def imu(self, windows: FloatArray) -> FloatArray:
        return np.ascontiguousarray(windows[:, :, 36:39]).reshape(-1, WIDTH) + np.float32(1e-6)

    def activity(
        self,
        points: FloatArray | None,
        imu: FloatArray | None,
        track_cues: FloatArray | None = None,
        wearer_cues: FloatArray | None = None,
    ) -> FloatArray:
        assert points is not None
        walking = np.clip(np.abs(points).mean(axis=1), 0.0, 1.0)
        return np.stack([1.0 - walking, walking], axis=1)

    def point_memory(self) -> WindowMemory:
        return WindowMemory(self.points, (POINTS, 3))

    def imu_memory(self, stride: int) -> WindowMemory:
        return WindowMemory(self.imu, (CHANNELS,))
