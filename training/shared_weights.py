"""LSTM weights that are in the safetensors file already, left out of the ONNX file.

The graph refers to them there as ONNX external data and reorders their gates; runtimes fold that when
they load it. Both files must lie in one folder. The graph carries the sha256 of the weights, so that it
is another file when they are others.
"""

import json
import struct
from pathlib import Path

import numpy as np
import onnx
from onnx import StringStringEntryProto, TensorProto, helper, numpy_helper

from despite_ros.arrays import FloatArray, IntArray
from despite_ros.encoders.card import sha256

LENGTH = struct.Struct("<Q")  # of the header of a safetensors file
Place = tuple[list[int], int, int]  # shape, offset in the file, bytes


def share_lstm_weights(graph: Path, weights: Path) -> None:
    """Replace the input and recurrent weights of a graph's LSTM nodes by references into `weights`.

    Weights that are not found there, to the letter, stay in the graph.
    """
    model = onnx.load(graph)
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    places = _places(weights)
    for node in [node for node in model.graph.node if node.op_type == "LSTM"]:
        for place in (1, 2):
            tensor = held.get(node.input[place])
            found = None if tensor is None else _find(numpy_helper.to_array(tensor)[0], places, weights)
            if found is not None:
                model.graph.initializer.remove(held[node.input[place]])
                node.input[place] = _refer(model.graph, node.input[place], places[found], weights.name)
    model.metadata_props.append(
        StringStringEntryProto(key=f"sha256 of {weights.name}", value=sha256(weights))
    )
    onnx.save(model, graph)
    onnx.checker.check_model(str(graph), full_check=True)


def gate_order(hidden: int) -> IntArray:
    """Rows of torch's gates (input, forget, cell, output) in ONNX's order (input, output, forget, cell)."""
    return np.concatenate([np.arange(hidden) + gate * hidden for gate in (0, 3, 1, 2)])


def _places(weights: Path) -> dict[str, Place]:
    with weights.open("rb") as file:
        length = LENGTH.unpack(file.read(LENGTH.size))[0]
        header = json.loads(file.read(length))
    start = LENGTH.size + length
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    return {
        name: (
            entry["shape"],
            start + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in entries.items()
        if entry["dtype"] == "F32"
    }


def _find(reordered: FloatArray, places: dict[str, Place], weights: Path) -> str | None:
    """The name of the tensor that gives `reordered` (4H×K) when its gates are put in ONNX's order."""
    order = gate_order(len(reordered) // 4)
    for name, (shape, offset, size) in places.items():
        if tuple(shape) == reordered.shape:
            tensor = np.fromfile(weights, "<f4", size // 4, offset=offset).reshape(shape)
            if np.array_equal(tensor[order], reordered):
                return name
    return None


def _refer(graph: onnx.GraphProto, name: str, place: Place, file: str) -> str:
    """Nodes that make the LSTM's 1×4H×K from the tensor in the file; the name of their result."""
    shape, offset, size = place
    source, order, axis = (f"{name}.{part}" for part in ("torch", "gates", "axis"))
    external = TensorProto(
        name=source, dims=shape, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL
    )
    for key, value in (("location", file), ("offset", offset), ("length", size)):
        external.external_data.append(StringStringEntryProto(key=key, value=str(value)))
    rows = numpy_helper.from_array(gate_order(shape[0] // 4), order)
    graph.initializer.extend([external, rows, numpy_helper.from_array(np.zeros(1, np.int64), axis)])
    ordered, result = f"{name}.ordered", f"{name}.shared"
    graph.node.insert(0, helper.make_node("Unsqueeze", [ordered, axis], [result]))
    graph.node.insert(0, helper.make_node("Gather", [source, order], [ordered], axis=0))
    return result
