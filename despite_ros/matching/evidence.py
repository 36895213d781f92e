"""Evidence for every wearer × track pair, from several sources, gathered over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray
from despite_ros.matching.settings import MatchingSettings
from despite_ros.records import NOBODY

OVERLAP = 1.0  # s for which a lost track and its successor may both be there
INHERITED = 20.0  # frames, at most, as which a successor counts what it takes over


@dataclass
class _Track:
    """One track's column of evidence, sources × wearers, and where the track was last seen."""

    total: DoubleArray  # Σ weight · log-odds
    weight: DoubleArray  # Σ weight
    position: FloatArray
    seen_ns: int
    birthplace: FloatArray
    born_ns: int
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """How much the frames of one source of evidence tell together.

    Neighbouring frames are not independent: N of them count as n = 1 + (N − 1) · independence. And of the
    variance a share f, the persistence, stays with the pair however long one looks (two people who do the
    same), so the mean's variance falls from 1 to f + (1 − f) / n, and its log-odds grow by the inverse.
    names: whether it may name somebody, not only help to.
    """

    independence: float
    persistence: float
    names: bool = True

    def gain(self, weight: DoubleArray) -> DoubleArray:
        """By how much the log-odds of the mean of so many frames exceed those of one."""
        count = np.minimum(weight, 1.0) + self.independence * np.maximum(weight - 1.0, 0.0)
        return np.asarray(count / (1.0 - self.persistence + self.persistence * count), np.float64)


