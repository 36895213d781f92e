"""What a person's last 2.4 s are like in a few plain numbers, for the activity heads.

Crops are centred frame by frame, so the point cloud encoder sees neither where a body goes nor how high it
is; and an embedding tells of a whole window, not of its end. Speed, extents and the tilt of limbs do.
"""

from collections.abc import Iterable, Sequence

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.limbs import CHANNELS, FRAMES, LIMBS, POINTS, unpack_channels
from despite_ros.records import Person

SPANS = (5, 10, FRAMES)  # newest frames that are summed up
TRACK_NUMBERS = 8
WEARER_NUMBERS = 4 * len(LIMBS)
SUMS = 1 + len(SPANS) + 2  # newest, means, deviations of the two longer spans


class Recent:
    """A few numbers a frame for each id, over the last 24 frames; what went before the first is as it was."""

    def __init__(self, numbers: int) -> None:
        self._numbers = numbers
        self._frames: dict[int, FloatArray] = {}

    def push(self, ids: Sequence[int], values: FloatArray) -> None:
        """A frame: values ids×numbers. Other ids are forgotten."""
        self._frames = {
            number: np.concatenate([self._frames[number][1:], row[None]])
            if number in self._frames
            else np.repeat(row[None], FRAMES, axis=0)
            for number, row in zip(ids, values, strict=True)
        }

    def drop(self, ids: Iterable[int]) -> None:
        """Start these ids anew."""
        for number in set(ids) & set(self._frames):
            del self._frames[number]

    def sums(self) -> FloatArray:
        """Ids × (SUMS · numbers), in the order of the newest frame: as it is, means, standard deviations."""
        frames = np.array(list(self._frames.values()), np.float32).reshape(-1, FRAMES, self._numbers)
        means = [frames[:, -span:].mean(axis=1) for span in SPANS]
        deviations = [frames[:, -span:].std(axis=1) for span in SPANS[1:]]
        return np.concatenate([frames[:, -1], *means, *deviations], axis=1)


class TrackCues:
    """Cues of tracks: speed, extents of the crop, height against the track's own greatest."""

    def __init__(self) -> None:
        self._recent = Recent(TRACK_NUMBERS)
        self._tallest: dict[int, float] = {}

    def push(self, people: Sequence[Person], jumped: Iterable[int] = ()) -> None:
        """A frame's people; `jumped` are tracks that start anew, being on somebody else."""
        self._recent.drop(jumped)
        known = {number: top for number, top in self._tallest.items() if number not in set(jumped)}
        tops = {p.track_id: float(p.position[2] + p.size[2] / 2) for p in people}
        self._tallest = {number: max(top, known.get(number, top)) for number, top in tops.items()}
        if not people:
            self._recent.push((), np.zeros((0, TRACK_NUMBERS), np.float32))
        else:
            values = _track_numbers(people, [tops[number] - self._tallest[number] for number in tops])
            self._recent.push(list(tops), values)

    def rows(self) -> FloatArray:
        """Tracks × (SUMS · TRACK_NUMBERS), in the order of the newest frame's people."""
        return self._recent.sums()


class WearerCues:
    """Cues of wearers: how each limb is tilted, and how hard it is accelerated."""

    def __init__(self) -> None:
        self._recent = Recent(WEARER_NUMBERS)

    def push(self, channels: FloatArray) -> None:
        """A frame: wearers×48."""
        rotations, accelerations = unpack_channels(channels.reshape(-1, CHANNELS))
        up = rotations[:, :, 2].reshape(-1, 3 * len(LIMBS))  # the world's z axis as each bone sees it
        strength = np.log(np.linalg.norm(accelerations, axis=2) + 0.1)
        values = np.concatenate([up, strength], axis=1, dtype=np.float32)
        self._recent.push(range(len(channels)), values)

    def rows(self) -> FloatArray:
        """Wearers × (SUMS · WEARER_NUMBERS)."""
        return self._recent.sums()


def _track_numbers(people: Sequence[Person], below_tallest: Sequence[float]) -> FloatArray:
    """Log speed, extents of the crop (m), where its middle lies, height lost, log of the points: people×8."""
    crops = np.array([person.crop for person in people], np.float32).reshape(-1, POINTS, 3)
    velocity = np.array([person.velocity for person in people], np.float32).reshape(len(people), -1)
    columns = (
        np.log(np.linalg.norm(velocity[:, :2], axis=1) + 0.1),
        *_extents(crops).T,
        np.array(below_tallest),
        np.log(np.array([person.points for person in people]) + 1.0),
    )
    return np.stack(columns, axis=1).astype(np.float32)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _extents(crops: FloatArray) -> DoubleArray:
    """M×5: height, deviation of z, least and greatest deviation in the plane, how high the median lies."""
    found = np.empty((len(crops), 5))
    for m in range(len(crops)):
        points = crops[m].astype(np.float64)
        x, y, z = points[:, 0] - points[:, 0].mean(), points[:, 1] - points[:, 1].mean(), points[:, 2]
        across, along, skew = (x * x).mean(), (y * y).mean(), (x * y).mean()
        middle, apart = (across + along) / 2, np.hypot((across - along) / 2, skew)  # of principal variances
        height = z.max() - z.min()
        found[m, 0], found[m, 1] = height, z.std()
        found[m, 2], found[m, 3] = np.sqrt(max(middle - apart, 0.0)), np.sqrt(middle + apart)
        found[m, 4] = (np.median(z) - z.min()) / (height + 0.1)
    return found
