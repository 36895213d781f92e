"""Three people who walk and three who wave; embeddings that know who does what."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES, POINTS
from despite_ros.simulation.skeleton import Span
from training.data.store import CROP_STEP, SequenceInfo, SequenceStore, StoredSequence
from training.tasks.embedding import EmbeddedSequence, alignment
from training.tasks.figures import (
    draw_confusion,
    draw_embedding,
    draw_matching,
    draw_moment_curves,
    draw_moments,
    draw_retrievals,
)
from training.tasks.retrieval import Database, RetrievalSettings, joint_error, retrieval

pytest.importorskip("qdrant_client")
WINDOWS, WIDTH = 12, 16
MEANINGS = np.linalg.qr(np.random.default_rng(9).normal(size=(WIDTH, 2)))[0].T
POSES = np.random.default_rng(8).normal(size=(2, 24, 3))


def sequence(number: int) -> StoredSequence:
    """Number 0, 2, 4 walk, the others wave; everybody stands turned another way."""
    frames, rng = FRAMES + WINDOWS - 1, np.random.default_rng(number)
    label = ("walk", "wave")[number % 2]
    spans = (Span(0.0, 10.0, label),)
    info = SequenceInfo(f"s{number}", f"p{number}", "test", "", "test", "made_up", 0, frames, spans=spans)
    turn = Rotation.from_euler("z", number).as_matrix()
    joints = np.broadcast_to((POSES[number % 2] @ turn.T).astype(np.float32), (frames, 24, 3))
    crops = (rng.normal(0, 0.3, (frames, POINTS, 3)) / CROP_STEP).astype(np.int16)
    return StoredSequence(info, crops, np.zeros((frames, 48), np.float32), joints)


def embedded(item: StoredSequence, number: int, knowing: float) -> EmbeddedSequence:
    rng = np.random.default_rng(100 + number)
    embeddings = {}
    for modality in ("points", "imu"):
        rows = knowing * MEANINGS[number % 2] + 0.1 * rng.normal(size=(WINDOWS, WIDTH))
        embeddings[modality] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return EmbeddedSequence(item.info, np.arange(WINDOWS), embeddings, np.ones(WINDOWS, np.bool_))


def room(knowing: float = 1.0) -> tuple[SequenceStore, list[EmbeddedSequence]]:
    store = SequenceStore(tuple(sequence(i) for i in range(6)))
    return store, [embedded(item, i, knowing) for i, item in enumerate(store.sequences)]


def test_what_means_the_same_is_retrieved_from_others() -> None:
    found, answers = retrieval(Database(*room()), "imu", "points", RetrievalSettings(20, (1, 5)))
    assert found["queries"] == 20
    assert found["label_precision"]["1"] == found["label_precision"]["5"] == 1.0
    assert found["label_precision"]["chance 5"] == pytest.approx(2 / 5, abs=0.15)
    assert found["joint_error_m"]["1"] == pytest.approx(0.0, abs=1e-5)
    assert found["joint_error_m"]["chance 1"] > 0.3
    for answer in answers:
        people = {window.sequence.info.person for window in answer.found}
        assert answer.query.sequence.info.person not in people


def test_embeddings_that_know_nothing_retrieve_by_chance() -> None:
    found, _ = retrieval(Database(*room(knowing=0.0)), "points", "points", RetrievalSettings(72, (5,)))
    assert found["label_precision"]["5"] == pytest.approx(2 / 5, abs=0.15)


def test_a_database_on_disk_answers_the_same(tmp_path: Path) -> None:
    settings = RetrievalSettings(10, (3,))
    database = Database(*room(), str(tmp_path / "db"))
    on_disk = retrieval(database, "imu", "points", settings)[0]
    database.vectors.close()
    assert on_disk == retrieval(Database(*room()), "imu", "points", settings)[0]


def test_joint_error_does_not_mind_the_heading() -> None:
    one = np.random.default_rng(0).normal(size=(FRAMES, 24, 3)).astype(np.float32)
    turned = (one @ Rotation.from_euler("z", 2.0).as_matrix().T).astype(np.float32)
    assert joint_error(one, turned) == pytest.approx(0.0, abs=1e-5)
    assert joint_error(one, one + np.array([0, 0, 0.1], np.float32)) == pytest.approx(0.1, abs=1e-3)


def test_nobody_else_is_an_error() -> None:
    store, sequences = room()
    alone = Database(SequenceStore(store.sequences[:1]), sequences[:1])
    with pytest.raises(UserError, match="no other person"):
        retrieval(alone, "imu", "points", RetrievalSettings(5))


def test_alignment_tells_meaning_from_noise() -> None:
    found = alignment(room()[1], "imu", "points")
    assert found["same window"] > 0.8 > found["different sequences"]
    nothing = alignment(room(knowing=0.0)[1], "imu", "points")
    assert abs(nothing["same window"] - nothing["different sequences"]) < 0.2


def test_figures_are_drawn(tmp_path: Path) -> None:
    store, sequences = room()
    _, answers = retrieval(Database(store, sequences), "imu", "points", RetrievalSettings(6, (3,)))
    accuracy = {"2": {"1": 0.9, "4": 1.0}, "8": {"1": 0.5, "4": 0.8}}
    matched = {"imu → points": {"all": accuracy, "moving": accuracy}}
    draw_matching({"ours": matched, "other": matched}, tmp_path / "matching.png")
    draw_moments({"ours": {"chance": {"1": 0.1}, "imu → points": {"1": 0.2}}}, tmp_path / "moments.png")
    heads = {"points": {"labels": ["sit", "lie"], "confusion": [[3, 1], [0, 0]], "accuracy": 0.75}}
    draw_confusion(heads, tmp_path / "confusion.png")
    draw_moment_curves(sequences, "imu", "points", tmp_path / "curves.png")
    draw_retrievals(answers, tmp_path / "retrieval.png", count=2)
    draw_embedding(store, sequences, tmp_path / "embedding.png", count=3)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert len(sizes) == 6
    assert all(5_000 < size < 500_000 for size in sizes.values())
