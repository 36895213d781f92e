"""People over time: a constant-velocity Kalman filter each, one-to-one assignment, birth and death."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from despite_ros.arrays import BoolArray, DoubleArray
from despite_ros.people.detections import NOBODY, Detection
from despite_ros.people.settings import TrackingSettings
from despite_ros.people.track import Track, advance

START_SPEED = 1.2  # standard deviation of the velocity of a new track, m/s
DISBELIEF, DESPAIR = -1.0, -4.0  # mean log-odds at which a track is given up, before and after it was shown
FADING = 0.5  # seconds in which the velocity of a track that is not seen falls to a third
GAP = 0.35  # seconds without a sweep, after which nobody was seen
NEARBY, STRIDE = 0.6, 1.5  # metres, and metres for each second unseen, within which a track is found again
BESIDE = 1.0  # metres from an older track, within which a new one may be an arm or the legs of its person
AWAITED = 0.0  # mean log-odds that show a track where a static sensor lost somebody
STROLL = 1.0  # m/s; who went faster when last seen has gone on, and is not looked for where that was
TWIN_SWEEPS = 8  # sweeps after which two tracks on one body are known to be one person


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
        self.departed: list[Track] = []
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
            track.state, track.covariance = advance(track.state, track.covariance, step, noise)
            track.detection = None

    def update(self, detections: list[Detection], static: bool) -> None:
        """Assign the sweep's detections, confirmed tracks first, give birth to the rest, bury the lost.

        static: whether the sensor stands still; tracks that never move are then no people, and glimpses,
        among which the background is not, keep tracks alive.
        """
        left = self._sight([detection for detection in detections if not detection.glimpse])
        glimpses = {one.owner: one for one in detections if one.glimpse and static}
        for track in self.tracks:
            if track.detection is None and track.confirmed and track.key in glimpses:
                track.glimpse(glimpses[track.key], self.stamp_ns or 0)
        self._bury()
        self.tracks += [self._born(detection) for detection in left]
        self._note_neighbours()
        for track in [track for track in self.tracks if not track.confirmed]:
            lost = self._lost_nearby(track)
            here = lost is not None and _away(lost, track) < self.settings.again
            if self._believed(track, static, awaited=static and here):
                self._confirm(track, lost)
        shown = [track for track in self.tracks if track.confirmed and not track.doubted]
        self.shown = [track for track in shown if not (static and track.inert)]

    @property
    def unconfirmed(self) -> int:
        """How many tracks were seen that may be people, and are not shown: too few points or sweeps yet."""
        return sum(track.detection is not None and not track.confirmed for track in self.tracks)

    def _sight(self, detections: list[Detection]) -> list[Detection]:
        """Give tracks their detections; returns those that are left.

        A confirmed track may take what a new one was born from: its person, of whom it had kept but a part.
        Then the new track is given up, and the part is nobody's.
        """
        for confirmed in (True, False):
            tracks = [track for track in self.tracks if track.confirmed == confirmed]
            pairs = [(tracks[row], detections[column]) for row, column in self._assign(tracks, detections)]
            for track, detection in pairs:
                track.absorb(detection, self.stamp_ns or 0, self.settings.measurement)
            moved = [(track.key, one.owner) for track, one in pairs if one.owner not in (NOBODY, track.key)]
            parts, robbed = {key for key, _ in moved}, {owner for _, owner in moved}
            self.tracks = [track for track in self.tracks if track.key not in robbed]
            taken = {id(detection) for _, detection in pairs}
            detections = [one for one in detections if id(one) not in taken and one.owner not in parts]
        return detections

    def _bury(self) -> None:
        """Give up what is lost. Who hardly moved when last seen is remembered for a while."""
        lost = [track for track in self.tracks if not self._alive(track)]
        self.tracks = [track for track in self.tracks if self._alive(track)]
        horizon = (self.stamp_ns or 0) - round(1e9 * self.settings.memory)
        self.departed += [track for track in lost if self._may_return(track)]
        self.departed = [track for track in self.departed if track.seen_ns >= horizon]

    def _may_return(self, track: Track) -> bool:
        person = track.confirmed and not track.doubted and track.crowded < TWIN_SWEEPS
        return person and track.speed < STROLL

    def _lost_nearby(self, track: Track) -> Track | None:
        """Who was lost near the track's birthplace, and so may be its person."""
        unseen = [other for other in self.tracks if other.confirmed and other.detection is None]
        reach = np.maximum(self._reach(unseen), self.settings.again)
        found = _nearest(track, unseen, reach)
        return found or _nearest(track, self.departed, np.full(len(self.departed), self.settings.again))

    def _confirm(self, track: Track, lost: Track | None) -> None:
        """Give the track the id of a person who was lost, or a new one."""
        if lost is None:
            track.track_id = self.next_id
            self.next_id += 1
            return
        self.tracks = [other for other in self.tracks if other is not lost]
        self.departed = [other for other in self.departed if other is not lost]
        track.track_id, track.born_ns = lost.track_id, lost.born_ns

    def _note_neighbours(self) -> None:
        """Mark tracks beside one known for long; nearer than bodies can be to an older one, they give way."""
        seen = sorted((t for t in self.tracks if t.detection is not None), key=lambda t: (-t.hits, t.key))
        places = np.array([track.state[:2] for track in seen]).reshape(-1, 2)
        away = np.linalg.norm(places[:, None] - places[None], axis=2)
        away[np.triu_indices(len(seen))] = np.inf
        known = sum(track.hits > self.settings.doubt for track in seen)
        nearest, nearest_known = away.min(axis=1, initial=np.inf), away[:, :known].min(axis=1, initial=np.inf)
        for track, older, neighbour in zip(seen, nearest, nearest_known, strict=True):
            track.beside = bool(neighbour < BESIDE)
            track.crowded = max(0, track.crowded + (1 if older < self.settings.apart else -1))

    def _believed(self, track: Track, static: bool, awaited: bool) -> bool:
        """Whether a new track is a person: at once if that is certain, the later the less likely it is.

        awaited: whether somebody was lost where it is; then it need but look more like a person than not.
        """
        settings = self.settings
        new_neighbour = track.beside and track.hits < settings.doubt
        if track.detection is None or track.crowded or new_neighbour:
            return False
        often, enough = track.hits >= settings.birth, len(track.detection.points) >= settings.fewest
        if track.evidence >= settings.certain:
            return often or enough
        soon = static and not enough  # where the background is taken out, little clutter is left
        first = settings.likely if enough else settings.certain
        doubt = settings.doubt_of_few if soon else settings.doubt
        wanted = np.interp(track.hits, (settings.birth, doubt), (first, settings.possible))
        rests = static and track.rests
        return often and track.evidence >= (AWAITED if awaited else float(wanted)) and not rests

    def _assign(self, tracks: list[Track], detections: list[Detection]) -> list[tuple[int, int]]:
        if not tracks or not detections:
            return []
        cost, possible = self._cost(tracks, detections)
        rows, columns = linear_sum_assignment(np.where(possible, cost, 1e6))
        return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if possible[r, c]]

    def _cost(self, tracks: list[Track], detections: list[Detection]) -> tuple[DoubleArray, BoolArray]:
        """Minus twice the log-likelihood of place and height less log-odds, and whether a pair may be.

        The determinant keeps a track whose place is hardly known from taking its neighbour's detection.

        Within the gate, and not of a detection that another track claimed, unless that is not confirmed yet.
        """
        states = np.array([track.state for track in tracks])
        covariances = np.array([track.covariance for track in tracks])
        centres = np.array([detection.position for detection in detections])[:, :2]
        innovation = centres[None] - states[:, None, :2]
        spread = covariances[:, :2, :2] + np.eye(2) * self.settings.measurement**2
        inverse, unsure = np.linalg.inv(spread), np.log(np.linalg.det(spread))[:, None]
        distance = np.einsum("tdi,tij,tdj->td", innovation, inverse, innovation)
        tops = np.array([detection.top for detection in detections])
        heights = np.array([track.height for track in tracks])
        look = (tops[None] - heights[:, None]) / self.settings.height_deviation
        owners = np.array([detection.owner for detection in detections])
        keys = np.array([track.key for track in tracks])
        tentative = [track.key for track in self.tracks if not track.confirmed and tracks[0].confirmed]
        free = np.isin(owners, [NOBODY, *tentative])[None] | (owners[None] == keys[:, None])
        within = np.hypot(innovation[:, :, 0], innovation[:, :, 1]) < self._reach(tracks)[:, None]
        odds = np.array([detection.log_odds for detection in detections])
        possible = free & within & (distance < self.settings.gate**2)
        return distance + unsure + np.minimum(look**2, 9.0) - odds, possible

    def _reach(self, tracks: list[Track]) -> DoubleArray:
        """How far each of T tracks may have gone from where it is predicted, metres (T,)."""
        unseen = np.array([(self.stamp_ns or 0) - track.glimpsed_ns for track in tracks]) * 1e-9
        return np.asarray(NEARBY + STRIDE * unseen)

    def _born(self, detection: Detection) -> Track:
        stamp_ns = self.stamp_ns or 0
        self.next_key += 1
        return Track(
            key=self.next_key,
            state=np.concatenate([detection.position[:2], [0.0, 0.0]]),
            covariance=np.diag([self.settings.measurement**2] * 2 + [START_SPEED**2] * 2),
            born_ns=stamp_ns,
            seen_ns=stamp_ns,
            glimpsed_ns=stamp_ns,
            height=detection.top,
            z=float(detection.position[2]),
            size=detection.size,
            evidence=detection.log_odds,
            birthplace=detection.position[:2].copy(),
            seen_at=detection.position[:2].copy(),
            middle=detection.middle,
            detection=detection,
        )

    def _alive(self, track: Track) -> bool:
        now = self.stamp_ns or 0
        unseen, unglimpsed = (now - track.seen_ns) * 1e-9, (now - track.glimpsed_ns) * 1e-9
        patience = self.settings.occlusion if track.confirmed else self.settings.tentative
        found = unglimpsed <= patience and unseen <= max(patience, self.settings.memory)
        least = DISBELIEF if not track.confirmed else DESPAIR
        return found and track.evidence > least and track.crowded < TWIN_SWEEPS


def _transition(seconds: float, kept: float) -> DoubleArray:
    """4×4: places move as far as velocities take them in `seconds`; a share of the velocity is kept."""
    matrix = np.diag([1.0, 1.0, kept, kept])
    matrix[0, 2] = matrix[1, 3] = seconds
    return matrix


def _away(other: Track, track: Track) -> float:
    """Metres from a track's birthplace to where another is predicted or was last seen, the nearer one.

    Who is hidden may have stopped or turned back.
    """
    places = np.stack([other.state[:2], other.seen_at])
    return float(np.linalg.norm(places - track.birthplace, axis=1).min())


def _nearest(track: Track, others: list[Track], reach: DoubleArray) -> Track | None:
    """The nearest of the others (each within its own reach, m) to where the track was born."""
    away = [_away(other, track) for other in others]
    near = [k for k in range(len(others)) if away[k] < reach[k]]
    return others[min(near, key=away.__getitem__)] if near else None
