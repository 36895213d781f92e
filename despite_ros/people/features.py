"""What tells a person from furniture, in a few numbers per cluster."""

from collections.abc import Sequence
from typing import Protocol

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray

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
    "range",  # log of the distance from the sensor, m
    "context",  # longer side in plan view of what the cluster was cut from, m
    *(f"share{k}" for k in range(LAYERS)),  # of the points that lie in the layer
    *(
        f"spread{k}" for k in range(LAYERS)
    ),  # root mean square distance from the layer's middle in plan view, m
    *(f"offset{k}" for k in range(LAYERS)),  # from the cluster's middle to the layer's in plan view, m
)


class Group(Protocol):
    """What features are taken of: indices of points, and the length of what it was cut from."""

    @property
    def members(self) -> IndexArray:
        """Indices of the group's points."""

    @property
    def context(self) -> float:
        """Metres."""


def candidate_features(
    candidates: Sequence[Group], points: FloatArray, above: FloatArray, sensor: DoubleArray
) -> FloatArray:
    """Features (G×30) of G groups of N×3 points at heights `above` the floor (N,), seen from `sensor`."""
    if not candidates:
        return np.empty((0, len(FEATURES)), np.float32)
    order = np.concatenate([candidate.members for candidate in candidates])
    starts = np.cumsum([0, *(len(candidate.members) for candidate in candidates)])
    context = np.array([candidate.context for candidate in candidates])
    return describe_clusters(points[order], above[order], starts, sensor, context)


def describe_clusters(
    points: FloatArray, above: FloatArray, starts: IntArray, sensor: DoubleArray, context: DoubleArray
) -> FloatArray:
    """Features (G×30) of G clusters.

    points, above: N×3 and N, cluster after cluster. starts: G+1, where each begins, none empty.
    sensor: (3,). context: (G,) metres.
    """
    count = np.diff(starts).astype(np.float64)
    top = np.maximum.reduceat(above, starts[:-1]).astype(np.float64)
    bottom = np.minimum.reduceat(above, starts[:-1])
    centre, covariance, heights, layers = moments(points, above, starts, top)
    plan = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance[:, :2, :2]), 0) * 12)
    values, vectors = np.linalg.eigh(covariance)
    spread = np.sqrt(np.maximum(values, 0))
    mean = heights[:, 0] / count
    deviation = np.sqrt(np.maximum(heights[:, 1] / count - mean**2, 0))
    distance = np.log(np.linalg.norm(centre - sensor, axis=1) + 0.1)
    number = np.maximum(layers[:, :, 0], 1)
    middle = layers[:, :, 1:3] / number[:, :, None]
    radius = np.sqrt(np.maximum(layers[:, :, 3] / number - (middle**2).sum(2), 0))
    columns = (
        *(top, bottom, mean, deviation, plan[:, 1], plan[:, 0], spread[:, 0], spread[:, 1]),
        *(np.abs(vectors[:, 2, 2]), np.log(count), distance, context),
    )
    shares = layers[:, :, 0] / count[:, None]
    whole = np.concatenate([np.stack(columns, axis=1), shares, radius, np.hypot(*middle.T).T], axis=1)
    return whole.astype(np.float32)


@numba.njit(cache=True)
def moments(
    points: FloatArray, above: FloatArray, starts: IntArray, top: DoubleArray
) -> tuple[DoubleArray, DoubleArray, DoubleArray, DoubleArray]:
    """Sums over each of G clusters.

    Returns the means G×3, the covariances G×3×3, Σ of height and height² G×2, and for each layer the
    number and Σ of x, y and x² + y² from the mean, G×LAYERS×4.
    """
    groups = len(starts) - 1
    centre = np.zeros((groups, 3))
    covariance = np.zeros((groups, 3, 3))
    heights = np.zeros((groups, 2))
    layers = np.zeros((groups, LAYERS, 4))
    for g in range(groups):
        first, last = starts[g], starts[g + 1]
        for i in range(first, last):
            for a in range(3):
                centre[g, a] += points[i, a] / (last - first)
        for i in range(first, last):
            x, y, z = points[i, 0] - centre[g, 0], points[i, 1] - centre[g, 1], points[i, 2] - centre[g, 2]
            covariance[g, 0, 0] += x * x
            covariance[g, 0, 1] += x * y
            covariance[g, 0, 2] += x * z
            covariance[g, 1, 1] += y * y
            covariance[g, 1, 2] += y * z
            covariance[g, 2, 2] += z * z
            heights[g, 0] += above[i]
            heights[g, 1] += above[i] ** 2
            layer = layers[g, min(max(int(above[i] / (top[g] + 1e-6) * LAYERS), 0), LAYERS - 1)]
            layer[0] += 1
            layer[1] += x
            layer[2] += y
            layer[3] += x * x + y * y
        covariance[g] /= last - first
        covariance[g, 1, 0], covariance[g, 2, 0] = covariance[g, 0, 1], covariance[g, 0, 2]
        covariance[g, 2, 1] = covariance[g, 1, 2]
    return centre, covariance, heights, layers
