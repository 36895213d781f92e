"""The newest crop of every track, and how much of its window was really seen."""

from collections import deque
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from despite_ros.arrays import BoolArray, DoubleArray, FloatArray
from despite_ros.limbs import FRAMES, POINTS
from despite_ros.motion.settings import MotionSettings
from despite_ros.records import Person

T = TypeVar("T")


class TrackWindows:
    """Crops that go into the windows frame by frame, held where a sweep missed a person.

    A track that jumps, as a tracker's prediction does that catches somebody else, starts a new window.
    """

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings
        self._places: dict[int, tuple[FloatArray, int]] = {}  # where and when each track was last seen
        self.jumped: list[int] = []  # in the newest frame
        self._crops: dict[int, FloatArray] = {}
        self.velocities: list[FloatArray] = []  # m/s, fixed frame, in the order of track_ids
        self._seen: dict[int, deque[bool]] = {}  # whether hit, in each frame of the window
        self._speeds: dict[int, deque[float]] = {}  # m/s, in each sweep of the window

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
        return np.array([sum(self._seen[number]) / FRAMES for number in self._crops])

    @property
    def speeds(self) -> DoubleArray:
        """Per track: rms speed over the window, m/s."""
        squares = [np.mean(np.square(self._speeds[number])) for number in self._crops]
        return np.sqrt(np.array(squares, np.float64))

    def hold(self) -> None:
        """A missed sweep: every crop stays for another frame."""
        for seen in self._seen.values():
            seen.append(False)

    def visible(self, stamp_ns: int) -> BoolArray:
        """Per track: whether a sweep hit it a short while ago."""
        unseen = [1e-9 * (stamp_ns - self._places[number][1]) for number in self._crops]
        return np.array(unseen) <= self._settings.unseen

    def follow(self, stamp_ns: int, people: Sequence[Person]) -> list[int]:
        """Take in a frame's people; returns the tracks whose windows are to be dropped: gone or jumped."""
        before = self.track_ids
        self.jumped = [person.track_id for person in people if self._jumps(stamp_ns, person)]
        self._crops = {person.track_id: person.crop for person in people}
        self.velocities = [person.velocity for person in people]
        self._seen = self._continued(self._seen)
        self._speeds = self._continued(self._speeds)
        places = {person.track_id: (person.position, stamp_ns) for person in people}
        for person in people:
            number = person.track_id
            self._seen[number].append(person.points > 0)
            self._speeds[number].append(float(np.linalg.norm(person.velocity[:2])))
            if not person.observed and number in self._places:
                places[number] = self._places[number]
        self._places = places
        return [*self.jumped, *(number for number in before if number not in self._crops)]

    def _continued(self, windows: dict[int, deque[T]]) -> dict[int, deque[T]]:
        """The windows of the newest frame's tracks, blank for new ones and those that jumped."""
        kept = {number: window for number, window in windows.items() if number not in self.jumped}
        return {number: kept.get(number, deque(maxlen=FRAMES)) for number in self._crops}

    def _jumps(self, stamp_ns: int, person: Person) -> bool:
        if not person.observed or person.track_id not in self._places:
            return False
        place, seen_ns = self._places[person.track_id]
        reach = self._settings.jump + self._settings.jump_speed * 1e-9 * (stamp_ns - seen_ns)
        return float(np.linalg.norm(person.position[:2] - place[:2])) > reach
