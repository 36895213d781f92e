"""Activity heads."""

import numpy as np
import pytest
from scipy.special import softmax

from despite_ros.encoders.heads import ActivityHeads


def test_a_hidden_layer_and_cues_are_taken_where_a_head_has_them() -> None:
    rng = np.random.default_rng(0)
    shapes = {"hidden.weight": (6, 11), "hidden.bias": (6,), "weight": (3, 6), "bias": (3,)}
    weights = {f"both.{name}": rng.normal(size=s).astype(np.float32) for name, s in shapes.items()}
    points, imu = rng.normal(size=(2, 5, 4)).astype(np.float32)
    track, wearer = rng.normal(size=(5, 2)).astype(np.float32), rng.normal(size=(5, 1)).astype(np.float32)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (points, imu)]
    given = np.concatenate([unit[0], track, unit[1], wearer], axis=1)
    hidden = np.maximum(given @ weights["both.hidden.weight"].T + weights["both.hidden.bias"], 0)
    wanted = softmax(hidden @ weights["both.weight"].T + weights["both.bias"], axis=1)
    heads = ActivityHeads(weights)
    np.testing.assert_allclose(heads.probabilities(points, imu, track, wearer), wanted, atol=1e-6)
    with pytest.raises(ValueError, match="need embeddings"):
        heads.probabilities(None, None)
