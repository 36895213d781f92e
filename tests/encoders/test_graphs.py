"""The graphs against the formulas of the paper, written out in numpy."""

from typing import Any

import numpy as np
from scipy.special import erf, expit, softmax

from despite_ros.arrays import FloatArray
from despite_ros.encoders.graphs import Weights, below, lstm_step_graph, transformer_graph
from despite_ros.encoders.onnx import open_session
from tests.encoders.made_up_model import WIDTH, made_up_weights

POINT_PREFIX, IMU_PREFIX = "pointcloud_encoder.", "imu_encoder.lstm."


def gelu(x: Any) -> Any:
    return x * 0.5 * (1 + erf(x / np.sqrt(2)))


def layer_norm(x: Any, weight: FloatArray, bias: FloatArray) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5) * weight + bias


def literal_transformer(weights: Weights, tokens: Any, anchors: Any) -> Any:
    """One window, M×80 and M×3, with every displacement xⱼ − xᵢ written out."""
    displacements = anchors[None] - anchors[:, None]
    for layer in range(5):
        part = {
            name.split(f"layers.{layer}.")[1]: w for name, w in weights.items() if f"layers.{layer}." in name
        }
        normed = layer_norm(tokens, part["0.norm.weight"], part["0.norm.bias"])
        query, key, value = np.split(normed @ part["0.to_qkv.weight"].T, 3, axis=1)
        heads = []
        for head in (slice(0, 40), slice(40, 80)):
            attention = softmax(query[:, head] @ key[:, head].T / np.sqrt(40), axis=1)
            moved = np.einsum("ij,ijd->id", attention, displacements)
            heads.append(attention @ value[:, head] + moved @ part["0.spatial_op.weight"].T)
        joined = np.concatenate(heads, axis=1) @ part["0.to_out.0.weight"].T + part["0.to_out.0.bias"]
        tokens = tokens + gelu(joined)
        normed = layer_norm(tokens, part["1.net.0.weight"], part["1.net.0.bias"])
        hidden = gelu(normed @ part["1.net.1.weight"].T + part["1.net.1.bias"])
        tokens = tokens + hidden @ part["1.net.4.weight"].T + part["1.net.4.bias"]
    pooled = tokens.max(axis=0)
    hidden = np.maximum(weights["head.0.weight"] @ pooled + weights["head.0.bias"], 0)
    return weights["head.2.weight"] @ hidden + weights["head.2.bias"]


def test_folding_the_displacement_into_the_values_is_exact() -> None:
    rng = np.random.default_rng(0)
    weights = below(made_up_weights(rng), POINT_PREFIX)
    tokens = rng.normal(size=(2, 96, 80)).astype(np.float32)
    anchors = rng.normal(size=(2, 96, 3)).astype(np.float32)
    session = open_session(transformer_graph(weights), threads=1)
    found = session.run(["embedding"], {"tokens": tokens, "anchors": anchors})[0]
    for window in range(2):
        expected = literal_transformer(weights, tokens[window].astype(float), anchors[window].astype(float))
        np.testing.assert_allclose(found[window], expected, rtol=0, atol=1e-5)


def test_a_step_is_the_lstm_equations() -> None:
    rng = np.random.default_rng(1)
    weights = below(made_up_weights(rng), IMU_PREFIX)
    feed = {"channels": rng.normal(size=(5, 48)).astype(np.float32)}
    for name in ("hidden_0", "cell_0", "hidden_1", "cell_1"):
        feed[name] = rng.normal(size=(5, WIDTH)).astype(np.float32)
    names = ["new_hidden_0", "new_cell_0", "new_hidden_1", "new_cell_1"]
    found = open_session(lstm_step_graph(weights), threads=1).run(names, feed)
    entering = feed["channels"]
    for layer in range(2):
        gates = entering @ weights[f"weight_ih_l{layer}"].T + weights[f"bias_ih_l{layer}"]
        gates = (
            gates + feed[f"hidden_{layer}"] @ weights[f"weight_hh_l{layer}"].T + weights[f"bias_hh_l{layer}"]
        )
        i, f, g, o = np.split(gates, 4, axis=1)
        cell = expit(f) * feed[f"cell_{layer}"] + expit(i) * np.tanh(g)
        entering = expit(o) * np.tanh(cell)
        np.testing.assert_allclose(found[2 * layer], entering, rtol=0, atol=1e-6)
        np.testing.assert_allclose(found[2 * layer + 1], cell, rtol=0, atol=1e-6)
