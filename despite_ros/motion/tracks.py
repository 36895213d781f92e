"""The newest crop of every track, and how much of its window was really seen."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.limbs import FRAMES, POINTS
from despite_ros.records import Person


class TrackWindows:
    """Crops that go into the windows frame by frame, held where a sweep missed a person."""

    def __init__(self) -> None:
        self._crops: dict[int, FloatArray] = {}
        self.velocities: list[FloatArray] = []  # m/s, fixed frame, in the order of track_ids
        self._seen: dict[int, deque[int]] = {}  # points in each frame of the window

    @property
    def track_ids(self) -> list[int]:
        """Tracks of the newest frame, in its order."""
        return list(self._crops)

    @property
    def crops(self) -> FloatArray:
        """Newest crops, tracks×256×3."""
        return np.array(list(self._crops.values()), np.float32).reshape(-1, POINTS, 3)

    @property
    def seen(self) -> DoubleArray:
        """Per track: share of the window's frames in which it was seen and not held over."""
        return np.array([np.count_nonzero(self._seen[number]) / FRAMES for number in self._crops])

    @property
    def points(self) -> DoubleArray:
        """Per track: mean number of points a frame of the window."""
        return np.array([sum(self._seen[number]) / len(self._seen[number]) for number in self._crops])

    def hold(self) -> None:
        """A missed sweep: every crop stays for another frame."""
        for seen in self._seen.values():
            seen.append(0)

    def follow(self, people: Sequence[Person]) -> list[int]:
        """Take in a frame's people; returns the tracks that are gone."""
        before = self.track_ids
        self._crops = {person.track_id: person.crop for person in people}
        self.velocities = [person.velocity for person in people]
        self._seen = {number: self._seen.get(number, deque(maxlen=FRAMES)) for number in self._crops}
        for person in people:
            self._seen[person.track_id].append(person.points)
        return [number for number in before if number not in self._crops]
