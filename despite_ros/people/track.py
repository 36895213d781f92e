"""One person followed over sweeps: state, size, and what speaks for it being a person at all."""

from dataclasses import dataclass, field
from math import hypot

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.limbs import POINTS
from despite_ros.people.detections import Detection

UNBORN = -1  # the track_id of a track that is not shown yet
SIZE_GAIN = 0.2  # share of a new measurement in the smoothed size and height
EVIDENCE_GAIN = 0.1  # least share of a new judgement in the mean of them
TRAVELLER = 0.7  # metres from its birthplace: what went that far is known to be a person
SURELY, SURELY_HITS = 4.0, 10  # and so is what had such mean log-odds, after so many sightings
SLOWER = 2.0  # times as slowly who is known is judged anew: people bend down, squat and lie
DOUBT, KNOWN_DOUBT = 0.0, -2.5  # mean log-odds below which a track is not shown; of one that is known
REST_GAIN = 0.07  # share of a new sighting in the mean and variance that tell whether a track moves at all
REST_HITS = 20  # sightings after which a track that never moved is known to be a thing
REST = 0.002  # metres of standard deviation; nobody stands as still
GLIMPSE = 0.2  # standard deviation of a position told by a few points, metres


@dataclass(slots=True)
class Track:
    """A person followed over sweeps.

    key: unique among all tracks ever; track_id: once shown. state: (x, y, vx, vy), fixed frame, metres
    and m/s. seen_ns, glimpsed_ns: stamps of the last sighting, and of the last one or glimpse. seen_at: x, y
    of the last sighting. height: of the highest point above the floor, smoothed. evidence: mean log-odds of
    being a person. shape: S×3 points when last seen, in plan view from the state. crop: the last one.
    """

    key: int
    state: DoubleArray
    covariance: DoubleArray
    born_ns: int
    seen_ns: int
    glimpsed_ns: int
    height: float
    z: float
    size: FloatArray
    evidence: float
    track_id: int = UNBORN
    hits: int = 1
    middle: DoubleArray = field(default_factory=lambda: np.zeros(3))
    variance: float = 0.0
    beside: bool = False  # an older track is so near that this one may be a part of it
    crowded: int = 0  # sweeps in which an older track was on the same body, less those in which none was
    travelled: float = 0.0  # farthest distance from where it was born, metres
    surest: float = -np.inf  # the highest mean log-odds so far
    speed: float = 0.0  # when last seen, m/s
    birthplace: DoubleArray = field(default_factory=lambda: np.zeros(2))
    seen_at: DoubleArray = field(default_factory=lambda: np.zeros(2))
    detection: Detection | None = None
    crop: FloatArray = field(default_factory=lambda: np.zeros((POINTS, 3), np.float32))
    shape: FloatArray = field(default_factory=lambda: np.zeros((1, 3), np.float32))

    @property
    def confirmed(self) -> bool:
        """Whether the track was believed to be a person."""
        return self.track_id != UNBORN

    @property
    def known(self) -> bool:
        """Whether it went or looked as only people do."""
        return self.travelled > TRAVELLER or self.surest > SURELY

    @property
    def rests(self) -> bool:
        """Whether it moves less than anybody who stands still."""
        return self.variance < REST**2

    @property
    def inert(self) -> bool:
        """Whether it never moved, not even as much as somebody who stands still; of a static sensor only."""
        return self.hits >= REST_HITS and self.travelled < TRAVELLER and self.rests

    @property
    def doubted(self) -> bool:
        """Whether what it is on has not looked like a person for a while; it is followed, not shown."""
        return self.evidence < (KNOWN_DOUBT if self.known else DOUBT)

    def absorb(self, detection: Detection, stamp_ns: int, deviation: float) -> None:
        """Take in a sighting, whose position is right to a standard `deviation` of so many metres."""
        self.state, self.covariance = correct(self.state, self.covariance, detection.position, deviation**2)
        self.height += SIZE_GAIN * (detection.top - self.height)
        self.size = self.size + np.float32(SIZE_GAIN) * (detection.size - self.size)
        self.z = float(detection.position[2])
        self.hits += 1
        trust = EVIDENCE_GAIN / SLOWER if self.known else EVIDENCE_GAIN
        self.evidence += max(1 / self.hits, trust) * (detection.log_odds - self.evidence)
        if self.hits >= SURELY_HITS:
            self.surest = max(self.surest, self.evidence)
        self.seen_ns = self.glimpsed_ns = stamp_ns
        shift = detection.middle - self.middle
        self.middle = self.middle + REST_GAIN * shift
        farthest = max(abs(part) for part in shift.tolist())
        self.variance = (1 - REST_GAIN) * (self.variance + REST_GAIN * farthest**2)
        away = self.state[:2] - self.birthplace
        self.travelled = max(self.travelled, hypot(*away.tolist()))
        self.speed = hypot(self.state[2], self.state[3])
        self.seen_at = self.state[:2].copy()
        self.detection = detection

    def glimpse(self, detection: Detection, stamp_ns: int) -> None:
        """A few points of the person: enough to know that it is still there, and about where."""
        self.state, self.covariance = correct(self.state, self.covariance, detection.position, GLIMPSE**2)
        self.glimpsed_ns = stamp_ns


@numba.njit(cache=True)
def advance(
    state: DoubleArray, covariance: DoubleArray, step: DoubleArray, noise: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """State (4,) and covariance (4×4) after a step (4×4) with noise (4×4); compiled, see `correct`."""
    size = len(state)
    moved, half, spread = np.zeros(size), np.zeros((size, size)), noise.copy()
    for i in range(size):
        for k in range(size):
            moved[i] += step[i, k] * state[k]
            for j in range(size):
                half[i, j] += step[i, k] * covariance[k, j]
    for i in range(size):
        for j in range(size):
            for k in range(size):
                spread[i, j] += half[i, k] * step[j, k]
    return moved, spread


@numba.njit(cache=True)
def correct(
    state: DoubleArray, covariance: DoubleArray, position: DoubleArray, variance: float
) -> tuple[DoubleArray, DoubleArray]:
    """State (4,) and covariance (4×4) after a position (x, y) was measured with a `variance` (m²) each way.

    The Kalman filter's correction, compiled: on arrays as small as these, numpy takes several times as long.
    """
    a, b = covariance[0, 0] + variance, covariance[0, 1]
    c, d = covariance[1, 0], covariance[1, 1] + variance
    determinant = a * d - b * c
    x, y = position[0] - state[0], position[1] - state[1]
    corrected, reduced = state.copy(), covariance.copy()
    for i in range(4):
        gain_x = (covariance[i, 0] * d - covariance[i, 1] * c) / determinant
        gain_y = (covariance[i, 1] * a - covariance[i, 0] * b) / determinant
        corrected[i] += gain_x * x + gain_y * y
        for j in range(4):
            reduced[i, j] -= gain_x * covariance[0, j] + gain_y * covariance[1, j]
    return corrected, reduced
