"""A trained encoder as an ONNX graph of standard operators, and how far two sets of embeddings lie apart."""

import copy
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxscript import optimizer
from torch import Tensor, nn

from despite_ros.arrays import FloatArray
from training.networks import PointCloudEncoder

OPSET = 18  # ONNX Runtime 1.14 and TensorRT 10 have it
IR_VERSION = 8  # the one that came with opset 18; a higher one would keep older runtimes out
FOLDED_BYTES = 1 << 28  # constants up to this size are folded: the LSTM's rearranged weights


class _InFloat32(nn.Module):
    """An encoder of any precision with embeddings in float32."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, windows: Tensor) -> Tensor:
        embeddings: Tensor = self.encoder(windows)
        return embeddings.float()


def write_graph(encoder: nn.Module, shape: tuple[int, ...], path: Path, half: bool = False) -> None:
    """Write `encoder` as ONNX: `windows` (B×shape, B free) → `embeddings` (B×E), both float32.

    Args:
        encoder: `PointCloudEncoder` or `ImuEncoder` in evaluation mode; it is left as it is.
        shape: of one window, such as (24, 256, 3).
        path: of the file.
        half: weights and arithmetic in float16, except for deciding which points are neighbours.
    """
    encoder = copy.deepcopy(encoder).requires_grad_(False)
    if isinstance(encoder, PointCloudEncoder):
        encoder.tube_embedding.kernels = False
    encoder = encoder.half() if half else encoder
    logging.getLogger("torch.onnx").setLevel(
        logging.ERROR
    )  # it tells of torchvision, which nothing here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _InFloat32(encoder),
            (torch.zeros(2, *shape),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["windows"],
            output_names=["embeddings"],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            verbose=False,
        )
    assert program is not None
    onnx.save(_plain(program), path)


def _plain(program: torch.onnx.ONNXProgram) -> onnx.ModelProto:
    """A checked model of standard operators, without the exporter's notes on where nodes came from.

    Raises:
        RuntimeError: the exporter used other operators.
    """
    optimizer.fold_constants(program.model, input_size_limit=FOLDED_BYTES, output_size_limit=FOLDED_BYTES)
    optimizer.remove_unused_nodes(program.model)
    model = program.model_proto
    model.ir_version = IR_VERSION
    model.metadata_props.clear()
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    foreign = {node.domain for node in model.graph.node} - {""}
    if foreign or model.functions:
        raise RuntimeError(f"the exporter used operators that are not standard: {sorted(foreign)}")
    onnx.checker.check_model(model, full_check=True)
    return model


def run_graph(path: Path, windows: FloatArray) -> FloatArray:
    """Embeddings B×E of windows, by ONNX Runtime on the CPU."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"windows": windows})[0], np.float32)


def difference(found: FloatArray, expected: FloatArray) -> float:
    """Largest absolute difference, relative to the largest expected value where that exceeds 1."""
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
