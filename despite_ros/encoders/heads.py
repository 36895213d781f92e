"""Activities from embeddings: one head for points, one for IMUs, one for both."""

import numpy as np
from scipy.special import softmax

from despite_ros.arrays import FloatArray
from despite_ros.encoders.graphs import Weights


class ActivityHeads:
    """Heads on L2-normalised embeddings, and on cues where they were fitted with them.

    weights: `{points,imu,both}.weight` L×D and `….bias` L. D: the width of an embedding and of its cues, of
    points first, then of IMUs. A head with `….hidden.weight` H×D and `….hidden.bias` H has a layer of
    rectified units before, and a weight L×H.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

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
        if f"{name}.hidden.weight" in self._weights:
            rows = np.maximum(self._layer(f"{name}.hidden", rows), 0.0)
        return np.asarray(softmax(self._layer(name, rows), axis=1), np.float32)

    def _layer(self, name: str, rows: FloatArray) -> FloatArray:
        scores: FloatArray = rows @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return scores


def normalised(rows: FloatArray) -> FloatArray:
    """Rows of Euclidean length 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _joined(rows: FloatArray, cues: FloatArray | None) -> FloatArray:
    unit = normalised(rows)
    return unit if cues is None else np.concatenate([unit, cues], axis=1)
