"""Outlines of clusters, and their parts: a cluster is split at the necks."""

from itertools import pairwise

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.people.clustering import sort_labels
from despite_ros.people.detections import NOBODY
from despite_ros.people.settings import PartitionSettings


@numba.njit(cache=True)
def outline(points: FloatArray, members: IndexArray) -> tuple[float, float, float]:
    """Mean x, mean y and longer side in plan view (metres) of the `members` among N×3 points."""
    west = east = points[members[0], 0]
    south = north = points[members[0], 1]
    x, y = 0.0, 0.0
    for i in members:
        west, east = min(west, points[i, 0]), max(east, points[i, 0])
        south, north = min(south, points[i, 1]), max(north, points[i, 1])
        x += points[i, 0]
        y += points[i, 1]
    return x / len(members), y / len(members), float(max(east - west, north - south))


@numba.njit(cache=True)
def outlines(points: FloatArray, order: IndexArray, starts: IntArray) -> DoubleArray:
    """The `outline` (G×3) of each of G groups; order, starts: as `clustering.flatten` gives them."""
    found = np.empty((len(starts) - 1, 3))
    for g in range(len(found)):
        found[g, 0], found[g, 1], found[g, 2] = outline(points, order[starts[g] : starts[g + 1]])
    return found


@numba.njit(cache=True)
def sort_parts(
    points: FloatArray, labels: IndexArray, owners: IndexArray, tracks: int, longest: float
) -> tuple[IndexArray, IntArray, FloatArray, int]:
    """Indices of the points of each part: what nobody claims of each cluster, then each track's claim.

    labels, owners: (N,) cluster, and track or NOBODY, of N×3 points. What nobody claims and is longer
    than `longest` metres in plan view, a wall, is left empty.

    Returns the indices part after part, where each part begins (parts + 1), the length (m) of the cluster
    that it is from, most of it if from several, and the number of walls.
    """
    clusters = labels.max() + 1 if len(labels) else 0
    low, high, shares = _shares(points, labels, owners, clusters, tracks)
    lengths, starts = np.zeros(clusters + tracks, np.float32), np.zeros(clusters + tracks + 1, np.int64)
    walls, number = np.zeros(clusters, np.bool_), 0
    for k in range(clusters):
        rest = np.float32(-np.inf)
        for axis in range(2):
            least, most = min(low[0, k, axis], low[1, k, axis]), max(high[0, k, axis], high[1, k, axis])
            lengths[k] = max(lengths[k], most - least)
            rest = max(rest, high[1, k, axis] - low[1, k, axis])
        walls[k] = rest > longest
        number += walls[k]
        starts[k + 1] = starts[k] + (0 if walls[k] else shares[tracks, k])
    for t in range(tracks):
        size, most = 0, 0
        for k in range(clusters):
            size += shares[t, k]
            if shares[t, k] > most:
                most, lengths[clusters + t] = shares[t, k], lengths[k]
        starts[clusters + t + 1] = starts[clusters + t] + size
    order, place = np.empty(starts[-1], np.int32), starts[:-1].copy()
    for i in range(len(labels)):
        part = labels[i] if owners[i] == NOBODY else clusters + owners[i]
        if part >= clusters or not walls[part]:
            order[place[part]] = i
            place[part] += 1
    return order, starts, lengths, number


