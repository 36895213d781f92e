"""Similarity of the newest windows in, names of the tracks out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from despite_ros.arrays import AnyArray, BoolArray, DoubleArray, FloatArray, IntArray
from despite_ros.limbs import LIMBS
from despite_ros.matching.assignment import assign, marginals
from despite_ros.matching.evidence import Evidence, Source, left_behind
from despite_ros.matching.presence import Presence
from despite_ros.matching.settings import MatchingSettings
from despite_ros.matching.swaps import SwapWatch
from despite_ros.records import NOBODY, Assignment, State

LEAST_RIVAL = 0.0  # log-odds; a rival that is unlikely itself makes no difference
UNSEEN = -3.0  # log-odds, at most, of a pair that no full window has spoken for
SURE = 0.9  # confidence of a name from which its wearer counts as being there


@dataclass(frozen=True, slots=True)
class MatchingFrame:
    """What one frame says about M wearers and K tracks.

    positions: K × (x, y, z), m. similarity: M×K, cosine, NaN where a window is not full. weights: M×K, of
    these windows, 0 where one was told before. travel, changes: M×K, log-odds of the `TravelCue` and the
    `ChangeCue` (NaN: not known yet). moving, going: M and K, 0 for a wearer and a track at rest to 1.
    sensors: M, how many of the wearer's are heard. visible: K, whether a sweep hit the track a short while
    ago. jumped: tracks that have changed hands.
    """

    stamp_ns: int
    track_ids: Sequence[int]
    positions: Sequence[FloatArray]
    similarity: FloatArray
    weights: DoubleArray
    travel: DoubleArray
    changes: DoubleArray
    moving: DoubleArray
    going: DoubleArray
    sensors: IntArray
    visible: BoolArray
    jumped: Sequence[int] = ()

    def of_visible(self) -> "MatchingFrame":
        """The same without the tracks that are not visible."""
        kept = [column for column, seen in enumerate(self.visible) if seen]
        return replace(
            self,
            track_ids=[self.track_ids[column] for column in kept],
            positions=[self.positions[column] for column in kept],
            similarity=self.similarity[:, kept],
            weights=self.weights[:, kept],
            travel=self.travel[:, kept],
            changes=self.changes[:, kept],
            going=self.going[kept],
            visible=self.visible[kept],
        )


class Matcher:
    """Gathers evidence and assigns wearers to tracks, one to one, each frame.

    scale, bias: the model's calibration, log-odds of a pair being right = scale · cosine + bias.
    """

    def __init__(self, wearers: Sequence[str], scale: float, bias: float, settings: MatchingSettings) -> None:
        self._wearers = tuple(wearers)
        self._scale, self._bias = scale, bias
        self._settings = settings
        self._sure = 1.0 - settings.astray
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        count, settings = len(self._wearers), self._settings
        moving = Source(settings.independence, settings.persistence)
        resting = Source(settings.independence, settings.resting_persistence)
        travel = Source(settings.travel_independence, settings.travel_persistence, names=False)
        changes = Source(settings.change_independence, settings.change_persistence, names=False)
        self._evidence = Evidence(count, (moving, resting, travel, changes), settings.memory, settings)
        self._recent = Evidence(count, (moving, moving, travel, changes), settings.swap_memory, settings)
        self._presence = Presence(count, settings)
        self._swaps = SwapWatch(settings)
        self._current = [NOBODY] * count  # track_id, kept while that track is lost
        self._trust = np.zeros(count)  # log-odds that spoke for it at its best, at most the inertia

    def update(self, frame: MatchingFrame) -> tuple[Assignment, ...]:
        """Take in one frame and name the tracks."""
        visible = frame.of_visible()
        self._current = [left_behind(n) if n in frame.jumped else n for n in self._current]
        self._gather(visible)
        self._mend_swaps(visible)
        candidates = [*visible.track_ids, *self._evidence.lost]
        gathered = self._evidence.gathered(candidates)
        log_odds = self._log_odds(candidates, gathered)
        current = self._on_current(candidates)
        held = log_odds + self._settings.inertia * current
        trusted = log_odds + self._trust[:, None] * current
        chosen, odds = assign(held), marginals(np.stack([held, trusted]))
        belief, said = self._sure * odds
        least = self._least_confidences(frame.moving)
        decided = [
            self._decide(index, candidates, int(chosen[index]), belief[index], said[index], least[index])
            for index in range(len(self._wearers))
        ]
        self._remember(chosen, decided, log_odds)
        heard = gathered.max(axis=1, initial=0.0) > 0.0
        seen = [self._seen(item, index, frame, bool(heard[index])) for index, item in enumerate(decided)]
        sure = [item.state == State.ASSIGNED and item.confidence > SURE for item in seen]
        there = np.where(heard, 1.0 - odds[1, :, -1], np.nan)
        self._presence.follow(frame.stamp_ns, np.array(sure, np.bool_), there)
        return tuple(seen)

    def _gather(self, frame: MatchingFrame) -> None:
        """Add the frame's evidence, of windows, travel and changes, to what there is.

        Windows in which wearer or track moves and those in which both rest are gathered apart: minutes of
        standing like somebody else are not to outweigh the seconds in which one of the two walked.
        """
        missing = (len(LIMBS) - frame.sensors)[:, None]
        windows = self._scale * (frame.similarity + self._settings.sensor_fall * missing) + self._bias
        windows -= self._settings.rivals * (best_rivals(windows) + best_rivals(windows.T).T)
        travel = self._settings.travel_weight * frame.travel
        changes = self._settings.change_weight * frame.changes
        log_odds = np.stack([windows, windows, travel, changes])
        heard = np.broadcast_to(frame.sensors[:, None] > 0, frame.similarity.shape)
        moves = np.maximum(frame.moving[:, None], frame.going) > self._settings.moving_share
        weights = np.stack([frame.weights * moves, frame.weights * ~moves, heard, frame.weights])
        for evidence in (self._evidence, self._recent):
            evidence.follow(frame.stamp_ns, frame.track_ids, frame.positions, frame.jumped)
            evidence.add(frame.track_ids, log_odds, weights)

    def _mend_swaps(self, frame: MatchingFrame) -> None:
        """Let evidence and names change places where two tracks have gone on with each other's person."""
        self._swaps.follow(frame.stamp_ns, frame.track_ids, frame.positions)
        names = {number: index for index, number in enumerate(self._current) if number != NOBODY}
        recent = self._recent.log_odds(frame.track_ids)
        for one, other in self._swaps.swapped(frame.track_ids, recent, names):
            self._evidence.exchange(one, other)
            turned = {one: other, other: one}
            self._current = [turned.get(number, number) for number in self._current]

    def _log_odds(self, candidates: Sequence[int], gathered: DoubleArray) -> DoubleArray:
        """Evidence and prior: wearers × candidates, against being absent.

        Travel alone names nobody: many go alike for a second.
        """
        log_odds = self._evidence.log_odds(candidates) + self._prior(len(candidates))
        return np.where(gathered > 0.0, log_odds, np.minimum(log_odds, UNSEEN))

    def _on_current(self, candidates: Sequence[int]) -> BoolArray:
        """Wearers × candidates: whether the wearer goes by this track's name now."""
        return np.asarray(np.array(self._current)[:, None] == np.array(candidates, np.int64), np.bool_)

    def _prior(self, tracks: int) -> DoubleArray:
        """Log-odds, before any evidence, of one track against the wearer being absent: wearers × 1."""
        return np.asarray(self._presence.log_odds()[:, None] - np.log(max(tracks, 1)), np.float64)

    def _least_confidences(self, moving: DoubleArray) -> DoubleArray:
        """From which belief each wearer is given a new name: people at rest are much like each other."""
        moved, rests = self._settings.assign_confidence, self._settings.resting_confidence
        return np.asarray(moved + (1.0 - moving) * max(rests - moved, 0.0), np.float64)

    def _decide(
        self,
        index: int,
        candidates: Sequence[int],
        chosen: int,
        belief: DoubleArray,
        said: DoubleArray,
        least: float,
    ) -> Assignment:
        """The wearer's candidate if it is sure enough, else whether it is absent or not known yet.

        belief: with the hysteresis, which keeps names. said: without, which is what a name is worth. least:
        belief from which there is a new name.
        """
        number = candidates[chosen] if chosen != NOBODY else NOBODY
        kept = number == self._current[index]
        if belief[chosen] < (self._settings.keep_confidence if kept else least):
            number, chosen = NOBODY, NOBODY
        confidence = float(said[chosen])
        state = State.ASSIGNED
        if number == NOBODY:
            state = State.ABSENT if confidence >= self._settings.absent_confidence else State.GATHERING
        margin = max(confidence - float(np.delete(said, chosen).max(initial=0.0)), 0.0)
        return Assignment(self._wearers[index], number, float("nan"), confidence, margin, state)

    def _remember(self, chosen: IntArray, decided: Sequence[Assignment], log_odds: DoubleArray) -> None:
        """Keep the names, and how much spoke for each at its best."""
        for index, item in enumerate(decided):
            before = self._trust[index] if item.track_id == self._current[index] else 0.0
            spoke = log_odds[index, chosen[index]] if item.track_id != NOBODY else 0.0
            self._trust[index] = max(before, min(spoke, self._settings.inertia))
            self._current[index] = item.track_id

    def _seen(self, decided: Assignment, index: int, frame: MatchingFrame, heard: bool) -> Assignment:
        """What can be said now: nobody for silent sensors, before any full window, and for a lost track.

        On a track that is still predicted, though no sweep hits it, the name stays, as stale.
        """
        if not frame.sensors[index]:
            return replace(decided, track_id=NOBODY, state=State.STALE)
        if not heard:
            return replace(decided, track_id=NOBODY, state=State.GATHERING)
        if decided.track_id == NOBODY:
            return decided
        if decided.track_id not in frame.track_ids:
            return replace(decided, track_id=NOBODY, state=State.STALE)
        column = list(frame.track_ids).index(decided.track_id)
        state = decided.state if frame.visible[column] else State.STALE
        return replace(decided, similarity=float(frame.similarity[index, column]), state=state)


