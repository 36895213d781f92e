import builtins
import json
from pathlib import Path

import pytest
import torch

from despite_ros.errors import UserError
from tests.training import golden
from training import checkpoints
from training.heads import ActivityHeads
from training.networks import Despite, modalities_of

GOLDEN = golden.arrays()


def test_the_authors_file_gives_their_outputs(tmp_path: Path) -> None:
    torch.save(golden.state(GOLDEN), tmp_path / "model.pth")
    model = checkpoints.load(tmp_path / "model.pth")
    assert (model.modalities, model.width, model.training) == (("points", "imu"), 64, False)
    for name, rows in model.encode(**golden.inputs(GOLDEN)).items():
        assert golden.worst(rows, GOLDEN[f"output/{golden.NAMES[name]}"]) < 1e-5


@pytest.mark.parametrize("variant", ["DeSPE", "DeSIE", "DePIE", "DeSPIE"])
def test_modalities_and_width_follow_from_the_state_names(variant: str, tmp_path: Path) -> None:
    torch.save(Despite(modalities_of(variant), 32).state_dict(), tmp_path / "model.pth")
    model = checkpoints.load(tmp_path / "model.pth")
    assert (model.modalities, model.width) == (modalities_of(variant), 32)


def test_missing_and_unexpected_keys_are_listed(tmp_path: Path) -> None:
    state = golden.state(GOLDEN)
    del state["imu_encoder.lstm.bias_ih_l0"]
    state["skeleton_generator.weight"] = torch.zeros(1)
    torch.save(state, tmp_path / "model.pth")
    with pytest.raises(
        UserError, match=r"missing keys: imu_encoder\.lstm\.bias_ih_l0; unexpected keys: skel"
    ):
        checkpoints.load(tmp_path / "model.pth")


def test_wrong_shapes_are_listed(tmp_path: Path) -> None:
    state = golden.state(GOLDEN)
    state["pointcloud_encoder.head.0.bias"] = torch.zeros(7)
    torch.save(state, tmp_path / "model.pth")
    with pytest.raises(UserError, match=r"head\.0\.bias is \(7,\), expected \(80,\)"):
        checkpoints.load(tmp_path / "model.pth")


class Explosive:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return builtins.exec, ("raise SystemExit('pickled code was executed')",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"x": Explosive()}, r"needs (builtins\.)?exec; pickled code is never executed"),
        ([1, 2], "expected a state dict"),
        ({"epoch": 3}, "expected a state dict"),
        ({"other.weight": torch.zeros(1)}, "no state of skeleton_encoder"),
    ],
)
def test_what_is_no_state_dict_is_refused(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "model.pth")
    with pytest.raises(UserError, match=message):
        checkpoints.load(tmp_path / "model.pth")


def test_files_that_are_not_there_or_not_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such checkpoint"):
        checkpoints.load(tmp_path / "none.pth")
    for name in ("model.pth", "model.safetensors"):
        (tmp_path / name).write_bytes(b"hello, this is not a checkpoint")
        with pytest.raises(UserError, match="cannot be read as"):
            checkpoints.load(tmp_path / name)


def test_our_checkpoint_takes_si_whatever_the_training_scaled(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, heads = Despite(width=16, acceleration_scale=0.1, in_sampling_order=True), ActivityHeads(16)
    path = tmp_path / "run" / "model.safetensors"
    checkpoints.save(path, model, heads, split={"train": ["a", "b"]})
    found = checkpoints.read(path)
    windows, crops = 10 * torch.randn(2, 24, 48), torch.randn(2, 24, 64, 3)
    ours, theirs = model.encode(imu=windows, points=crops), found.model.encode(imu=windows, points=crops)
    for name in ours:
        assert torch.allclose(ours[name], theirs[name], atol=1e-6)
    assert found.heads is not None
    assert torch.equal(found.heads.both.weight, heads.both.weight)
    assert found.information == {"in_sampling_order": True, "split": {"train": ["a", "b"]}}
    assert found.model.pointcloud_encoder.tube_embedding.in_sampling_order
    assert json.loads(path.with_suffix(".json").read_text()) == found.information


def test_our_checkpoint_needs_its_description(tmp_path: Path) -> None:
    checkpoints.save(tmp_path / "model.safetensors", Despite(("imu",), 16))
    (tmp_path / "model.json").unlink()
    with pytest.raises(UserError, match="description cannot be read"):
        checkpoints.load(tmp_path / "model.safetensors")
