"""Activities from embeddings: one linear layer for points, one for IMUs, one for both."""

import numpy as np
from scipy.special import softmax

from despite_ros.arrays import FloatArray
from despite_ros.encoders.graphs import Weights


class ActivityHeads:
    """Linear heads on L2-normalised embeddings.

    weights: `{points,imu,both}.weight` L×E (both: L×2E, points first) and `….bias` L.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def probabilities(self, points: FloatArray | None, imu: FloatArray | None) -> FloatArray:
        """Embeddings B×E, of either kind or of both → probabilities of the labels, B×L.

        Raises:
            ValueError: neither kind is given.
        """
        given = {"points": points, "imu": imu}
        inputs = {name: normalised(rows) for name, rows in given.items() if rows is not None}
        if not inputs:
            raise ValueError("activities need embeddings of points, of IMUs, or of both")
        name = "both" if len(inputs) == 2 else next(iter(inputs))
        joined = np.concatenate(list(inputs.values()), axis=1)
        scores = joined @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return np.asarray(softmax(scores, axis=1), np.float32)


def normalised(rows: FloatArray) -> FloatArray:
    """Rows of Euclidean length 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