def best_rivals(log_odds: AnyArray) -> DoubleArray:
    """For each entry the largest other entry of its row, at least LEAST_RIVAL; 0 where there is none.

    Where a wearer is like several tracks alike, or a track like several wearers, likeness tells less.
    """
    known = np.maximum(np.where(np.isfinite(log_odds), log_odds, -np.inf), LEAST_RIVAL).astype(np.float64)
    if known.shape[1] < 2:
        return np.zeros_like(known)
    second, best = np.partition(known, -2, axis=1)[:, -2:].T[:, :, None]
    return np.asarray(np.where(known == best, second, best), np.float64)


def moving_shares(motion: AnyArray, half: float) -> DoubleArray:
    """How much somebody moves, 0 at rest to 1. motion: rms of a measure, at `half` of which it is 0.5."""
    return np.asarray(motion**2 / (motion**2 + half**2 + 1e-9), np.float64)


def window_weights(
    moving: DoubleArray, going: DoubleArray, seen: DoubleArray, settings: MatchingSettings
) -> DoubleArray:
    """Weights wearers × tracks of windows: more where one of the two moves and the person was really seen.

    moving, going: per wearer and per track, 0 to 1. seen: per track, share of the window's frames in which a
    sweep hit it.
    """
    moves = np.maximum(moving[:, None], going)
    return np.asarray((settings.resting_weight + (1.0 - settings.resting_weight) * moves) * seen, np.float64)
