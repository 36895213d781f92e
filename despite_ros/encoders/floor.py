"""The least time to encode on a CPU: the arithmetic that no way avoids, at the rate of a measured sgemm."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from despite_ros.encoders.graphs import HEADS, LAYERS, Graph
from despite_ros.encoders.onnx import open_session
from despite_ros.limbs import CHANNELS

TOKENS, WIDTH = 96, 80  # of the transformer
FEWEST, SECONDS = 5, 0.5  # repeats of a product, and how long they take in all


def sgemm_rates(threads: int) -> dict[str, float]:
    """GFLOP/s of 1536×512 times 512×512 by ONNX Runtime, and by numpy (with all its threads)."""
    left, right = (np.ones(shape, np.float32) for shape in ((1536, 512), (512, 512)))
    graph = Graph()
    product = graph.model({"left": (512,)}, {"product": (graph("MatMul", "left", right), (512,))})
    session = open_session(product, "cpu", threads)
    ways: dict[str, Callable[[], Any]] = {
        "onnxruntime": lambda: session.run(None, {"left": left}),
        "numpy": lambda: left @ right,
    }
    operations = 2 * left.size * right.shape[1]
    return {name: round(operations / _least_seconds(way) / 1e9, 1) for name, way in ways.items()}


def floor_ms(tracks: float, wearers: float, width: int, gflops: float) -> float:
    """Milliseconds for that many tracks' transformers and wearers' LSTM steps, embedding width E."""
    return (tracks * point_operations(width) + wearers * imu_operations(width)) / (1e6 * gflops)


def point_operations(width: int) -> float:
    """Floating-point operations of one person's transformer, embedding width E."""
    linear = TOKENS * WIDTH * (3 * WIDTH + WIDTH + 2 * width)
    attention = 2 * HEADS * TOKENS * TOKENS * WIDTH // HEADS
    return 2.0 * LAYERS * (linear + attention)


def imu_operations(width: int) -> float:
    """Floating-point operations of one wearer's LSTM step, embedding width E."""
    return 2.0 * 4 * width * (CHANNELS + 3 * width)


def _least_seconds(way: Callable[[], Any]) -> float:
    times: list[float] = []
    while len(times) < FEWEST or sum(times) < SECONDS:
        start = time.perf_counter()
        way()
        times.append(time.perf_counter() - start)
    return min(times)
