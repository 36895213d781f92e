"""Matching: whose IMU is it among n people? (DeSPITE, section 4.1, Figure 2)

A scene draws n windows of different sequences: a random person, a random sequence of theirs, a random
start. Modality A of each asks among modality B of all; the answer is the largest mean cosine over W
consecutive windows. The figure is the share of right answers, averaged over scenes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from despite_ros.arrays import IntArray
from despite_ros.errors import UserError
from training.tasks.embedding import EmbeddedSequence

PEOPLE = (2, 4, 8, 12, 16, 20, 24, 28, 32)
WINDOWS = (1, 2, 4)


@dataclass(frozen=True)
class MatchingSettings:
    """people: sizes n. windows: numbers W of consecutive windows. scenes: of each size.

    moving_only: draw only windows in which the person moves. as_released: the authors' code's slips,
    for comparison with their figures: query and candidates exchanged, draws with repetition.
    """

    people: tuple[int, ...] = PEOPLE
    windows: tuple[int, ...] = WINDOWS
    scenes: int = 1000
    seed: int = 0
    moving_only: bool = False
    as_released: bool = False


def matching(
    sequences: Sequence[EmbeddedSequence], ask: str, among: str, settings: MatchingSettings
) -> dict[str, dict[str, float]]:
    """{"n": {"W": accuracy}} of modality `ask` asking among modality `among`.

    Raises:
        UserError: no sequence has both modalities and the longest run of windows.
    """
    if settings.as_released:
        ask, among = among, ask
    length = max(settings.windows)
    pool = _Pool.of(sequences, ask, among, length, settings.moving_only)
    rng = np.random.default_rng(settings.seed)
    accuracy: dict[str, dict[str, float]] = {}
    for people in settings.people:
        right = np.zeros(len(settings.windows))
        for _ in range(settings.scenes):
            drawn = pool.draw(people, rng, settings.as_released)
            right += _scene(drawn, ask, among, settings.windows)
        accuracy[str(people)] = {
            str(count): float(share)
            for count, share in zip(settings.windows, right / settings.scenes, strict=True)
        }
    return accuracy


def _scene(
    drawn: list[tuple[EmbeddedSequence, int]], ask: str, among: str, windows: Sequence[int]
) -> IntArray:
    """Share of right answers of one scene for each number of windows."""
    length = max(windows)
    queries = np.stack([item.embeddings[ask][start : start + length] for item, start in drawn], axis=1)
    candidates = np.stack([item.embeddings[among][start : start + length] for item, start in drawn], axis=1)
    similarity = queries @ candidates.transpose(0, 2, 1)
    truth = np.arange(len(drawn))
    shares = [(similarity[:count].mean(axis=0).argmax(axis=1) == truth).mean() for count in windows]
    return np.array(shares)


@dataclass(frozen=True)
class _Pool:
    """Sequences by person, with the windows where a run may start."""

    by_person: tuple[tuple[tuple[EmbeddedSequence, IntArray], ...], ...]

    @classmethod
    def of(
        cls, sequences: Sequence[EmbeddedSequence], ask: str, among: str, length: int, moving_only: bool
    ) -> "_Pool":
        people: dict[str, list[tuple[EmbeddedSequence, IntArray]]] = {}
        for item in sequences:
            if {ask, among} <= item.embeddings.keys():
                starts = np.arange(len(item) - length + 1)
                starts = starts[item.moving[starts]] if moving_only and len(starts) else starts
                if len(starts):
                    people.setdefault(item.info.person, []).append((item, starts))
        if not people:
            raise UserError(f"matching {ask} → {among}: no sequence has both and {length} windows in a row")
        return cls(tuple(tuple(people[name]) for name in sorted(people)))

    def draw(
        self, people: int, rng: np.random.Generator, repeat: bool = False
    ) -> list[tuple[EmbeddedSequence, int]]:
        """n runs, no sequence twice as long as the set allows it (never minded with `repeat`)."""
        used: set[tuple[int, int]] = set()
        drawn: list[tuple[EmbeddedSequence, int]] = []
        total = sum(map(len, self.by_person))
        while len(drawn) < people:
            if len(used) == total:
                used.clear()
            person = int(rng.integers(len(self.by_person)))
            index = int(rng.integers(len(self.by_person[person])))
            if repeat or (person, index) not in used:
                used.add((person, index))
                item, starts = self.by_person[person][index]
                drawn.append((item, int(starts[rng.integers(len(starts))])))
        return drawn
