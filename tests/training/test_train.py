import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from despite_ros.config import flatten
from despite_ros.encoders.card import read_card
from despite_ros.errors import UserError
from training.checkpoints import read
from training.data.augment import NONE, PAPER
from training.data.simulated import Job, fill
from training.data.store import SequenceStore
from training.release import main as release
from training.settings import TrainSettings
from training.train import LAST, SETTINGS_FILE, main, plain, settings_from, train
from training.trainer import Trainer, learning_rate_factor

Stores = dict[str, Any]  # settings `data` and `validate`
State = dict[str, torch.Tensor]
SMALL = TrainSettings(
    width=16, batch=8, steps=4, warmup=2, threads=1, watch_every=2, keep_every=2, device="cpu"
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    folder = tmp_path_factory.mktemp("stores")
    for group in ("train", "validate"):
        fill(folder / group, [Job("made_up", i, group, 0, 3.2) for i in range(12)], workers=1)
    return {"data": (str(folder / "train"),), "validate": (str(folder / "validate"),)}


def run(stores: Stores, out: Path, resume: bool = False, **changes: Any) -> Trainer:
    return train(replace(SMALL, out=str(out), **(stores | changes)), resume)


def state(trainer: Trainer) -> State:
    return {name: value.clone() for name, value in trainer.averaged.items()}


def assert_same(one: State, other: State, tolerance: float = 0.0) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=tolerance)


def test_a_resumed_run_equals_an_unbroken_one(stores: Stores, tmp_path: Path) -> None:
    whole = run(stores, tmp_path / "whole", decay=0.0)
    run(stores, tmp_path / "broken", decay=0.0, steps=2)
    resumed = run(stores, tmp_path / "broken", decay=0.0, resume=True)
    # BLAS sums in an order that depends on where arrays lie in memory, and Adam makes steps of about lr from
    # gradients near 0 too: equal to a five hundredth of a step. Without Adam's moments they differ by 0.02.
    assert_same(state(resumed), state(whole), tolerance=2e-6)
    assert {"last.pt", "step_000002.pt", "settings.yaml", "model.safetensors", "tensorboard"} <= {
        path.name for path in (tmp_path / "whole").iterdir()
    }


def test_a_run_goes_on_from_a_released_model(stores: Stores, tmp_path: Path) -> None:
    """Scale of the IMU's input and all: before the first step the embeddings are the released ones."""
    run(stores, tmp_path / "first")
    released = tmp_path / "first" / "model.safetensors"
    again = Trainer(replace(SMALL, **stores))
    again.start_from(read(released), str(released))
    imu = torch.randn(3, 24, 48, generator=torch.manual_seed(0))
    torch.testing.assert_close(again.model.encode(imu=imu), read(released).model.encode(imu=imu))
    assert run(stores, tmp_path / "second", initial=str(released), steps=1).step == 1


def test_released_point_embeddings_have_unit_entries_and_the_same_directions(
    stores: Stores, tmp_path: Path
) -> None:
    trained, _ = run(stores, tmp_path, lr=0.1).released()
    released = read(tmp_path / "model.safetensors").model
    crops = torch.from_numpy(SequenceStore.open(*stores["validate"]).sequences[0].points(0))[None]
    with torch.no_grad():
        before, after = trained.encode(points=crops)["points"], released.encode(points=crops)["points"]
    factor = float((after / before).mean())
    assert np.log2(factor) % 1 == 0.0
    torch.testing.assert_close(after, factor * before, rtol=0, atol=0)
    assert 0.5 < float(after.square().mean().sqrt()) < 2.0


def test_a_model_of_another_width_is_no_start(stores: Stores, tmp_path: Path) -> None:
    run(stores, tmp_path / "first", steps=1)
    with pytest.raises(UserError, match="cannot start from here"):
        run(stores, tmp_path / "second", width=32, initial=str(tmp_path / "first" / "model.safetensors"))


@pytest.mark.parametrize(
    "modalities", [("points", "imu", "skeleton"), ("imu", "skeleton", "text"), ("points", "text")]
)
@pytest.mark.parametrize("form", ["paper", "code"])
def test_any_modalities_and_both_losses(
    stores: Stores, tmp_path: Path, modalities: tuple[str, ...], form: str
) -> None:
    kind: dict[str, Any] = {"modalities": modalities, "loss": form, "text_encoder": "ngrams", "width": 32}
    trainer = run(stores, tmp_path, steps=1, validate=(), **kind)
    assert all(torch.isfinite(value).all() for value in state(trainer).values())


