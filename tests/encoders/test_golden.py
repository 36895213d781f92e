"""The authors' networks at width 64: their weights and inputs give their outputs here, without torch."""

from pathlib import Path

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.encoders.graphs import below, lstm_step_graph, transformer_graph
from despite_ros.encoders.memories import StateMemory
from despite_ros.encoders.onnx import open_session
from despite_ros.encoders.streaming import Stream
from despite_ros.encoders.tubes import largest_projection
from despite_ros.motion.sampling import ANCHORS, farthest_point_sample

GOLDEN = Path(__file__).parents[1] / "training" / "golden_points_imu.npz"


@pytest.fixture(scope="module")
def golden() -> dict[str, FloatArray]:
    with np.load(GOLDEN) as archive:
        return {name: archive[name] for name in archive.files}


def test_imu_embeddings(golden: dict[str, FloatArray]) -> None:
    weights = below(golden, "weight/imu_encoder.lstm.")
    stream: Stream[int] = Stream(
        StateMemory(64, open_session(lstm_step_graph(weights), threads=1)), (48,), 64
    )
    windows = golden["input/imu"]
    for frame in range(24):
        stream.push(range(len(windows)), windows[:, frame])
    np.testing.assert_allclose(stream.embeddings().rows, golden["output/imu"], rtol=0, atol=1e-6)


def test_point_embeddings(golden: dict[str, FloatArray]) -> None:
    """Crops that are not in sampling order: anchors are sampled here, frame by frame."""
    weights = below(golden, "weight/pointcloud_encoder.")
    weight = np.ascontiguousarray(weights["tube_embedding.conv_d.0.weight"][:, :, 0, 0].T)
    session = open_session(transformer_graph(weights), threads=1)
    for window, expected in zip(golden["input/pc"], golden["output/pc"], strict=True):
        anchors = np.stack([window[t][farthest_point_sample(window[t], ANCHORS)] for t in range(0, 24, 2)])
        tokens = np.stack([tube(window, 2 * i, centre, weight) for i in range(12) for centre in anchors[i]])
        found = session.run(None, {"tokens": tokens[None], "anchors": anchors.reshape(1, 96, 3)})[0]
        np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-6)


def tube(window: FloatArray, t: int, centre: FloatArray, weight: FloatArray) -> FloatArray:
    largest = np.empty((3, weight.shape[1]), np.float32)
    for place, dt in enumerate((-1, 0, 1)):
        largest_projection(window[max(t + dt, 0)], centre, weight, largest[place])
        largest[place] += dt * weight[3]
    return np.asarray(largest.max(axis=0))
