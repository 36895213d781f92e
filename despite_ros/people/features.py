"""What tells a person from furniture, in a few numbers per cluster."""

from collections.abc import Sequence
from typing import Protocol

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.people.clustering import flatten
from despite_ros.people.columns import cluster, gather
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
CLOSE = len(FEATURES)  # the first of what stands close; silhouettes follow
SILHOUETTE = CLOSE + 2
INPUTS = SILHOUETTE + CELLS
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
    longest: float = np.inf,
) -> FloatArray:
    """Features (G×INPUTS) of G groups of N×3 points at heights `above` the floor (N,), seen from `sensor`.

    They are FEATURES, what stands beside (see `Surroundings.beside`), and the silhouettes. Groups longer
    than `longest` metres, walls mostly, are but measured: from the first share on, their row is zero.
    """
    if not candidates:
        return np.empty((0, INPUTS), np.float32)
    order, starts = flatten([candidate.members for candidate in candidates])
    columns, sensor = gather(points, above, order), np.asarray(sensor, np.float64)
    features = np.zeros((len(candidates), INPUTS), np.float32)
    middles: DoubleArray = measure(columns, starts, sensor, features)
    features[:, CONTEXT] = [candidate.context for candidate in candidates]
    wanted = np.flatnonzero(features[:, LENGTH] <= longest)
    layers(columns, starts, wanted, middles, features)
    features[:, CLOSE:SILHOUETTE] = surroundings.beside(columns, starts, wanted)
    features[:, SILHOUETTE:] = silhouettes(columns, starts, wanted, middles, sensor)
    return features


@numba.njit(cache=True)
def measure(columns: FloatArray, starts: IntArray, sensor: DoubleArray, features: FloatArray) -> DoubleArray:
    """Means (G×3) of G clusters; fills in the features of their sizes and ranges."""
    middles, spread = np.empty((len(starts) - 1, 3)), np.empty((3, 3))
    for g in range(len(middles)):
        x, y, z, above = cluster(columns, starts, g)
        row, middle = features[g], middles[g]
        _moments(x, y, z, middle, spread)
        row[THICK], row[BROAD], row[UPRIGHT] = _principal(spread)
        half, mean = (spread[0, 0] - spread[1, 1]) / 2, (spread[0, 0] + spread[1, 1]) / 2
        root = np.sqrt(half * half + spread[0, 1] * spread[0, 1])
        row[LENGTH] = np.sqrt(12 * max(mean + root, 0.0))
        row[WIDTH] = np.sqrt(12 * max(mean - root, 0.0))
        row[TOP], row[BOTTOM], row[MEAN], row[DEVIATION] = _heights(above)
        row[POINTS] = np.log(len(x))
        east, north, up = middle[0] - sensor[0], middle[1] - sensor[1], middle[2] - sensor[2]
        row[RANGE] = np.log(np.sqrt(east * east + north * north + up * up) + BESIDE)
    return middles


# Sums may be taken in any order, so that the compiler makes vector instructions of the loops.
@numba.njit(cache=True, fastmath=True)
def _moments(x: FloatArray, y: FloatArray, z: FloatArray, middle: DoubleArray, spread: DoubleArray) -> None:
    """Fill in mean (3,) and covariance (3×3) of a cluster."""
    # sums of squares stay small about a point of the cluster
    x0, y0, z0 = np.float64(x[0]), np.float64(y[0]), np.float64(z[0])
    sx = sy = sz = xx = yy = zz = xy = yz = zx = 0.0
    for i in range(len(x)):
        a, b, c = x[i] - x0, y[i] - y0, z[i] - z0
        sx += a
        sy += b
        sz += c
        xx += a * a
        yy += b * b
        zz += c * c
        xy += a * b
        yz += b * c
        zx += c * a
    n = len(x)
    sx, sy, sz = sx / n, sy / n, sz / n
    spread[0, 0], spread[1, 1], spread[2, 2] = xx / n - sx * sx, yy / n - sy * sy, zz / n - sz * sz
    spread[0, 1] = spread[1, 0] = xy / n - sx * sy
    spread[1, 2] = spread[2, 1] = yz / n - sy * sz
    spread[2, 0] = spread[0, 2] = zx / n - sz * sx
    middle[0], middle[1], middle[2] = x0 + sx, y0 + sy, z0 + sz


@numba.njit(cache=True)
def _principal(spread: DoubleArray) -> tuple[float, float, float]:
    """Smallest and middle standard deviation, and |z| of the direction of the largest, of a covariance (3×3).

    The eigenvalues are the roots of a cubic, by the cosines of three angles; where no direction stands
    out, it is upright.
    """
    xx, yy, zz = spread[0, 0], spread[1, 1], spread[2, 2]
    xy, yz, zx = spread[0, 1], spread[1, 2], spread[2, 0]
    mean = (xx + yy + zz) / 3
    a, b, c = xx - mean, yy - mean, zz - mean
    scale = np.sqrt((a * a + b * b + c * c + 2 * (xy * xy + yz * yz + zx * zx)) / 6)
    if scale == 0:
        return np.sqrt(max(mean, 0.0)), np.sqrt(max(mean, 0.0)), 1.0
    determinant = a * (b * c - yz * yz) - xy * (xy * c - yz * zx) + zx * (xy * yz - b * zx)
    angle = np.arccos(min(max(determinant / (2 * scale**3), -1.0), 1.0)) / 3
    large, small = mean + 2 * scale * np.cos(angle), mean + 2 * scale * np.cos(angle + 2 * np.pi / 3)
    middle = 3 * mean - large - small
    apart = (large - middle) * (large - small)
    upright = ((large - xx) * (large - yy) - xy * xy) / apart if apart > 0 else 1.0
    return np.sqrt(max(small, 0.0)), np.sqrt(max(middle, 0.0)), np.sqrt(min(max(upright, 0.0), 1.0))


@numba.njit(cache=True, fastmath=True)
def _heights(above: FloatArray) -> tuple[float, float, float, float]:
    """Greatest, least, mean and standard deviation."""
    top = bottom = above[0]
    total = squared = 0.0
    for i in range(len(above)):
        height = np.float64(above[i])
        top, bottom = max(top, above[i]), min(bottom, above[i])
        total += height
        squared += height * height
    mean = total / len(above)
    return top, bottom, mean, np.sqrt(max(squared / len(above) - mean * mean, 0.0))


@numba.njit(cache=True)
def layers(
    columns: FloatArray, starts: IntArray, wanted: IntArray, middles: DoubleArray, features: FloatArray
) -> None:
    """Fill in the features of the layers of `wanted` clusters: share, spread and offset of each."""
    for g in wanted:
        row, east, north = features[g], middles[g, 0], middles[g, 1]
        sums = np.zeros((LAYERS, 4))  # number, Σ x, Σ y, Σ x² + y², from the cluster's middle
        x, y, _, above = cluster(columns, starts, g)
        for i in range(len(x)):
            a, b = x[i] - east, y[i] - north
            layer = sums[min(max(int(above[i] / (row[TOP] + 1e-6) * LAYERS), 0), LAYERS - 1)]
            layer[0] += 1
            layer[1] += a
            layer[2] += b
            layer[3] += a * a + b * b
        for k in range(LAYERS):
            number = max(sums[k, 0], 1.0)
            a, b = sums[k, 1] / number, sums[k, 2] / number
            row[SHARE + k] = sums[k, 0] / len(x)
            row[SPREAD + k] = np.sqrt(max(sums[k, 3] / number - a * a - b * b, 0.0))
            row[OFFSET + k] = np.sqrt(a * a + b * b)
