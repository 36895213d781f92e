"""People over time: a constant-velocity Kalman filter each, one-to-one assignment, birth and death."""

from dataclasses import dataclass, field

import numba
import numpy as np
from scipy.optimize import linear_sum_assignment

from despite_ros.arrays import BoolArray, DoubleArray, FloatArray
from despite_ros.limbs import POINTS
from despite_ros.people.detections import NOBODY, Detection
from despite_ros.people.settings import TrackingSettings

UNBORN = -1  # the track_id of a track that is not shown yet
START_SPEED = 1.2  # standard deviation of the velocity of a new track, m/s
SIZE_GAIN = 0.2  # share of a new measurement in the smoothed size and height
EVIDENCE_GAIN = 0.1  # least share of a new judgement in the mean of them
TRAVELLER = 0.7  # metres from its birthplace: what went that far is judged anew more slowly
SLOWER = 2.0  # times as slowly
DOUBT = 0.0  # mean log-odds below which a track is not shown
DISBELIEF, DESPAIR = -1.0, -4.0  # mean log-odds at which a track is given up, before and after it was shown
FADING = 0.5  # seconds in which the velocity of a track that is not seen falls to a third
GAP = 0.35  # seconds without a sweep, after which nobody was seen
NEARBY, STRIDE = 0.6, 1.5  # metres, and metres for each second unseen, within which a track is found again
REST_GAIN = 0.07  # share of a new sighting in the mean and variance that tell whether a track moves at all
REST_HITS = 20  # sightings after which a track that never moved is known to be a thing
TWIN_SWEEPS = 8  # sweeps after which two tracks on one body are known to be one person
REST = 0.002  # metres of standard deviation; nobody stands as still


@dataclass(slots=True)
class Track:
    """A person followed over sweeps.

    key: unique among all tracks ever; track_id: once shown. state: (x, y, vx, vy), fixed frame, metres
    and m/s. height: of the highest point above the floor, smoothed. evidence: mean log-odds of being a
    person. shape: S×3 points when last seen, in plan view from the state. crop: the last one.
    """

    key: int
    state: DoubleArray
    covariance: DoubleArray
    born_ns: int
    seen_ns: int
    height: float
    z: float
    size: FloatArray
    evidence: float
    track_id: int = UNBORN
    hits: int = 1
    middle: DoubleArray = field(default_factory=lambda: np.zeros(3))
    variance: float = 0.0
    crowded: int = 0  # sweeps in which an older track was on the same body, less those in which none was
    travelled: float = 0.0  # farthest distance from where it was born, metres
    birthplace: DoubleArray = field(default_factory=lambda: np.zeros(2))
    detection: Detection | None = None
    crop: FloatArray = field(default_factory=lambda: np.zeros((POINTS, 3), np.float32))
    shape: FloatArray = field(default_factory=lambda: np.zeros((1, 3), np.float32))

    @property
    def confirmed(self) -> bool:
        """Whether the track was believed to be a person."""
        return self.track_id != UNBORN

    @property
    def inert(self) -> bool:
        """Whether it never moved, not even as much as somebody who stands still; of a static sensor only."""
        return self.hits >= REST_HITS and self.travelled < TRAVELLER and self.variance < REST**2

    @property
    def doubted(self) -> bool:
        """Whether what it is on has not looked like a person for a while; it is followed, not shown."""
        return self.evidence < DOUBT

    def predicted_shape(self) -> FloatArray:
        """The points of the last sighting, moved to the state (S×3, fixed frame)."""
        return self.shape + np.array([self.state[0], self.state[1], 0], np.float32)