@numba.njit(cache=True)
def _shares(
    points: FloatArray, labels: IndexArray, owners: IndexArray, clusters: int, tracks: int
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Least x, y and greatest x, y of what is claimed of each cluster and of the rest, each 2×clusters×2.

    And how many of each cluster's points are each track's (tracks + 1 × clusters), the last nobody's. Points
    that follow each other are mostly of one cluster and one track: such a run is measured on its own.
    """
    low = np.full((2, clusters, 2), np.inf, np.float32)
    high = np.full((2, clusters, 2), -np.inf, np.float32)
    shares = np.zeros((tracks + 1, clusters), np.int64)
    i = 0
    while i < len(labels):
        start, label, owner = i, labels[i], owners[i]
        west, south = east, north = points[i, 0], points[i, 1]
        while i < len(labels) and labels[i] == label and owners[i] == owner:
            west, east = min(west, points[i, 0]), max(east, points[i, 0])
            south, north = min(south, points[i, 1]), max(north, points[i, 1])
            i += 1
        least, most = low[int(owner == NOBODY), label], high[int(owner == NOBODY), label]
        least[0], least[1] = min(least[0], west), min(least[1], south)
        most[0], most[1] = max(most[0], east), max(most[1], north)
        shares[owner, label] += i - start
    return low, high, shares


def split(columns: FloatArray, settings: PartitionSettings) -> list[IndexArray]:
    """Indices of the points of each part of a cluster, given as `columns.gather` does; none if it is whole.

    Parts are the surroundings of the peaks of a smoothed map of the upper body in plan view; two
    peaks count when the map falls between them.
    """
    order, starts = split_at_peaks(
        columns,
        np.float32(settings.map_cell),
        settings.split_height,
        settings.peak,
        settings.apart,
        settings.valley,
    )
    return [order[a:b] for a, b in pairwise(starts.tolist())]


@numba.njit(cache=True)
def split_at_peaks(
    columns: FloatArray, side: np.float32, lowest: float, peak: float, apart: float, valley: float
) -> tuple[IndexArray, IntArray]:
    """Points nearest to each peak of the upper-body map, as `sort_labels` gives them.

    There are no parts where no point is as high as `lowest`, nor of one peak.
    """
    x, y, above = columns[0], columns[1], columns[3]
    whole = np.empty(0, np.int32), np.zeros(1, np.int64)
    if _least_and_most(above)[1] < lowest:
        return whole
    (west, east), (south, north) = _least_and_most(x), _least_and_most(y)
    mass = np.zeros((int((east - west) / side) + 5, int((north - south) / side) + 5), np.float32)
    for i in range(len(x)):
        row, column = int((x[i] - west) / side) + 2, int((y[i] - south) / side) + 2
        mass[row, column] += above[i] * above[i]
    mass = _smooth(mass)
    maxima = _maxima(mass, peak * mass.max())
    peaks = np.empty((len(maxima), 2), np.int32)
    count = 0
    for m in range(len(maxima)):
        row, column = maxima[m] // mass.shape[1], maxima[m] % mass.shape[1]
        separate = True
        for k in range(count):
            a, b = peaks[k, 0], peaks[k, 1]
            near = np.hypot(a - row, b - column) * side < apart
            separate &= not near and _lowest_between(mass, row, column, a, b) < valley * mass[row, column]
            if not separate:
                break
        if separate:
            peaks[count, 0], peaks[count, 1] = row, column
            count += 1
    if count < 2:
        return whole
    parts = np.empty(len(x), np.int32)
    for i in range(len(x)):
        nearest = np.inf
        for k in range(count):
            dx = x[i] - west - (peaks[k, 0] - 1.5) * side
            dy = y[i] - south - (peaks[k, 1] - 1.5) * side
            if dx * dx + dy * dy < nearest:
                nearest = dx * dx + dy * dy
                parts[i] = k
    sorted_parts: tuple[IndexArray, IntArray] = sort_labels(parts, count)
    return sorted_parts


@numba.njit(cache=True, fastmath=True)
def _least_and_most(values: FloatArray) -> tuple[float, float]:
    """Of finite numbers, in vector instructions."""
    least = most = values[0]
    for value in values:
        least, most = min(least, value), max(most, value)
    return least, most


@numba.njit(cache=True)
def _smooth(mass: FloatArray) -> FloatArray:
    """The map under the 5×5 binomial kernel (standard deviation one cell)."""
    kernel = np.array([1, 4, 6, 4, 1], np.float32) / np.float32(16)
    rows, columns = mass.shape
    across = np.zeros_like(mass)
    smooth = np.zeros_like(mass)
    for row in range(rows):
        for column in range(2, columns - 2):
            for k in range(5):
                across[row, column] += kernel[k] * mass[row, column + k - 2]
    for row in range(2, rows - 2):
        for column in range(columns):
            for k in range(5):
                smooth[row, column] += kernel[k] * across[row + k - 2, column]
    return smooth


@numba.njit(cache=True)
def _maxima(mass: FloatArray, least: float) -> IntArray:
    """Flat indices of the cells above `least` that none of the eight around exceeds, highest first."""
    rows, columns = mass.shape
    found = np.empty(mass.size, np.int64)
    heights = np.empty(mass.size, np.float32)
    count = 0
    for row in range(2, rows - 2):
        for column in range(2, columns - 2):
            height = mass[row, column]
            if height <= least or _exceeded(mass, row, column):
                continue
            k = count
            while k > 0 and heights[k - 1] < height:
                found[k], heights[k] = found[k - 1], heights[k - 1]
                k -= 1
            found[k], heights[k] = row * columns + column, height
            count += 1
    return found[:count]


@numba.njit(cache=True)
def _exceeded(mass: FloatArray, row: int, column: int) -> bool:
    """Whether one of the eight cells around is higher."""
    for i in range(row - 1, row + 2):
        for j in range(column - 1, column + 2):
            if mass[i, j] > mass[row, column]:
                return True
    return False


@numba.njit(cache=True)
def _lowest_between(mass: FloatArray, row: int, column: int, row2: int, column2: int) -> float:
    """The least of the map on the straight line between two cells."""
    steps = max(abs(row2 - row), abs(column2 - column))
    lowest = mass[row, column]
    for k in range(1, steps):
        i = int(np.rint(row + (row2 - row) * k / steps))
        j = int(np.rint(column + (column2 - column) * k / steps))
        lowest = min(lowest, mass[i, j])
    return float(lowest)