def test_thinned_tokens_and_bfloat16_train(stores: Stores, tmp_path: Path) -> None:
    trainer = run(stores, tmp_path, token_share=0.5, bfloat16=True, steps=2)
    assert all(torch.isfinite(value).all() for value in state(trainer).values())


@pytest.mark.parametrize(("capability", "bfloat16"), [("AVX2", False), ("DEFAULT", False), ("AVX512", True)])
def test_a_processor_without_bfloat16_trains_in_float32(
    monkeypatch: pytest.MonkeyPatch, capability: str, bfloat16: bool
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert Trainer(replace(SMALL, bfloat16=True)).bfloat16 == bfloat16
    assert not Trainer(SMALL).bfloat16


def test_two_processes_equal_one(stores: Stores, tmp_path: Path) -> None:
    """The same batch, its negatives gathered, gives the same weights."""
    settings = replace(SMALL, out=str(tmp_path / "pair"), **stores, steps=2, augment=NONE)
    alone = train(replace(settings, out=str(tmp_path / "alone")))
    config = tmp_path / "pair.yaml"
    config.write_text(yaml.safe_dump(plain(flatten(settings))))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run(
        [*command, "-m", "training.train", "--config", str(config)],
        check=True,
        capture_output=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    pair = torch.load(tmp_path / "pair" / LAST, weights_only=True)["averaged"]
    assert_same(pair, state(alone), tolerance=1e-5)


def test_options_go_before_the_file_and_are_saved(stores: Stores, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("batch: 16\nlr: 0.5\naugment:\n  mirror: 0.25\n")
    settings, resume = settings_from(
        ["--config", str(config), "--lr", "0.25", "--modalities", "points", "imu"]
    )
    assert (settings.batch, settings.lr, settings.augment.mirror, resume) == (16, 0.25, 0.25, False)
    run(stores, tmp_path / "run", steps=1, clip=0.5)
    saved = yaml.safe_load((tmp_path / "run" / SETTINGS_FILE).read_text())
    assert (saved["clip"], saved["augment.turn"]) == (0.5, True)
    again, _ = settings_from(["--resume", "--out", str(tmp_path / "run"), "--steps", "3"])
    assert (again.clip, again.steps) == (0.5, 3)
    config.write_text(f"out: {tmp_path / 'run'}\nlr: 0.5\n")
    again, _ = settings_from(["--resume", "--config", str(config)])
    assert (again.clip, again.lr) == (0.5, 0.5)


def test_the_papers_recipe_is_a_file() -> None:
    settings, _ = settings_from(["--config", str(Path(__file__).parents[2] / "training/config/paper.yaml")])
    assert settings.augment == PAPER
    assert (settings.lr, settings.batch, settings.weight_decay) == (1e-4, 1024, 0.0)
    assert {learning_rate_factor(step, settings) for step in (0, 10, settings.steps - 1)} == {1.0}


def test_rate_warms_up_and_decays() -> None:
    settings = replace(SMALL, steps=100, warmup=10, decay=0.5)
    factors = [learning_rate_factor(step, settings) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[10:50] == [1.0] * 40
    assert np.all(np.diff(factors[50:]) < 0)
    assert factors[100] == pytest.approx(0.0)


def test_errors_are_told_on_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--batch", "1"]) == 2
    assert main(["--resume", "--out", str(tmp_path)]) == 2
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert "not a sequence store" in capsys.readouterr().err


def test_a_small_model_from_motion_to_a_folder(tmp_path: Path) -> None:
    """Loss falls, and IMUs of people never seen are matched well above chance (1 in 8)."""
    out, work = tmp_path / "models" / "small", tmp_path / "work"
    options = ["--sequences", "60", "--steps", "110", "--batch", "48", "--width", "48", "--workers", "1"]
    assert release([str(out), "--work", str(work), *options]) == 0
    assert {"card.yaml", "points.onnx", "imu.onnx", "weights.safetensors", "heads.safetensors"} <= {
        path.name for path in out.iterdir()
    }
    events = EventAccumulator(str(work / "run" / "tensorboard")).Reload()
    losses = [event.value for event in events.Scalars("loss")]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.1
    assert read_card(out).measured["validate"]["matching_n8_w1"] > 0.18
