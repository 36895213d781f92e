"""A small released model with random weights; its whole-window graphs have their own tubes and LSTM."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from despite_ros.arrays import FloatArray
from despite_ros.encoders.card import Card, write_card
from despite_ros.encoders.graphs import Graph, Weights, below, pool_and_project, transformer

WIDTH = 32
LABELS = ("stand", "walk", "sit")
CHANNELS = 80


def made_up_weights(rng: np.random.Generator, width: int = WIDTH) -> dict[str, FloatArray]:
    """Weights under the authors' names, of a size that keeps activations near 1."""
    shapes: dict[str, tuple[int, ...]] = {"tube_embedding.conv_d.0.weight": (CHANNELS, 4, 1, 1)}
    for layer in range(5):
        attention, feed_forward = (f"transformer.layers.{layer}.{part}" for part in ("0.", "1.net."))
        shapes |= {attention + "norm.weight": (CHANNELS,), attention + "norm.bias": (CHANNELS,)}
        shapes |= {attention + "to_qkv.weight": (3 * CHANNELS, CHANNELS)}
        shapes |= {attention + "spatial_op.weight": (CHANNELS // 2, 3)}
        shapes |= {
            attention + "to_out.0.weight": (CHANNELS, CHANNELS),
            attention + "to_out.0.bias": (CHANNELS,),
        }
        shapes |= {feed_forward + "0.weight": (CHANNELS,), feed_forward + "0.bias": (CHANNELS,)}
        shapes |= {feed_forward + "1.weight": (width, CHANNELS), feed_forward + "1.bias": (width,)}
        shapes |= {feed_forward + "4.weight": (CHANNELS, width), feed_forward + "4.bias": (CHANNELS,)}
    shapes |= {"head.0.weight": (CHANNELS, CHANNELS), "head.0.bias": (CHANNELS,)}
    shapes |= {"head.2.weight": (width, CHANNELS), "head.2.bias": (width,)}
    shapes = {f"pointcloud_encoder.{name}": shape for name, shape in shapes.items()}
    for layer, inputs in enumerate((48, width)):
        prefix = "imu_encoder.lstm."
        shapes |= {
            f"{prefix}weight_ih_l{layer}": (4 * width, inputs),
            f"{prefix}bias_ih_l{layer}": (4 * width,),
        }
        shapes |= {
            f"{prefix}weight_hh_l{layer}": (4 * width, width),
            f"{prefix}bias_hh_l{layer}": (4 * width,),
        }
    return {name: _draw(rng, name, shape) for name, shape in shapes.items()}


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> FloatArray:
    size = 0.1 if len(shape) == 1 else shape[1] ** -0.5
    offset = 1.0 if name.endswith(("norm.weight", "net.0.weight")) else 0.0
    return (offset + rng.normal(0, size, shape)).astype(np.float32)


def write_model(folder: Path, width: int = WIDTH) -> Path:
    """A released model's folder, complete but for the float16 graphs."""
    rng = np.random.default_rng(7)
    weights = made_up_weights(rng, width)
    (folder / "points.onnx").write_bytes(points_graph(below(weights, "pointcloud_encoder.")))
    (folder / "imu.onnx").write_bytes(imu_graph(below(weights, "imu_encoder.lstm.")))
    save_file(weights, folder / "weights.safetensors")
    heads: dict[str, tuple[int, ...]] = {
        "points.weight": (3, width),
        "imu.weight": (3, width),
        "both.weight": (3, 2 * width),
    }
    heads |= {"points.bias": (3,), "imu.bias": (3,), "both.bias": (3,)}
    save_file({name: _draw(rng, name, shape) for name, shape in heads.items()}, folder / "heads.safetensors")
    write_card(Card("made-up", "1", width, labels=LABELS), folder)
    return folder


def points_graph(weights: Weights) -> bytes:
    """crops B×24×256×3 → embedding, with the ball query as a TopK."""
    graph = Graph()
    tokens, anchors = _tubes(graph, weights["tube_embedding.conv_d.0.weight"][:, :, 0, 0])
    tokens = transformer(graph, weights, tokens, anchors)
    result = pool_and_project(graph, weights, tokens)
    return graph.model({"crops": (24, 256, 3)}, {"embedding": (result, (len(weights["head.2.bias"]),))})


def _tubes(graph: Graph, weight: FloatArray) -> tuple[str, str]:
    def frames(start: int, end: int, step: int) -> str:
        return graph("Slice", "crops", *(np.array([value]) for value in (start, end, 1, step)))

    at, after = frames(0, 24, 2), frames(1, 24, 2)
    before = graph("Concat", frames(0, 1, 1), frames(1, 22, 2), axis=1)
    anchors = graph("Slice", at, *(np.array([value]) for value in (0, 8, 2)))
    found = [
        graph("Add", _largest(graph, frame, anchors, weight[:, :3]), offset * weight[:, 3])
        for offset, frame in ((-1, before), (0, at), (1, after))
    ]
    tokens = graph("Reshape", graph("Max", *found), np.array([0, 96, CHANNELS]))
    return tokens, graph("Reshape", anchors, np.array([0, 96, 3]))


def _largest(graph: Graph, frame: str, anchors: str, weight: FloatArray) -> str:
    """Largest projection of the first 32 points in each ball: B×12×8×80."""
    displacement = graph(
        "Sub", graph("Unsqueeze", frame, np.array([2])), graph("Unsqueeze", anchors, np.array([3]))
    )
    x, y, z = graph.many(3, "Split", graph("Mul", displacement, displacement), np.ones(3, np.int64), axis=-1)
    squared = graph("Squeeze", graph("Add", graph("Add", x, y), z), np.array([-1]))
    order = np.arange(256, 0, -1, dtype=np.float32)
    rank = graph("Where", graph("Less", squared, np.float32(0.09)), order, np.float32(0))
    rank, _ = graph.many(2, "TopK", rank, np.array([32]))
    first = graph("Slice", rank, *(np.array([value]) for value in (0, 1, 4 - 1)))
    first = graph("Where", graph("Greater", first, np.float32(0)), first, np.float32(256))
    rank = graph("Where", graph("Greater", rank, np.float32(0)), rank, first)
    index = graph("Cast", graph("Sub", np.float32(256), rank), to=7)
    index = graph("Expand", graph("Unsqueeze", index, np.array([-1])), np.array([1, 1, 1, 1, 3]))
    neighbours = graph("GatherElements", displacement, index, axis=3)
    return graph("ReduceMax", graph.linear(neighbours, weight), np.array([3]), keepdims=0)


def imu_graph(weights: Weights) -> bytes:
    """windows B×24×48 → embedding, with ONNX's own LSTM."""
    graph = Graph()
    hidden = graph("Transpose", "windows", perm=[1, 0, 2])
    width = weights["weight_hh_l0"].shape[1]
    for layer in range(2):
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        entry, recurrent, *bias = (_onnx_gates(weights[f"{kind}_l{layer}"]) for kind in kinds)
        joined = np.concatenate(bias, axis=1)
        every, last, _ = graph.many(3, "LSTM", hidden, entry, recurrent, joined, hidden_size=width)
        hidden = graph("Squeeze", every, np.array([1]))
    embedding = graph("Squeeze", last, np.array([0]))
    return graph.model({"windows": (24, 48)}, {"embedding": (embedding, (width,))})


def _onnx_gates(stacked: FloatArray) -> FloatArray:
    """torch's gates i, f, g, o → ONNX's i, o, f, g, with a direction in front."""
    entry, keep, candidate, exit_ = np.split(stacked, 4)
    return np.concatenate([entry, exit_, keep, candidate])[None]
