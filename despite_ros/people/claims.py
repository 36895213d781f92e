"""Whose points are they? Clusters are shared out among the tracks."""

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray
from despite_ros.people.detections import NOBODY
from despite_ros.people.settings import PartitionSettings

BLOCK = 32  # points that follow each other: they lie close together, and most are far from most tracks


def claim(
    points: FloatArray,
    labels: IndexArray,
    centres: DoubleArray,
    shapes: FloatArray,
    unseen: FloatArray,
    settings: PartitionSettings,
) -> tuple[IndexArray, IndexArray]:
    """Track (row of `centres`, or NOBODY) of each of N×3 points (N,), and the track that it is near to (N,).

    labels: (N,) cluster of each point. centres: T×2 predicted positions. shapes: T×S×3 points of each
    track when it was last seen, moved to where it is predicted. unseen: (T,) seconds since then.

    A point is claimed by the track with the nearest such point. Of a cluster a track gets all that
    is within its reach if it claims most of it, nothing if it claims but a small part of it and has
    more elsewhere (something it passes by), else what it claims: two people shaking hands are cut in
    the middle, and a person cut in two by a pillar gets both parts.
    """
    if len(points) == 0 or len(centres) == 0:
        return np.full(len(points), NOBODY, np.int32), np.full(len(points), NOBODY, np.int32)
    flat = np.ascontiguousarray(shapes.transpose(0, 2, 1))
    handicap = np.float32(settings.unseen) * unseen
    nearest, distance = nearest_track(
        points, centres.astype(np.float32), flat, np.float32(settings.reach), handicap
    )
    owners, claimed = share_out(labels, nearest, distance, np.float32(settings.limb), len(centres))
    return owners, claimed


@numba.njit(cache=True, fastmath=True)
def nearest_track(
    points: FloatArray, centres: FloatArray, shapes: FloatArray, reach: np.float32, handicap: FloatArray
) -> tuple[IndexArray, FloatArray]:
    """Track with the nearest shape point among those within `reach` in plan view, and its distance, m.

    shapes: T×3×S. handicap: (T,) metres added to a track's distance. NOBODY where none is within reach.
    """
    owners = np.full(len(points), NOBODY, np.int32)
    distance = np.full(len(points), np.float32(1e9), np.float32)
    boxes, near = _boxes(points), np.empty(len(points), np.int32)
    for t in range(len(centres)):
        count = _within(points, boxes, centres[t, 0], centres[t, 1], reach, near)
        squares = _squares(points, near[:count], shapes[t])
        for k in range(count):
            metres = np.sqrt(squares[k]) + handicap[t]
            if metres < distance[near[k]]:
                owners[near[k]], distance[near[k]] = t, metres
    return owners, distance


@numba.njit(cache=True)
def _boxes(points: FloatArray) -> FloatArray:
    """Least x, greatest x, least y and greatest y of every BLOCK of points, B×4."""
    boxes = np.empty(((len(points) + BLOCK - 1) // BLOCK, 4), np.float32)
    for k in range(len(boxes)):
        some = points[k * BLOCK : (k + 1) * BLOCK]
        west, east, south, north = some[0, 0], some[0, 0], some[0, 1], some[0, 1]
        for i in range(len(some)):
            west, east = min(west, some[i, 0]), max(east, some[i, 0])
            south, north = min(south, some[i, 1]), max(north, some[i, 1])
        boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3] = west, east, south, north
    return boxes


@numba.njit(cache=True)
def _within(
    points: FloatArray, boxes: FloatArray, x: np.float32, y: np.float32, reach: np.float32, near: IndexArray
) -> int:
    """Put the indices of the points within `reach` of x, y in plan view into `near`; the number of them."""
    count = 0
    for k in range(len(boxes)):
        west, east, south, north = boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3]
        if west - reach <= x <= east + reach and south - reach <= y <= north + reach:
            for i in range(k * BLOCK, min((k + 1) * BLOCK, len(points))):
                near[count] = i
                count += (points[i, 0] - x) ** 2 + (points[i, 1] - y) ** 2 <= reach * reach
    return count


# The loop over points is the inner one, for the compiler makes vector instructions of it.
@numba.njit(cache=True, fastmath=True)
def _squares(points: FloatArray, some: IndexArray, shape: FloatArray) -> FloatArray:
    """Squared distance of `some` of the points to the nearest of a shape (3×S, S even)."""
    x, y, z = np.empty((3, len(some)), np.float32)
    for k in range(len(some)):
        x[k], y[k], z[k] = points[some[k], 0], points[some[k], 1], points[some[k], 2]
    squares = np.full(len(some), np.float32(1e16), np.float32)
    for s in range(0, shape.shape[1], 2):  # two at once: fewer loads and stores
        a, b, c = shape[0, s], shape[1, s], shape[2, s]
        d, e, f = shape[0, s + 1], shape[1, s + 1], shape[2, s + 1]
        for k in range(len(some)):
            dx, dy, dz = x[k] - a, y[k] - b, z[k] - c
            ex, ey, ez = x[k] - d, y[k] - e, z[k] - f
            square = min(dx * dx + dy * dy + dz * dz, ex * ex + ey * ey + ez * ez)
            squares[k] = min(squares[k], square)
    return squares


@numba.njit(cache=True)
def share_out(
    labels: IndexArray, nearest: IndexArray, distance: FloatArray, limb: np.float32, tracks: int
) -> tuple[IndexArray, IndexArray]:
    """Track of each point (N,), or NOBODY, by the rules of `claim`, and the track that it is near to (N,).

    labels: (N,) cluster. nearest: (N,) nearest track within reach. distance: (N,) from it, m; within
    `limb` it is near.
    """
    near = np.empty(len(nearest), np.int32)
    for i in range(len(near)):
        near[i] = nearest[i] if distance[i] < limb else np.int32(NOBODY)
    clusters = labels.max() + 1
    share = np.zeros((clusters, tracks + 1), np.int64)  # the last column is NOBODY's
    sizes, whole = np.zeros(clusters, np.int64), np.zeros(tracks + 1, np.int64)
    i = 0
    while i < len(labels):  # those that follow each other are mostly of one cluster and one track
        start = i
        while i < len(labels) and labels[i] == labels[start] and near[i] == near[start]:
            i += 1
        share[labels[start], near[start]] += i - start
        sizes[labels[start]] += i - start
        whole[near[start]] += i - start
    owners = np.full(len(labels), NOBODY, np.int32)
    for i in range(len(labels)):
        if nearest[i] != NOBODY:
            cluster = labels[i]
            size = sizes[cluster]
            track = nearest[i] if 2 * (size - share[cluster, tracks]) >= size else near[i]
            mine = 2 * share[cluster, track]
            if track != NOBODY and (mine >= size or mine >= whole[track]):
                owners[i] = track
    return owners, near
