from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from despite_ros.activities import ACTIVITIES
from despite_ros.arrays import FloatArray, IntArray
from despite_ros.encoders.card import Card, check_files, read_card, write_card
from despite_ros.encoders.heads import ActivityHeads
from despite_ros.simulation.skeleton import Span
from training.checkpoints import WEIGHTS, read, released_state
from training.data.store import SequenceInfo, StoreWriter
from training.fit_heads import fit_head, main
from training.networks import Despite

KNOWN = ("walk", "sit", "wave")


def clusters(rng: np.random.Generator, count: int, mixed: float = 0.0) -> tuple[FloatArray, IntArray]:
    """Unit vectors about one axis a label; a share of the labels is drawn anew."""
    number = rng.integers(len(KNOWN), size=count)
    rows = np.eye(8)[number] + 0.1 * rng.normal(size=(count, 8))
    number = np.where(rng.random(count) < mixed, rng.integers(len(KNOWN), size=count), number)
    labels = np.array([ACTIVITIES.index(name) for name in KNOWN])[number]
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32), labels


def test_a_head_is_as_sure_as_it_is_right() -> None:
    rng = np.random.default_rng(0)
    rows, labels = clusters(rng, 300)
    other, truth = clusters(rng, 2000, mixed=0.45)  # harder than what was learned from
    head = fit_head(rows, labels, other, truth)
    probabilities = np.exp(head.log_probabilities(other))
    right = probabilities.argmax(axis=1) == truth
    assert right.mean() == pytest.approx(0.7, abs=0.05)
    assert probabilities.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.05)
    assert probabilities[:, ACTIVITIES.index("dance")].max() < 1e-3  # nobody showed it


def test_the_command_writes_heads_that_the_runtime_reads(tmp_path: Path) -> None:
    torch.manual_seed(0)
    folder, rng = tmp_path / "model", np.random.default_rng(0)
    model = Despite(("points", "imu"), 16, in_sampling_order=True)
    folder.mkdir()
    save_file(released_state(model), folder / WEIGHTS)
    write_card(Card("small", "1", 16, labels=ACTIVITIES), folder)
    with StoreWriter(tmp_path / "store") as store:
        for number in range(12):
            spans, group = (Span(0.0, 9.0, KNOWN[number % 3]),), ("train", "validate")[number // 6]
            info = SequenceInfo(f"s{number}", f"p{number}", "test", "", group, "made_up", 0, 0, spans=spans)
            imu = rng.normal(0, 0.05, (30, 48)).astype(np.float32)
            imu[:, number % 3] += 1
            store.add(info, rng.normal(0, 0.3, (30, 256, 3)).astype(np.float32), imu)
    assert main([str(folder), "--data", str(tmp_path / "store"), "--stride", "3"]) == 0
    check_files(read_card(folder), folder)
    heads = read(folder).heads
    assert heads is not None
    runtime = ActivityHeads({name: value.numpy() for name, value in heads.state_dict().items()})
    rows = rng.normal(size=(5, 16)).astype(np.float32)
    torch_rows = {"imu": torch.from_numpy(rows)}
    np.testing.assert_allclose(
        runtime.probabilities(None, rows), heads(torch_rows)["imu"].softmax(1).detach().numpy(), atol=1e-6
    )
    assert set(read_card(folder).measured["heads"]["result"]["validate"]) == {"points", "imu", "both"}
