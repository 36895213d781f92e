"""The command over a small store and an untrained model: results as JSON, figures as files."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from despite_ros.simulation.skeleton import Span
from training.checkpoints import save
from training.data.store import SequenceInfo, StoreWriter
from training.evaluate import main
from training.networks import Despite

pytest.importorskip("qdrant_client")
FRAMES, PEOPLE = 26, 3


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """--model and --data of the command."""
    folder, rng = tmp_path_factory.mktemp("evaluate"), np.random.default_rng(0)
    torch.manual_seed(0)
    save(folder / "model.safetensors", Despite(("points", "imu"), width=16))
    with StoreWriter(folder / "store") as store:
        for number in range(PEOPLE):
            spans = (Span(0.0, 9.0, "walk"),)
            info = SequenceInfo(f"s{number}", f"p{number}", "test", "", "test", "made_up", 0, 0, spans=spans)
            points = rng.normal(0, 0.3, (FRAMES, 256, 3)).astype(np.float32)
            joints = rng.normal(size=(FRAMES, 24, 3)).astype(np.float32)
            store.add(info, points, rng.normal(size=(FRAMES, 48)).astype(np.float32), joints)
    return ["--model", str(folder / "model.safetensors"), "--data", str(folder / "store"), "--stride", "2"]


@pytest.mark.parametrize(
    ("task", "figures"),
    [
        ("moments", {"moment_imu_points.png", "moment_points_imu.png"}),
        ("retrieval", {"retrieval_imu_points.png", "retrieval_points_imu.png"}),
        ("embedding", {"embedding.png"}),
    ],
)
def test_a_task_gives_its_result_and_figures(
    task: str, figures: set[str], words: list[str], tmp_path: Path
) -> None:
    result = tmp_path / "result.json"
    given = ["--queries", "2", "--figures", str(tmp_path / "figures"), "--json", str(result)]
    assert main([task, *words, *given]) == 0
    assert json.loads(result.read_text())
    assert {path.name for path in (tmp_path / "figures").iterdir()} == figures


def test_a_missing_store_is_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retrieval", *words[:2]]) == 2
    assert "--data STORE is needed" in capsys.readouterr().err
