"""What tells a person from furniture, in a few numbers per cluster."""

from collections.abc import Sequence
from typing import Protocol

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.people.silhouette import CELLS, silhouettes
from despite_ros.people.surroundings import Surroundings

BESIDE = 0.1  # metres, so that what lies at the sensor has a logarithm
LAYERS = 6  # equal slices from the floor to the highest point
FEATURES = (
    "top",  # highest point above the floor, m
    "bottom",  # lowest point above the floor, m
    "mean",  # mean height, m
    "deviation",  # standard deviation of the heights, m
    "length",  # longer side in plan view (standard deviation · √12), m
    "width",  # shorter side in plan view, m
    "thick",  # smallest standard deviation in any direction, m
    "broad",  # middle standard deviation, m
    "upright",  # |z| of the direction of largest standard deviation
    "points",  # log of their number
    "range",  # log of the distance from the sensor and BESIDE, m
    "context",  # longer side in plan view of what the cluster was cut from, m
    *(f"share{k}" for k in range(LAYERS)),  # of the points that lie in the layer
    *(
        f"spread{k}" for k in range(LAYERS)
    ),  # root mean square distance from the layer's middle in plan view, m
    *(f"offset{k}" for k in range(LAYERS)),  # from the cluster's middle to the layer's in plan view, m
)
TOP, BOTTOM, MEAN, DEVIATION, LENGTH, WIDTH, THICK, BROAD, UPRIGHT, POINTS, RANGE, CONTEXT = range(12)
INPUTS = len(FEATURES) + 2 + CELLS
SHARE, SPREAD, OFFSET = (CONTEXT + 1 + k * LAYERS for k in range(3))  # of the lowest layer


class Group(Protocol):
    """What features are taken of: indices of points, and the length of what it was cut from."""

    @property
    def members(self) -> IndexArray:
        """Indices of the group's points."""

    @property
    def context(self) -> float:
        """Metres."""


def candidate_features(
    candidates: Sequence[Group],
    points: FloatArray,
    above: FloatArray,
    sensor: DoubleArray,
    surroundings: Surroundings,
) -> FloatArray:
    """Features (G×INPUTS) of G groups of N×3 points at heights `above` the floor (N,), seen from `sensor`.

    They are FEATURES, what stands beside (see `Surroundings.beside`), and the silhouettes.
    """
    if not candidates:
        return np.empty((0, INPUTS), np.float32)
    order = np.concatenate([candidate.members for candidate in candidates])
    starts = np.zeros(len(candidates) + 1, np.int64)
    np.cumsum([len(candidate.members) for candidate in candidates], out=starts[1:])
    context = np.array([candidate.context for candidate in candidates])
    shape = describe_clusters(points, above, order, starts, sensor, context)
    beside = surroundings.beside(points, order, starts)
    return np.concatenate([shape, beside, silhouettes(points, above, order, starts, sensor)], axis=1)


def describe_clusters(
    points: FloatArray,
    above: FloatArray,
    order: IndexArray,
    starts: IntArray,
    sensor: DoubleArray,
    context: DoubleArray,
) -> FloatArray:
    """Features (G×30) of G clusters of N×3 points.

    order: indices of the points, cluster after cluster. starts: G+1, where each begins, none empty.
    sensor: (3,). context: (G,) metres.
    """
    features, covariance = _describe(points, above, order, starts, np.asarray(sensor, np.float64))
    values, vectors = np.linalg.eigh(covariance)
    features[:, [THICK, BROAD]] = np.sqrt(np.maximum(values[:, :2], 0))
    features[:, UPRIGHT] = np.abs(vectors[:, 2, 2])
    features[:, CONTEXT] = context
    return np.asarray(features, np.float32)


@numba.njit(cache=True)
def _describe(
    points: FloatArray, above: FloatArray, order: IndexArray, starts: IntArray, sensor: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Features (G×30) but for those of the covariance's directions, and the covariances (G×3×3)."""
    groups = len(starts) - 1
    features = np.zeros((groups, len(FEATURES)))
    covariance = np.zeros((groups, 3, 3))
    for g in range(groups):
        members = order[starts[g] : starts[g + 1]]
        spread, centre = covariance[g], _shape(points, above, members, covariance[g], features[g])
        middle, half = (spread[0, 0] + spread[1, 1]) / 2, (spread[0, 0] - spread[1, 1]) / 2
        root = np.sqrt(half * half + spread[0, 1] * spread[0, 1])
        features[g, LENGTH] = np.sqrt(12 * (middle + root))
        features[g, WIDTH] = np.sqrt(12 * max(middle - root, 0.0))
        features[g, POINTS] = np.log(len(members))
        x, y, z = centre[0] - sensor[0], centre[1] - sensor[1], centre[2] - sensor[2]
        features[g, RANGE] = np.log(np.sqrt(x * x + y * y + z * z) + BESIDE)
        _layers(points, above, members, centre, features[g])
    return features, covariance


@numba.njit(cache=True)
def _shape(
    points: FloatArray,
    above: FloatArray,
    members: IndexArray,
    spread: DoubleArray,
    features: DoubleArray,
) -> DoubleArray:
    """Mean (3,) of a cluster; fills in its covariance `spread` (3×3) and the features of its heights."""
    count = len(members)
    centre = np.zeros(3)
    top, bottom, total, squared = above[members[0]], above[members[0]], 0.0, 0.0
    for i in members:
        height = above[i]
        top, bottom = max(top, height), min(bottom, height)
        total += height
        squared += height * height
        for a in range(3):
            centre[a] += points[i, a] / count
    for i in members:
        for a in range(3):
            for b in range(a + 1):
                spread[a, b] += (points[i, a] - centre[a]) * (points[i, b] - centre[b])
    for a in range(3):
        for b in range(a + 1):
            spread[a, b] /= count
            spread[b, a] = spread[a, b]
    mean = total / count
    features[TOP], features[BOTTOM], features[MEAN] = top, bottom, mean
    features[DEVIATION] = np.sqrt(max(squared / count - mean * mean, 0.0))
    return centre


@numba.njit(cache=True)
def _layers(
    points: FloatArray, above: FloatArray, members: IndexArray, centre: DoubleArray, features: DoubleArray
) -> None:
    """Fill in the features of the layers: share, spread and offset of each."""
    sums = np.zeros((LAYERS, 4))  # number, Σ x, Σ y, Σ x² + y², from the cluster's middle
    for i in members:
        x, y = points[i, 0] - centre[0], points[i, 1] - centre[1]
        layer = sums[min(max(int(above[i] / (features[TOP] + 1e-6) * LAYERS), 0), LAYERS - 1)]
        layer[0] += 1
        layer[1] += x
        layer[2] += y
        layer[3] += x * x + y * y
    for k in range(LAYERS):
        number = max(sums[k, 0], 1.0)
        x, y = sums[k, 1] / number, sums[k, 2] / number
        features[SHARE + k] = sums[k, 0] / len(members)
        features[SPREAD + k] = np.sqrt(max(sums[k, 3] / number - x * x - y * y, 0.0))
        features[OFFSET + k] = np.sqrt(x * x + y * y)
