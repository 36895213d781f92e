from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from despite_ros.activities import ACTIVITIES
from despite_ros.encoders.card import check_files, read_card
from despite_ros.errors import UserError
from training import checkpoints
from training.export import SHAPES, check_graph, export, main, windows_to_check
from training.graphs import IR_VERSION, OPSET, run_graph, write_graph
from training.heads import ActivityHeads
from training.networks import Despite, ImuEncoder

GRAPHS = ("points.onnx", "points_fp16.onnx", "imu.onnx", "imu_fp16.onnx")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Despite]:
    """A released model of width 16, and the model that it was released from."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("released")
    model = Despite(width=16, acceleration_scale=0.1, in_sampling_order=True)
    similarity = {"scale": 12.0, "bias": -3.0}
    checkpoints.save(folder / "run.safetensors", model, ActivityHeads(16), similarity=similarity)
    (folder / "facts.yaml").write_text("version: '2'\nmeasured: {matching: 0.9}\n")
    out = folder / "models" / "tiny"
    arguments = [str(folder / "run.safetensors"), "--out", str(out), "--facts", str(folder / "facts.yaml")]
    assert main(arguments) == 0
    return out, model.eval()


@pytest.mark.parametrize("modality", SHAPES)
@torch.no_grad()
def test_graphs_equal_torch_on_every_kind_of_window(modality: str, released: tuple[Path, Despite]) -> None:
    folder, model = released
    for kind, windows in windows_to_check(seed=7)[modality].items():
        expected = model.encoder(modality)(torch.from_numpy(windows)).numpy()
        whole = run_graph(folder / f"{modality}.onnx", windows)
        assert np.abs(whole - expected).max() < 1e-5, kind
        assert np.abs(run_graph(folder / f"{modality}.onnx", windows[:1]) - expected[:1]).max() < 1e-5, kind
        halved = run_graph(folder / f"{modality}_fp16.onnx", windows)
        assert np.isfinite(halved).all(), kind
        assert np.abs(halved - expected).max() < 5e-3, kind


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_are_plain_onnx(name: str, released: tuple[Path, Despite]) -> None:
    graph = onnx.load(released[0] / name)
    assert {node.domain for node in graph.graph.node} == {""}
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", OPSET)]
    assert graph.ir_version == IR_VERSION
    session = onnxruntime.InferenceSession(str(released[0] / name), providers=["CPUExecutionProvider"])
    (given,), (result,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, tuple(given.shape[1:])) == (
        "windows", "tensor(float)", SHAPES[name.split(".")[0].removesuffix("_fp16")],
    )  # fmt: skip
    assert isinstance(given.shape[0], str), "the batch is dynamic"
    assert (result.name, result.type, result.shape[1]) == ("embeddings", "tensor(float)", 16)


def test_the_card_says_what_was_released(released: tuple[Path, Despite]) -> None:
    folder, _ = released
    card = read_card(folder)
    check_files(card, folder)
    assert set(card.files) == {*GRAPHS, "weights.safetensors", "heads.safetensors"}
    assert (card.name, card.version, card.width, card.labels) == ("tiny", "2", 16, ACTIVITIES)
    assert (card.similarity.scale, card.similarity.bias, card.measured) == (12.0, -3.0, {"matching": 0.9})
    assert "first 8 as anchors" in card.conventions["points"]


def test_a_released_model_loads_as_a_checkpoint(released: tuple[Path, Despite]) -> None:
    folder, model = released
    found = checkpoints.read(folder)
    windows = 5 * torch.randn(2, 24, 48)
    assert torch.allclose(found.model.encode(imu=windows)["imu"], model.encode(imu=windows)["imu"], atol=1e-6)
    assert found.heads is not None
    assert found.information["version"] == "2"


def test_a_graph_that_differs_from_torch_is_refused(released: tuple[Path, Despite]) -> None:
    windows = windows_to_check()["imu"]
    expected = {kind: run_graph(released[0] / "imu.onnx", values) for kind, values in windows.items()}
    expected["simulated"] = expected["simulated"] + np.float32(2e-5)
    with pytest.raises(UserError, match=r"imu\.onnx: embeddings differ .* \(simulated: 2\.0e-05\)"):
        check_graph(released[0] / "imu.onnx", expected, windows, 1e-5)
    expected["simulated"] = np.full_like(expected["simulated"], np.nan)
    with pytest.raises(UserError, match="not released"):
        check_graph(released[0] / "imu.onnx", expected, windows, 1e-5)


def test_a_refused_release_leaves_the_folder_as_it_was(
    released: tuple[Path, Despite], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(tmp_path / "run.safetensors", Despite(("imu",), 16))
    (tmp_path / "tiny").symlink_to(released[0])
    before = sorted(path.name for path in released[0].iterdir())

    def write_another(encoder: ImuEncoder, shape: tuple[int, ...], path: Path, half: bool) -> None:
        write_graph(ImuEncoder(16).eval(), shape, path, half)

    monkeypatch.setattr("training.export.write_graph", write_another)
    assert main([str(tmp_path / "run.safetensors"), "--out", str(tmp_path / "tiny")]) == 2
    assert sorted(path.name for path in released[0].iterdir()) == before
    assert not (tmp_path / "tiny.partial").exists()


def test_what_cannot_be_released_is_an_error(tmp_path: Path) -> None:
    skeleton = checkpoints.Checkpoint(Despite(("skeleton",), 16))
    with pytest.raises(UserError, match="neither a points nor an imu encoder"):
        export(skeleton, tmp_path / "model")
    imu = checkpoints.Checkpoint(Despite(("imu",), 16))
    with pytest.raises(UserError, match=r"unknown facts \['colour'\]"):
        export(imu, tmp_path / "model", {"colour": "red"})
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="not a model; choose another folder"):
        export(imu, tmp_path)