class Evidence:
    """Log-odds of each pair being right: the sum over sources of weighted means that forget.

    memory: time constant of forgetting, s.
    """

    def __init__(
        self, wearers: int, sources: Sequence[Source], memory: float, settings: MatchingSettings
    ) -> None:
        self._shape = (len(sources), wearers)
        self._sources = tuple(sources)
        self._memory = memory
        self._settings = settings
        self._tracks: dict[int, _Track] = {}
        self._lost: dict[int, _Track] = {}
        self._stamp_ns: int | None = None

    def follow(
        self,
        stamp_ns: int,
        track_ids: Sequence[int],
        positions: Sequence[FloatArray],
        jumped: Sequence[int] = (),
    ) -> None:
        """Forget by the time that passed, set aside lost tracks, let new tracks inherit from them.

        jumped: tracks that have changed hands; what was gathered for them is lost under another number.
        """
        passed = 0.0 if self._stamp_ns is None else 1e-9 * (stamp_ns - self._stamp_ns)
        self._stamp_ns = stamp_ns
        keep = float(np.exp(-passed / self._memory))
        for track in (*self._tracks.values(), *self._lost.values()):
            track.total *= keep
            track.weight *= keep
        for number in jumped:
            left = self._tracks.pop(number, None) or self._lost.pop(number, None)
            if left is not None:
                self._lost[left_behind(number)] = left
        for gone in [number for number in self._tracks if number not in track_ids]:
            self._lost[gone] = self._tracks.pop(gone)
        horizon = stamp_ns - round(1e9 * self._settings.lost_memory)
        self._lost = {number: track for number, track in self._lost.items() if track.seen_ns >= horizon}
        for number, position in zip(track_ids, positions, strict=True):
            if number in self._lost:
                self._tracks[number] = self._returned(self._lost.pop(number))
            elif number not in self._tracks:
                nothing = (np.zeros(self._shape), np.zeros(self._shape))
                self._tracks[number] = _Track(*nothing, position, stamp_ns, position, stamp_ns)
            self._tracks[number].position = position
            self._tracks[number].seen_ns = stamp_ns
        self._bequeath()

    def add(self, track_ids: Sequence[int], log_odds: AnyArray, weights: AnyArray) -> None:
        """One more frame: log-odds (NaN: none) and weights, sources × wearers × tracks."""
        known = np.isfinite(log_odds)
        weights = np.where(known, weights, 0.0)
        totals = weights * np.where(known, log_odds, 0.0)
        for column, number in enumerate(track_ids):
            self._tracks[number].total += totals[:, :, column]
            self._tracks[number].weight += weights[:, :, column]

    @property
    def lost(self) -> tuple[int, ...]:
        """Tracks lost a short while ago."""
        return tuple(self._lost)

    def log_odds(self, track_ids: Sequence[int]) -> DoubleArray:
        """Wearers × tracks, present or lost; 0 where nothing has been gathered.

        Of a lost track it fades: the longer it is gone, the likelier its person goes by a new number.
        """
        tracks = [self._track(number) for number in track_ids]
        found = np.zeros((self._shape[1], len(tracks)))
        if not tracks:
            return found
        for index, source in enumerate(self._sources):
            total = np.array([track.total[index] for track in tracks]).T
            weight = np.array([track.weight[index] for track in tracks]).T
            found += source.gain(weight) * total / np.maximum(weight, 1e-9)
        absence = np.array([self._absence(track) for track in tracks])
        return np.asarray(found * (1.0 - absence / max(self._settings.lost_memory, 1e-9)), np.float64)

    def exchange(self, one: int, other: int) -> None:
        """What was gathered for two tracks changes places."""
        first, second = self._tracks[one], self._tracks[other]
        first.total, second.total = second.total, first.total
        first.weight, second.weight = second.weight, first.weight

    def gathered(self, track_ids: Sequence[int]) -> DoubleArray:
        """Frames gathered from sources that name, wearers × tracks (weighted, after forgetting)."""
        frames = [self._frames(self._track(number)) for number in track_ids]
        return np.array(frames).reshape(len(track_ids), self._shape[1]).T

    def _frames(self, track: _Track) -> DoubleArray:
        return np.asarray(track.weight[[source.names for source in self._sources]].sum(axis=0), np.float64)

    def _track(self, number: int) -> _Track:
        return self._tracks[number] if number in self._tracks else self._lost[number]

    def _absence(self, track: _Track) -> float:
        """Seconds since the track was seen."""
        return 0.0 if self._stamp_ns is None else 1e-9 * (self._stamp_ns - track.seen_ns)

    def _returned(self, track: _Track) -> _Track:
        """A track that was lost is its old self by the tracker's guess; new frames soon outweigh that."""
        kept = np.minimum(1.0, INHERITED / np.maximum(track.weight, 1e-9))
        track.total *= kept
        track.weight *= kept
        return track

    def _bequeath(self) -> None:
        """Tracks take over from those that were lost when they were born, the surest successions first.

        A track may be born a little before the one it follows is given up.
        """
        heirs = {number: track for number, track in self._tracks.items() if self._may_inherit(track)}
        found = [
            (self._share(left, heir) * float(self._frames(left).max()), lost, number)
            for lost, left in self._lost.items()
            for number, heir in heirs.items()
        ]
        for sureness, lost, number in sorted(found, reverse=True):
            if sureness > 0.0 and lost in self._lost and not heirs[number].inherited:
                self._inherit(heirs[number], self._lost.pop(lost))

    def _may_inherit(self, track: _Track) -> bool:
        return not track.inherited and 1e-9 * (track.seen_ns - track.born_ns) <= 2.0 * OVERLAP

    def _share(self, left: _Track, heir: _Track) -> float:
        """How sure it is, 0 to 1, that a track goes on with a lost one's person, by place and time."""
        absence = 1e-9 * (heir.born_ns - left.seen_ns)
        if absence < -OVERLAP:
            return 0.0
        reach = self._settings.reach + self._settings.reach_speed * max(absence, 0.0)
        distance = float(np.linalg.norm(heir.birthplace[:2] - left.position[:2]))
        return max(0.0, 1.0 - distance / reach)

    def _inherit(self, heir: _Track, left: _Track) -> None:
        """Add what was gathered before, less the doubt, as so few frames that new ones soon outweigh it."""
        share = self._share(left, heir)
        kept = share * np.minimum(1.0, INHERITED / np.maximum(left.weight, 1e-9))
        heir.total += share * kept * left.total
        heir.weight += kept * left.weight
        heir.inherited = True


def left_behind(track_id: int) -> int:
    """The number (below NOBODY) under which a jumped track's evidence waits for an heir."""
    return NOBODY - 1 - track_id
