"""Tube embedding of the PST-Transformer, one anchor frame at a time (numba).

A tube gathers, around an anchor point in frame t, at most 32 neighbours in each of the frames t−1, t, t+1 and
keeps the largest of W·(dx, dy, dz, dt) per channel. W is linear without bias, so dt only shifts a frame's
maximum by ±W_t, and the tube that opens a window (frame t−1 replaced by t) needs no search of its own.
"""

import numpy as np
from numba import njit

from despite_ros.arrays import FloatArray

SQUARED_RADIUS = np.float32(0.3 * 0.3)  # m²; strictly inside
NEIGHBOURS = 32


@njit(cache=True, nogil=True, error_model="numpy")
def embed_anchors(
    before: FloatArray,
    at: FloatArray,
    after: FloatArray,
    weight: FloatArray,
    opening: FloatArray,
    inner: FloatArray,
) -> None:
    """Tubes around the first rows of `at`, for M people.

    before, at, after: M×N×3, crops of the frames t−1, t, t+1. weight: 4×C, rows x, y, z, t.
    opening, inner: M×A×C, filled with the tubes of a window that begins at t, and before t.
    """
    channels = weight.shape[1]
    largest = np.empty((3, channels), np.float32)  # projections in the frames t−1, t, t+1
    for person in range(len(at)):
        for anchor in range(opening.shape[1]):
            centre = at[person, anchor]
            largest_projection(before[person], centre, weight, largest[0])
            largest_projection(at[person], centre, weight, largest[1])
            largest_projection(after[person], centre, weight, largest[2])
            for c in range(channels):
                rest = max(largest[1, c], largest[2, c] + weight[3, c])
                opening[person, anchor, c] = max(largest[1, c] - weight[3, c], rest)
                inner[person, anchor, c] = max(largest[0, c] - weight[3, c], rest)


@njit(cache=True, nogil=True, error_model="numpy")
def largest_projection(points: FloatArray, centre: FloatArray, weight: FloatArray, out: FloatArray) -> None:
    """out[c] = max of W·(x − centre) over the first 32 points in the ball, or of point 0 if it is empty."""
    out[:] = -np.inf
    found = 0
    for i in range(len(points)):
        dx, dy, dz = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        if dx * dx + dy * dy + dz * dz < SQUARED_RADIUS:
            _raise(out, weight, dx, dy, dz)
            found += 1
            if found == NEIGHBOURS:
                break
    if found == 0:
        _raise(out, weight, points[0, 0] - centre[0], points[0, 1] - centre[1], points[0, 2] - centre[2])


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _raise(out: FloatArray, weight: FloatArray, dx: float, dy: float, dz: float) -> None:
    for c in range(out.size):
        value = weight[0, c] * dx + weight[1, c] * dy + weight[2, c] * dz
        out[c] = value if value > out[c] else out[c]
