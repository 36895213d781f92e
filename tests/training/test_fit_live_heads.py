from pathlib import Path

import numpy as np
import pytest

from despite_ros.activities import ACTIVITIES
from despite_ros.encoders import load
from despite_ros.encoders.card import check_files, read_card
from tests.encoders.made_up_model import WIDTH, write_model
from training.data.live import LiveRows, rows_of
from training.data.scenes import Job
from training.fit_live_heads import fit, main

KNOWN = np.array([ACTIVITIES.index(name) for name in ("walk", "sit", "run")])


def rows(rng: np.random.Generator, count: int, mixed: float = 0.0) -> LiveRows:
    """Embeddings that tell sitting from going, and a track's cue that tells walking from running."""
    label = rng.integers(3, size=count)
    points = np.eye(8, dtype=np.float32)[label % 2]  # walking and running alike
    cue = np.stack([label == 2, label == 1], axis=1) * 40.0 + rng.normal(size=(count, 2))
    label = np.where(rng.random(count) < mixed, rng.integers(3, size=count), label)
    nothing = rng.normal(size=(count, 1))
    return LiveRows(points, points, cue.astype(np.float32), nothing.astype(np.float32), KNOWN[label])


def test_cues_tell_apart_what_embeddings_do_not_and_confidence_is_what_is_right() -> None:
    rng = np.random.default_rng(0)
    _, found = fit(rows(rng, 1500), rows(rng, 1500, mixed=0.45))
    for name, wanted in (("points", 0.7), ("both", 0.7), ("imu", 0.5)):
        assert found[name]["accuracy"] == pytest.approx(wanted, abs=0.06)
        assert found[name]["confidence"] == pytest.approx(found[name]["accuracy"], abs=0.12)


def test_the_command_reads_rooms_and_writes_heads_that_the_runtime_uses(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    folder = write_model(tmp_path / "model")
    read = rows_of(Job(0, "train", 5, 3, 6.0), folder)
    assert len(read.labels) and read.points.shape == read.imu.shape == (len(read.labels), WIDTH)
    np.testing.assert_allclose(np.linalg.norm(read.points, axis=1), 1, atol=1e-5)
    rooms = ["--scenes", "1", "--seconds", "6", "--seed", "5", "--rows", str(tmp_path / "rows")]
    (tmp_path / "rows").mkdir()
    for group in ("train", "validate"):
        np.savez(tmp_path / "rows" / f"scene-{group}-5-0000.npz", **vars(read))
    before = load(folder, "cpu", say=lambda text: None)
    assert main([str(folder), *rooms]) == 0
    check_files(read_card(folder), folder)
    after = load(folder, "cpu", say=lambda text: None)
    alone = after.activity(read.points, None)
    np.testing.assert_array_equal(alone, before.activity(read.points, None))
    given = after.activity(read.points, read.imu, read.track_cues, read.wearer_cues)
    assert given.shape == (len(read.labels), len(ACTIVITIES))
    np.testing.assert_array_equal(
        before.activity(read.points, None, read.track_cues), before.activity(read.points, None)
    )
