"""Retrieval from a motion database, any modality to any (DeSPITE, section 4.8, Figures 5 and 6).

Windows of modality A ask among all windows of modality B of other people. What comes back is judged by
what the query and the retrieved people really did: by activity, and by the distance of their joints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.bags.vectors import MEMORY, Hit, VectorStore
from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES
from training.data.batches import LABEL_FRAME
from training.data.store import SequenceStore, StoredSequence
from training.tasks.embedding import EmbeddedSequence


@dataclass(frozen=True)
class RetrievalSettings:
    """queries: windows that ask, drawn at random. ranks: numbers k of windows that come back."""

    queries: int = 200
    ranks: tuple[int, ...] = (1, 5, 10)
    seed: int = 0


@dataclass(frozen=True)
class Window:
    """A window of a sequence: its first frame."""

    sequence: StoredSequence
    start: int

    @property
    def label(self) -> str:
        """Activity in its middle, "" where there is none."""
        return self.sequence.label_at(self.start + LABEL_FRAME)

    @property
    def skeleton(self) -> FloatArray:
        """24×24×3 joints relative to the pelvis, metres."""
        return self.sequence.skeleton(self.start)


@dataclass(frozen=True)
class Answer:
    """A query's modality and window, and the windows found for it in a modality, best first."""

    ask: str
    among: str
    query: Window
    found: tuple[Window, ...]
    similarity: tuple[float, ...]


class Database:
    """The windows of sequences, by person and modality, in a vector store.

    place: as `VectorStore`. stride: of the windows that are kept, in windows.
    """

    def __init__(
        self,
        store: SequenceStore,
        sequences: Sequence[EmbeddedSequence],
        place: str = MEMORY,
        stride: int = 1,
    ) -> None:
        long_enough = [item for item in store.sequences if item.info.frames >= FRAMES]
        self.pairs = list(zip(long_enough, sequences, strict=True))
        if not self.pairs:
            raise UserError(f"retrieval: no sequence with a window of {FRAMES} frames")
        width = next(iter(sequences[0].embeddings.values())).shape[1]
        self.vectors = VectorStore(place, f"motions-{width}", width)
        self._doing: dict[str, set[str]] = {}
        for index, (sequence, embedded) in enumerate(self.pairs):
            for start in embedded.starts.tolist():
                self._doing.setdefault(Window(sequence, start).label, set()).add(embedded.info.person)
            for modality, rows in embedded.embeddings.items():
                shared = {"sequence": index, "person": embedded.info.person, "modality": modality}
                starts = embedded.starts[::stride].tolist()
                self.vectors.add(rows[::stride], [{**shared, "start": start} for start in starts])

    def answer(self, at: tuple[int, int], ask: str, among: str, count: int) -> Answer:
        """The `count` windows of other people most similar to the window `at` (sequence, window)."""
        index, window = at
        sequence, embedded = self.pairs[index]
        without = {"person": embedded.info.person}
        row = embedded.embeddings[ask][window]
        hits = self.vectors.nearest(row, count, {"modality": among}, without)
        found = tuple(self._window(hit) for hit in hits)
        query = Window(sequence, int(embedded.starts[window]))
        return Answer(ask, among, query, found, tuple(hit.similarity for hit in hits))

    def done_by_others(self, query: Window) -> bool:
        """Whether the query has a label, and somebody else does the same."""
        return bool(query.label) and bool(self._doing[query.label] - {query.sequence.info.person})

    def _window(self, hit: Hit) -> Window:
        return Window(self.pairs[hit.payload["sequence"]][0], int(hit.payload["start"]))


def retrieval(
    database: Database, ask: str, among: str, settings: RetrievalSettings
) -> tuple[dict[str, Any], list[Answer]]:
    """Figures of modality `ask` asking among `among`, and the answers that they come from.

    label_precision: {k: share of the k best that do what the query does, of those with a label}, over the
    queries whose activity somebody else does too.
    joint_error_m: {k: mean distance of the joints of query and the nearest of the k best, turned about z
    to fit}. Beside them what random windows of other people would give ("chance").

    Raises:
        UserError: no sequence has the modality that asks.
    """
    rng = np.random.default_rng(settings.seed)
    able = [index for index, (_, item) in enumerate(database.pairs) if ask in item.embeddings]
    if not able:
        raise UserError(f"retrieval {ask} → {among}: no sequence has {ask}")
    windows = [(index, w) for index in able for w in range(len(database.pairs[index][1]))]
    chosen = rng.permutation(len(windows))[: settings.queries]
    answers = [database.answer(windows[i], ask, among, max(settings.ranks)) for i in chosen]
    answers = [answer for answer in answers if answer.found]
    if not answers:
        raise UserError(f"retrieval {ask} → {among}: no other person has {among}")
    by_chance = [_at_random(database, answer, max(settings.ranks), rng) for answer in answers]
    figures = {str(k): _measure(database, answers, k) for k in settings.ranks}
    chance = {str(k): _measure(database, by_chance, k) for k in settings.ranks}
    named = {
        name: {k: found[name] for k, found in figures.items()}
        | {f"chance {k}": found[name] for k, found in chance.items()}
        for name in ("label_precision", "joint_error_m")
    }
    return {"queries": len(answers), **named}, answers


def joint_error(one: FloatArray, other: FloatArray) -> float:
    """Mean distance (metres) of joints F×24×3 relative to the pelvis, the other turned about z to fit."""
    dot = float(np.vdot(one[..., :2], other[..., :2]))
    cross = float((one[..., 1] * other[..., 0] - one[..., 0] * other[..., 1]).sum())
    angle = np.arctan2(cross, dot)
    c, s = np.cos(angle), np.sin(angle)
    turned = other @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    return float(np.linalg.norm(one - turned, axis=-1).mean())


def _measure(database: Database, answers: Sequence[Answer], count: int) -> Mapping[str, float]:
    shares, errors = [], []
    for answer in answers:
        labels = [window.label for window in answer.found[:count] if window.label]
        if labels and database.done_by_others(answer.query):
            shares.append(labels.count(answer.query.label) / len(labels))
        query = answer.query.skeleton
        errors.append(min(joint_error(query, window.skeleton) for window in answer.found[:count]))
    precision = float(np.mean(shares)) if shares else float("nan")
    return {"label_precision": round(precision, 4), "joint_error_m": round(float(np.mean(errors)), 4)}


def _at_random(database: Database, answer: Answer, count: int, rng: np.random.Generator) -> Answer:
    """The same query with random windows of other people."""
    person = answer.query.sequence.info.person
    others = [(sequence, item) for sequence, item in database.pairs if item.info.person != person]
    weights = np.array([len(item) for _, item in others], np.float64)
    drawn = rng.choice(len(others), count, p=weights / weights.sum())
    found = tuple(Window(others[i][0], int(rng.choice(others[i][1].starts))) for i in drawn)
    return Answer(answer.ask, answer.among, answer.query, found, (0.0,) * count)
