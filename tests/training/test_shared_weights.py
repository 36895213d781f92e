from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from training.graphs import run_graph
from training.shared_weights import gate_order, share_lstm_weights

HIDDEN, CHANNELS = 8, 5


def write_lstm(folder: Path) -> tuple[Path, Path]:
    """A torch LSTM as safetensors and as an ONNX graph with weights of its own."""
    torch.manual_seed(0)
    state = torch.nn.LSTM(CHANNELS, HIDDEN).state_dict()
    save_file({f"encoder.{name}": value for name, value in state.items()}, folder / "weights.safetensors")
    order = gate_order(HIDDEN)
    arrays = {
        "w": state["weight_ih_l0"].numpy()[order][None],
        "r": state["weight_hh_l0"].numpy()[order][None],
    }
    node = helper.make_node("LSTM", ["windows", "w", "r"], ["", "embeddings"], hidden_size=HIDDEN)
    graph = helper.make_graph(
        [node],
        "lstm",
        [helper.make_tensor_value_info("windows", TensorProto.FLOAT, [4, "batch", CHANNELS])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [1, "batch", HIDDEN])],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, folder / "imu.onnx")
    return folder / "imu.onnx", folder / "weights.safetensors"


def test_embeddings_stay_the_same_without_weights_in_the_graph(tmp_path: Path) -> None:
    graph, weights = write_lstm(tmp_path)
    windows = np.random.default_rng(0).normal(size=(4, 3, CHANNELS)).astype(np.float32)
    expected = run_graph(graph, windows)
    share_lstm_weights(graph, weights)
    np.testing.assert_allclose(run_graph(graph, windows), expected, atol=1e-6)
    kept = onnx.load(graph, load_external_data=False).graph.initializer
    assert all(len(item.raw_data) <= 8 * 4 * HIDDEN for item in kept)


def test_graph_changes_when_its_weights_do(tmp_path: Path) -> None:
    graph, weights = write_lstm(tmp_path)
    share_lstm_weights(graph, weights)
    (tmp_path / "other").mkdir()
    other, others_weights = write_lstm(tmp_path / "other")
    with others_weights.open("ab") as file:
        file.write(b"\0" * 8)
    share_lstm_weights(other, others_weights)
    assert graph.read_bytes() != other.read_bytes()
