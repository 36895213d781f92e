"""A cluster that may be a person."""

from dataclasses import dataclass

import numba
import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray

NOBODY = -1
SURFACE_TO_AXIS = 0.1  # metres from the mean of the points seen to the body's axis, away from the sensor


@dataclass(frozen=True, slots=True)
class Detection:
    """A cluster that may be a person, in the fixed frame.

    points: N×3 raw points. middle: their mean. position: centre of the body in plan view and of the box in z.
    size: box (dx, dy, dz). top: height of the highest point above the floor, metres.
    log_odds: of being a person, by the gate. owner: key of the track that claimed the points, or NOBODY.
    glimpse: whether the points are too few to be judged, and tell but that a track's person is still there.
    """

    points: FloatArray
    middle: DoubleArray
    position: DoubleArray
    size: FloatArray
    top: float
    log_odds: float = 0.0
    owner: int = NOBODY
    glimpse: bool = False


def detect(
    points: FloatArray,
    top: float,
    sensor: DoubleArray,
    log_odds: float = 0.0,
    owner: int = NOBODY,
    glimpse: bool = False,
) -> Detection:
    """Box and position of a cluster (N×3) seen from `sensor` (3,)."""
    middle, position, size = place(np.ascontiguousarray(points), sensor)
    return Detection(points, middle, position, size, top, log_odds, owner, glimpse)


@numba.njit(cache=True)
def place(points: FloatArray, sensor: DoubleArray) -> tuple[DoubleArray, DoubleArray, FloatArray]:
    """Mean, position and size of N×3 points, one or more, as a Detection has them."""
    low, high, middle = points[0].copy(), points[0].copy(), np.zeros(3)
    for i in range(len(points)):
        for k in range(3):
            value = points[i, k]
            low[k], high[k] = min(low[k], value), max(high[k], value)
            middle[k] += value
    for k in range(3):
        middle[k] /= len(points)
    position, ahead, aside = middle.copy(), middle[0] - sensor[0], middle[1] - sensor[1]
    away = max(np.sqrt(ahead * ahead + aside * aside), 1e-6)
    position[0] += ahead / away * SURFACE_TO_AXIS
    position[1] += aside / away * SURFACE_TO_AXIS
    position[2] = (low[2] + high[2]) / 2
    return middle, position, high - low
