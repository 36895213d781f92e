"""Activities from embeddings: one head for points, one for IMUs, one for both."""

import numpy as np
from scipy.special import softmax

from despite_ros.arrays import FloatArray
from despite_ros.encoders.graphs import Weights
from despite_ros.layers import affine


class ActivityHeads:
    """Heads on L2-normalised embeddings, and on cues where they were fitted with them.

    weights: `{points,imu,both}.weight` L×D and `….bias` L. D: the width of an embedding and of its cues, of
    points first, then of IMUs. A head with `….hidden.weight` H×D and `….hidden.bias` H has a layer of
    rectified units before, and a weight L×H.
    """

    def __init__(self, weights: Weights) -> None:
        layers = [name.removesuffix(".bias") for name in weights if name.endswith(".bias")]
        self._layers = {name: _layer(weights, name) for name in layers}

    def probabilities(
        self,
        points: FloatArray | None,
        imu: FloatArray | None,
        track_cues: FloatArray | None = None,
        wearer_cues: FloatArray | None = None,
    ) -> FloatArray:
        """Embeddings B×E, of either kind or of both → probabilities of the labels, B×L.

        Raises:
            ValueError: neither kind is given.
        """
        given = {"points": (points, track_cues), "imu": (imu, wearer_cues)}
        inputs = {name: _joined(rows, cues) for name, (rows, cues) in given.items() if rows is not None}
        if not inputs:
            raise ValueError("activities need embeddings of points, of IMUs, or of both")
        name = "both" if len(inputs) == 2 else next(iter(inputs))
        rows = np.concatenate(list(inputs.values()), axis=1)
        if f"{name}.hidden" in self._layers:
            rows = np.maximum(affine(rows, *self._layers[f"{name}.hidden"]), 0.0)
        return np.asarray(softmax(affine(rows, *self._layers[name]), axis=1), np.float32)


def normalised(rows: FloatArray) -> FloatArray:
    """Rows of Euclidean length 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _layer(weights: Weights, name: str) -> tuple[FloatArray, FloatArray]:
    """As `affine` takes it."""
    weight, bias = (np.asarray(weights[f"{name}.{part}"], np.float32) for part in ("weight", "bias"))
    return np.ascontiguousarray(weight.T), bias


def _joined(rows: FloatArray, cues: FloatArray | None) -> FloatArray:
    unit = normalised(rows)
    return unit if cues is None else np.concatenate([unit, cues], axis=1)
