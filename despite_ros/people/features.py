"""What tells a person from furniture, in a few numbers per cluster."""

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IntArray

FEATURES = (
    "top",  # highest point above the floor, m
    "bottom",  # lowest point above the floor, m
    "mean",  # mean height, m
    "deviation",  # standard deviation of the heights, m
    "low",  # share of points in the lowest third of 0…top
    "high",  # share of points in the highest third
    "length",  # longer side in plan view (standard deviation · √12), m
    "width",  # shorter side in plan view, m
    "head",  # spread of the highest quarter in plan view, m
    "feet",  # spread of the lowest quarter in plan view, m
    "lean",  # from the middle of the lowest quarter to that of the highest in plan view, m
    "thick",  # smallest standard deviation in any direction, m
    "broad",  # middle standard deviation, m
    "upright",  # |z| of the direction of largest standard deviation
    "points",  # log of their number
    "range",  # log of the distance from the sensor, m
    "context",  # longer side in plan view of what the cluster was cut from, m
)


def describe_clusters(
    points: FloatArray, above: FloatArray, starts: IntArray, sensor: DoubleArray, context: FloatArray
) -> FloatArray:
    """Features (G×17) of G clusters.

    points, above: N×3 and N, cluster after cluster. starts: G+1, where each begins, none empty.
    sensor: (3,). context: (G,) metres.
    """
    count = np.diff(starts).astype(np.float64)
    top = np.maximum.reduceat(above, starts[:-1]).astype(np.float64)
    bottom = np.minimum.reduceat(above, starts[:-1])
    centre, covariance, sums = moments(points, above, starts, top)
    mean = sums[:, 0] / count
    deviation = np.sqrt(np.maximum(sums[:, 1] / count - mean**2, 0))
    plan = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance[:, :2, :2]), 0) * 12)
    values, vectors = np.linalg.eigh(covariance)
    spread = np.sqrt(np.maximum(values, 0))
    head, head_xy = _spread(sums[:, 4:8])
    feet, feet_xy = _spread(sums[:, 8:12])
    lean = np.where((sums[:, 4] > 0) & (sums[:, 8] > 0), np.hypot(*(head_xy - feet_xy).T), 0)
    distance = np.linalg.norm(centre - sensor, axis=1)
    columns = (
        top, bottom, mean, deviation, sums[:, 2] / count, sums[:, 3] / count, plan[:, 1], plan[:, 0], head, feet,
        lean, spread[:, 0], spread[:, 1], np.abs(vectors[:, 2, 2]), np.log(count), np.log(distance + 0.1), context,
    )  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32)


def _spread(sums: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """(n, Σx, Σy, Σx²+y²) G×4 → root mean square distance from the middle (G,), and the middle (G×2)."""
    number = np.maximum(sums[:, 0], 1)
    middle = sums[:, 1:3] / number[:, None]
    return np.sqrt(np.maximum(sums[:, 3] / number - (middle**2).sum(1), 0)), middle


@numba.njit(cache=True)
def moments(
    points: FloatArray, above: FloatArray, starts: IntArray, top: DoubleArray
) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Means G×3, covariances G×3×3 and sums G×12, in plan view from the means:

    height, height², points in the lowest and the highest third, then of the highest and of the lowest
    quarter (n, x, y, x²+y²).
    """
    groups = len(starts) - 1
    centre = np.zeros((groups, 3))
    covariance = np.zeros((groups, 3, 3))
    sums = np.zeros((groups, 12))
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
            h, s = above[i], sums[g]
            s[0] += h
            s[1] += h * h
            s[2] += h < top[g] / 3
            s[3] += h > top[g] * 2 / 3
            part = 4 if h > top[g] * 3 / 4 else 8 if h < top[g] / 4 else -1
            if part > 0:
                s[part] += 1
                s[part + 1] += x
                s[part + 2] += y
                s[part + 3] += x * x + y * y
        covariance[g] /= last - first
        covariance[g, 1, 0], covariance[g, 2, 0] = covariance[g, 0, 1], covariance[g, 0, 2]
        covariance[g, 2, 1] = covariance[g, 1, 2]
    return centre, covariance, sums