class Tracker:
    """All tracks. Call `predict`, then `update`, once a sweep, with stamps that go up."""

    def __init__(self, settings: TrackingSettings) -> None:
        self.settings = settings
        self.reset()

    def reset(self) -> None:
        """Forget all tracks; ids go on from 0."""
        self.tracks: list[Track] = []
        self.stamp_ns: int | None = None
        self.shown: list[Track] = []
        self.next_id = self.next_key = 0

    def predict(self, stamp_ns: int) -> None:
        """Move all tracks on to `stamp_ns` (discrete white-noise acceleration)."""
        before = stamp_ns if self.stamp_ns is None else self.stamp_ns
        seconds = (stamp_ns - before) * 1e-9
        self.stamp_ns = stamp_ns
        kept = np.exp(-seconds / FADING)
        follow, coast = _transition(seconds, 1.0), _transition(FADING * (1 - kept), kept)
        spread = np.array([[seconds**2 / 2, 0], [0, seconds**2 / 2], [seconds, 0], [0, seconds]])
        noise = spread @ spread.T * self.settings.acceleration**2
        if seconds > GAP:  # nobody accelerates one way for so long
            noise = np.diag([STRIDE * seconds / 2] * 2 + [START_SPEED / 2] * 2) ** 2
        for track in self.tracks:
            step = follow if track.seen_ns == before and seconds < GAP else coast
            track.state = step @ track.state
            track.covariance = step @ track.covariance @ step.T + noise
            track.detection = None

    def update(self, detections: list[Detection], static: bool) -> None:
        """Assign the sweep's detections, confirmed tracks first, give birth to the rest, bury the lost.

        static: whether the sensor stands still; tracks that never move are then no people.
        """
        left = list(range(len(detections)))
        for confirmed in (True, False):
            tracks = [track for track in self.tracks if track.confirmed == confirmed]
            for row, column in self._assign(tracks, [detections[k] for k in left]):
                self._absorb(tracks[row], detections[left[column]])
            taken = {id(track.detection) for track in self.tracks if track.detection is not None}
            left = [k for k in left if id(detections[k]) not in taken]
        self._note_twins()
        self.tracks = [track for track in self.tracks if self._alive(track)]
        self.tracks += [self._born(detections[k]) for k in left]
        for track in [track for track in self.tracks if not track.confirmed]:
            if self._believed(track, static):
                self._confirm(track)
        shown = [track for track in self.tracks if track.confirmed and not track.doubted]
        self.shown = [track for track in shown if not (static and track.inert)]

    @property
    def unconfirmed(self) -> int:
        """How many tracks were seen that may be people, and are not shown: too few points or sweeps yet."""
        return sum(track.detection is not None and not track.confirmed for track in self.tracks)

    def _confirm(self, track: Track) -> None:
        """Give the track the id of a person who was lost near its birthplace, or a new one."""
        lost = [other for other in self.tracks if other.confirmed and other.detection is None]
        away = np.array([np.linalg.norm(other.state[:2] - track.birthplace) for other in lost])
        near = [k for k, reach in enumerate(self._reach(lost)) if away[k] < reach]
        if near:
            found = lost[min(near, key=away.__getitem__)]
            self.tracks = [other for other in self.tracks if other is not found]
            track.track_id, track.born_ns = found.track_id, found.born_ns
        else:
            track.track_id = self.next_id
            self.next_id += 1

    def _note_twins(self) -> None:
        """Two tracks seen nearer to each other than bodies can be share one person; the younger gives way."""
        seen = sorted((t for t in self.tracks if t.detection is not None), key=lambda t: (-t.hits, t.key))
        places = np.array([track.state[:2] for track in seen]).reshape(-1, 2)
        near = np.linalg.norm(places[:, None] - places[None], axis=2) < self.settings.apart
        for track, older in zip(seen, np.tril(near, -1).any(axis=1), strict=True):
            track.crowded = max(0, track.crowded + (1 if older else -1))

    def _believed(self, track: Track, static: bool) -> bool:
        """Whether a new track is a person: at once if that is certain, the later the less likely it is."""
        settings = self.settings
        if track.detection is None or track.crowded:
            return False
        often, enough = track.hits >= settings.birth, len(track.detection.points) >= settings.fewest
        if track.evidence >= settings.certain:
            return often or enough
        wanted = np.interp(track.hits, (settings.birth, settings.doubt), (settings.likely, settings.possible))
        rests = static and track.variance < REST**2
        return often and enough and track.evidence >= float(wanted) and not rests

    def _assign(self, tracks: list[Track], detections: list[Detection]) -> list[tuple[int, int]]:
        if not tracks or not detections:
            return []
        cost, possible = self._cost(tracks, detections)
        rows, columns = linear_sum_assignment(np.where(possible, cost, 1e6))
        return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if possible[r, c]]

    def _cost(self, tracks: list[Track], detections: list[Detection]) -> tuple[DoubleArray, BoolArray]:
        """Squared Mahalanobis distance in plan view and height, and whether a pair may be.

        Within the gate, and not of a detection that another track claimed.
        """
        states = np.stack([track.state for track in tracks])
        covariances = np.stack([track.covariance for track in tracks])
        centres = np.stack([detection.position[:2] for detection in detections])
        innovation = centres[None] - states[:, None, :2]
        inverse = np.linalg.inv(covariances[:, :2, :2] + np.eye(2) * self.settings.measurement**2)
        distance = np.einsum("tdi,tij,tdj->td", innovation, inverse, innovation)
        tops = np.array([detection.top for detection in detections])
        heights = np.array([track.height for track in tracks])
        look = (tops[None] - heights[:, None]) / self.settings.height_deviation
        owners = np.array([detection.owner for detection in detections])
        free = (owners == NOBODY)[None] | (owners[None] == np.array([track.key for track in tracks])[:, None])
        within = np.linalg.norm(innovation, axis=2) < self._reach(tracks)[:, None]
        return distance + np.minimum(look**2, 9.0), free & within & (distance < self.settings.gate**2)

    def _reach(self, tracks: list[Track]) -> DoubleArray:
        """How far each of T tracks may have gone from where it is predicted, metres (T,)."""
        unseen = np.array([(self.stamp_ns or 0) - track.seen_ns for track in tracks]) * 1e-9
        return np.asarray(NEARBY + STRIDE * unseen)

    def _absorb(self, track: Track, detection: Detection) -> None:
        track.state, track.covariance = correct(
            track.state, track.covariance, detection.position, self.settings.measurement**2
        )
        track.height += SIZE_GAIN * (detection.top - track.height)
        track.size = track.size + np.float32(SIZE_GAIN) * (detection.size - track.size)
        track.z = float(detection.position[2])
        track.hits += 1
        trust = EVIDENCE_GAIN / SLOWER if track.travelled > TRAVELLER else EVIDENCE_GAIN
        track.evidence += max(1 / track.hits, trust) * (detection.log_odds - track.evidence)
        track.seen_ns = self.stamp_ns or 0
        shift = detection.middle - track.middle
        track.middle = track.middle + REST_GAIN * shift
        track.variance = (1 - REST_GAIN) * (track.variance + REST_GAIN * float(np.max(shift**2)))
        track.travelled = max(track.travelled, float(np.linalg.norm(track.state[:2] - track.birthplace)))
        track.detection = detection

    def _born(self, detection: Detection) -> Track:
        stamp_ns = self.stamp_ns or 0
        self.next_key += 1
        return Track(
            key=self.next_key,
            state=np.concatenate([detection.position[:2], [0.0, 0.0]]),
            covariance=np.diag([self.settings.measurement**2] * 2 + [START_SPEED**2] * 2),
            born_ns=stamp_ns,
            seen_ns=stamp_ns,
            height=detection.top,
            z=float(detection.position[2]),
            size=detection.size,
            evidence=detection.log_odds,
            birthplace=detection.position[:2].copy(),
            middle=detection.middle,
            detection=detection,
        )

    def _alive(self, track: Track) -> bool:
        unseen = ((self.stamp_ns or 0) - track.seen_ns) * 1e-9
        patience = self.settings.occlusion if track.confirmed else self.settings.tentative
        least = DISBELIEF if not track.confirmed else DESPAIR
        return unseen <= patience and track.evidence > least and track.crowded < TWIN_SWEEPS


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


def _transition(seconds: float, kept: float) -> DoubleArray:
    """4×4: places move as far as velocities take them in `seconds`; a share of the velocity is kept."""
    matrix = np.diag([1.0, 1.0, kept, kept])
    matrix[0, 2] = matrix[1, 3] = seconds
    return matrix
