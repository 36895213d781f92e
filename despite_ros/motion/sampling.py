"""Farthest point sampling and the 256-point crop of one person in one frame."""

import numpy as np
from numba import njit

from despite_ros.arrays import FloatArray, IndexArray
from despite_ros.limbs import POINTS

ANCHORS = 8  # the first rows of a crop, around which the point encoder gathers neighbours
LANES = (
    32  # crops are sampled from a multiple of so many points, filled up at the origin: no rest of a vector
)
NEAR_ORIGIN = np.float32(1e-3)  # m²; the networks' own sampling passes over points this close to the origin


def farthest_point_sample(points: FloatArray, count: int) -> IndexArray:
    """Indices of `count` points, each the farthest from all those before it; the first is point 0.

    The semantics are those inside the point encoder: points with x² + y² + z² ≤ 1e-3 m² are never
    picked after the first, ties go to the smallest index, and once every pickable point is taken the
    first pickable one repeats (point 0 where there is none). A shorter sample is a prefix of a longer one.

    points: N×3 float32, metres, N ≥ 1, about the origin that matters (the crop's mean). Returns int32.
    """
    columns = np.ascontiguousarray(points.T, dtype=np.float32)
    order: IndexArray = _sample(columns[0], columns[1], columns[2], count)
    return order


def make_crop(points: FloatArray, count: int = POINTS) -> FloatArray:
    """Raw points of one person in one frame, N×3 → count×3, mean removed, in sampling order.

    Fewer points than `count`: all in sampling order, then tiled. Fewer than ANCHORS: point 0 fills up
    the anchors first, as sampling the tiled crop would. No points: zeros.
    """
    if len(points) == 0:
        return np.zeros((count, 3), np.float32)
    crop: FloatArray = _crop(np.ascontiguousarray(points, np.float32), count)
    return crop


@njit(cache=True, error_model="numpy")
def _crop(points: FloatArray, count: int) -> FloatArray:
    number = len(points)
    columns = np.zeros((3, (number + LANES - 1) // LANES * LANES), np.float32)
    for k in range(3):
        total = 0.0
        for i in range(number):
            total += points[i, k]
        for i in range(number):
            columns[k, i] = points[i, k] - total / number
    order = _sample(columns[0], columns[1], columns[2], min(count, max(number, ANCHORS)))
    crop = np.empty((count, 3), np.float32)
    for i in range(count):
        for k in range(3):
            crop[i, k] = columns[k, order[i % len(order)]]
    return crop


# No fast-math: the arithmetic is exactly the networks' own. The largest distance is searched among the bit
# patterns, which order as the (non-negative) numbers do: a maximum of integers vectorises. So does the least
# of the indices that attain it.
@njit(cache=True, error_model="numpy")
def _sample(x: FloatArray, y: FloatArray, z: FloatArray, count: int) -> IndexArray:
    distance = np.empty(x.size, np.float32)  # squared, to the nearest point picked so far; −1: never picked
    bits, none = distance.view(np.int32), np.int32(x.size)
    for i in range(x.size):
        near_origin = x[i] * x[i] + y[i] * y[i] + z[i] * z[i] <= NEAR_ORIGIN
        distance[i] = np.float32(-1.0) if near_origin else np.float32(np.inf)
    picked = np.zeros(count, np.int32)
    for k in range(1, count):
        a, b, c = x[picked[k - 1]], y[picked[k - 1]], z[picked[k - 1]]
        for i in range(x.size):
            dx, dy, dz = x[i] - a, y[i] - b, z[i] - c
            squared = dx * dx + dy * dy + dz * dz
            distance[i] = squared if squared < distance[i] else distance[i]
        farthest, first = np.int32(-1), none
        for i in range(x.size):
            farthest = max(farthest, bits[i])
        for i in range(x.size):
            first = min(first, np.int32(i) if bits[i] == farthest else none)
        picked[k] = first if farthest >= 0 else 0
    return picked
