"""The parts of the encoders that a stream computes once a frame, as ONNX graphs made from the weights.

They are the same mathematics as the released `points.onnx` and `imu.onnx`, cut where a stream keeps what
it has: after the tubes of the point encoder, and between two steps of the LSTM.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from despite_ros.arrays import AnyArray, FloatArray
from despite_ros.limbs import CHANNELS

Weights = Mapping[str, FloatArray]
Constant = AnyArray | np.generic
Shape = Sequence[int | None]

LAYERS = 5
HEADS = 2
OPSET = 20  # the first with Gelu; ONNX Runtime 1.17 has it
CONTRIBUTED = "com.microsoft"  # operators that every ONNX Runtime has beside the standard ones


class Graph:
    """ONNX nodes written as calls: `graph("MatMul", x, weight)` gives the result's name.

    Names are results or inputs, arrays become constants.
    """

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def __call__(self, operator: str, *inputs: str | Constant, domain: str = "", **attributes: Any) -> str:
        """Adds a node with one result."""
        return self.many(1, operator, *inputs, domain=domain, **attributes)[0]

    def many(
        self, results: int, operator: str, *inputs: str | Constant, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Adds a node with several results."""
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        outputs = [f"{operator}_{len(self._nodes)}_{place}" for place in range(results)]
        self._nodes.append(helper.make_node(operator, names, outputs, domain=domain, **attributes))
        return outputs

    def linear(self, x: str, weight: FloatArray, bias: FloatArray | None = None) -> str:
        """x·Wᵀ + b, with W as torch keeps it: outputs × inputs."""
        product = self("MatMul", x, weight.T)
        return product if bias is None else self("Add", product, bias)

    def model(self, inputs: Mapping[str, Shape], outputs: Mapping[str, tuple[str, Shape]]) -> bytes:
        """The serialised model. inputs: name → shape after the batch; outputs: name → (result, shape)."""
        for name, (result, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [result], [name]))
        shapes = [inputs, {name: shape for name, (_, shape) in outputs.items()}]
        declared = [[_declare(name, shape) for name, shape in group.items()] for group in shapes]
        graph = helper.make_graph(self._nodes, "despite", *declared, self._constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIBUTED, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        return bytes(model.SerializeToString())

    def _constant(self, value: Constant) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def transformer_graph(weights: Weights) -> bytes:
    """tokens B×M×80 and anchors B×M×3 (m) → embedding B×E: everything after the tubes.

    weights: torch state names with `pointcloud_encoder.` removed.
    """
    graph = Graph()
    tokens = transformer(graph, weights, "tokens", "anchors")
    channels, width = weights["head.0.weight"].shape[1], len(weights["head.2.bias"])
    inputs = {"tokens": (None, channels), "anchors": (None, 3)}
    return graph.model(inputs, {"embedding": (pool_and_project(graph, weights, tokens), (width,))})


def transformer(graph: Graph, weights: Weights, tokens: str, anchors: str) -> str:
    """Five pre-norm layers of displacement attention and feed-forward: B×M×80 → B×M×80."""
    for layer in range(LAYERS):
        attention = below(weights, f"transformer.layers.{layer}.0.")
        feed_forward = below(weights, f"transformer.layers.{layer}.1.net.")
        tokens = graph("Add", tokens, _attention(graph, attention, tokens, anchors))
        tokens = graph("Add", tokens, _feed_forward(graph, feed_forward, tokens))
    return tokens


def pool_and_project(graph: Graph, weights: Weights, tokens: str) -> str:
    """Max over all tokens, then the head: B×M×80 → B×E."""
    pooled = graph("ReduceMax", tokens, np.array([1]), keepdims=0)
    hidden = graph("Relu", graph.linear(pooled, weights["head.0.weight"], weights["head.0.bias"]))
    return graph.linear(hidden, weights["head.2.weight"], weights["head.2.bias"])


def _attention(graph: Graph, weights: Weights, tokens: str, anchors: str) -> str:
    """Σ aᵢⱼ vⱼ + W·Σ aᵢⱼ (xⱼ − xᵢ) per head, where Σⱼ aᵢⱼ = 1 makes it Σ aᵢⱼ (vⱼ + W·xⱼ) − W·xᵢ."""
    channels = len(weights["norm.weight"])
    normed = graph("LayerNormalization", tokens, weights["norm.weight"], weights["norm.bias"], axis=-1)
    joined = graph.linear(normed, weights["to_qkv.weight"])
    query, key, value = graph.many(3, "Split", joined, np.array([channels] * 3), axis=-1)
    place = graph.linear(anchors, np.tile(weights["spatial_op.weight"], (HEADS, 1)))  # W·x, for every head
    value = graph("Add", value, place)
    scale = (channels / HEADS) ** -0.5
    attended = graph(
        "MultiHeadAttention", query, key, value, domain=CONTRIBUTED, num_heads=HEADS, scale=scale
    )
    attended = graph("Sub", attended, place)
    return graph("Gelu", graph.linear(attended, weights["to_out.0.weight"], weights["to_out.0.bias"]))


def _feed_forward(graph: Graph, weights: Weights, tokens: str) -> str:
    normed = graph("LayerNormalization", tokens, weights["0.weight"], weights["0.bias"], axis=-1)
    hidden = graph("Gelu", graph.linear(normed, weights["1.weight"], weights["1.bias"]))
    return graph.linear(hidden, weights["4.weight"], weights["4.bias"])


def lstm_step_graph(weights: Weights) -> bytes:
    """One step of the two-layer LSTM for B states at once.

    channels B×48 and hidden_0, cell_0, hidden_1, cell_1, each B×E → new_hidden_0, … in the same order.
    weights: torch state names with `imu_encoder.lstm.` removed.
    """
    graph = Graph()
    width = weights["weight_hh_l0"].shape[1]
    outputs = {}
    entering = "channels"
    for layer in range(2):
        hidden, cell = _lstm_cell(graph, weights, layer, entering)
        outputs[f"new_hidden_{layer}"] = (hidden, (width,))
        outputs[f"new_cell_{layer}"] = (cell, (width,))
        entering = hidden
    states = {f"{kind}_{layer}": (width,) for layer in range(2) for kind in ("hidden", "cell")}
    return graph.model({"channels": (CHANNELS,), **states}, outputs)


def _lstm_cell(graph: Graph, weights: Weights, layer: int, entering: str) -> tuple[str, str]:
    """c′ = σ(f)·c + σ(i)·tanh(g) and h′ = σ(o)·tanh(c′); torch stacks the gates as i, f, g, o."""
    bias = weights[f"bias_ih_l{layer}"] + weights[f"bias_hh_l{layer}"]
    gates = graph(
        "Add",
        graph.linear(entering, weights[f"weight_ih_l{layer}"]),
        graph.linear(f"hidden_{layer}", weights[f"weight_hh_l{layer}"], bias),
    )
    entry, keep, candidate, exit_ = graph.many(4, "Split", gates, np.array([len(bias) // 4] * 4), axis=-1)
    kept = graph("Mul", graph("Sigmoid", keep), f"cell_{layer}")
    entered = graph("Mul", graph("Sigmoid", entry), graph("Tanh", candidate))
    cell = graph("Add", kept, entered)
    return graph("Mul", graph("Sigmoid", exit_), graph("Tanh", cell)), cell


def below(weights: Weights, prefix: str) -> Weights:
    """The weights whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def _declare(name: str, shape: Shape) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, *shape])
