"""Evidence for every wearer × track pair: similarity gathered over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray
from despite_ros.matching.settings import MatchingSettings


@dataclass
class _Track:
    """One track's column of evidence (per wearer), and where the track was last seen."""

    total: DoubleArray  # Σ weight · log-odds
    weight: DoubleArray  # Σ weight
    position: FloatArray
    seen_ns: int


class Evidence:
    """Log-odds of each pair being right, from a weighted mean that forgets.

    Overlapping windows are not independent: n gathered windows count as 1 + (n − 1) · independence.
    """

    def __init__(self, wearers: int, settings: MatchingSettings) -> None:
        self._wearers = wearers
        self._settings = settings
        self._tracks: dict[int, _Track] = {}
        self._lost: dict[int, _Track] = {}
        self._stamp_ns: int | None = None

    def follow(self, stamp_ns: int, track_ids: Sequence[int], positions: Sequence[FloatArray]) -> None:
        """Forget by the time that passed, set aside lost tracks, let new tracks inherit from them."""
        passed = 0.0 if self._stamp_ns is None else 1e-9 * (stamp_ns - self._stamp_ns)
        self._stamp_ns = stamp_ns
        keep = float(np.exp(-passed / self._settings.memory))
        for track in (*self._tracks.values(), *self._lost.values()):
            track.total *= keep
            track.weight *= keep
        for gone in set(self._tracks) - set(track_ids):
            self._lost[gone] = self._tracks.pop(gone)
        horizon = stamp_ns - round(1e9 * self._settings.lost_memory)
        self._lost = {number: track for number, track in self._lost.items() if track.seen_ns >= horizon}
        for number, position in zip(track_ids, positions, strict=True):
            if number in self._lost:
                self._tracks[number] = self._lost.pop(number)
            elif number not in self._tracks:
                self._tracks[number] = self._newcomer(stamp_ns, position)
            self._tracks[number].position = position
            self._tracks[number].seen_ns = stamp_ns

    def add(self, track_ids: Sequence[int], log_odds: AnyArray, weights: AnyArray) -> None:
        """One more window: log-odds wearers × tracks (NaN: no window), weights per wearer."""
        for column, number in enumerate(track_ids):
            track = self._tracks[number]
            known = np.isfinite(log_odds[:, column])
            track.total += np.where(known, weights * np.nan_to_num(log_odds[:, column]), 0.0)
            track.weight += np.where(known, weights, 0.0)

    @property
    def lost(self) -> tuple[int, ...]:
        """Tracks lost a short while ago."""
        return tuple(self._lost)

    def log_odds(self, track_ids: Sequence[int]) -> DoubleArray:
        """Wearers × tracks, present or lost; 0 where nothing has been gathered."""
        weight = self.gathered(track_ids)
        totals = [self._track(number).total for number in track_ids]
        mean = np.array(totals).reshape(-1, self._wearers).T / np.maximum(weight, 1e-9)
        windows = np.minimum(weight, 1.0) + self._settings.independence * np.maximum(weight - 1.0, 0.0)
        return np.asarray(mean * windows, np.float64)

    def gathered(self, track_ids: Sequence[int]) -> DoubleArray:
        """Windows gathered, wearers × tracks (weighted, after forgetting)."""
        weights = [self._track(number).weight for number in track_ids]
        return np.array(weights).reshape(-1, self._wearers).T

    def _track(self, number: int) -> _Track:
        return self._tracks[number] if number in self._tracks else self._lost[number]

    def _newcomer(self, stamp_ns: int, position: FloatArray) -> _Track:
        """A new track, which takes over from the nearest lost track within reach, less what is in doubt."""
        best, share = None, 0.0
        for number, track in sorted(self._lost.items()):
            absence = 1e-9 * (stamp_ns - track.seen_ns)
            reach = self._settings.reach + self._settings.reach_speed * absence
            distance = float(np.linalg.norm(position[:2] - track.position[:2]))
            if 1.0 - distance / reach > share:
                best, share = number, 1.0 - distance / reach
        if best is None:
            return _Track(np.zeros(self._wearers), np.zeros(self._wearers), position, stamp_ns)
        heir = self._lost.pop(best)
        return _Track(share * heir.total, share * heir.weight, position, stamp_ns)
