"""Smooth random curves."""

import numpy as np
from numpy.random import Generator

from despite_ros.arrays import DoubleArray, IntArray


def smooth_noise(
    rng: Generator, frames: int, rate: float, tempo: DoubleArray, rest: float = 0.0
) -> DoubleArray:
    """F×D random curves with mean 0 and about unit deviation: uniform cubic B-splines of normal numbers.

    tempo: D hertz, about two control points a period; so curves have continuous accelerations.
    rest: the chance that a control point repeats the one before (a held pose between movements).
    """
    knots = np.arange(frames)[:, None] * (2 * tempo / rate) + rng.random(len(tempo))
    index = knots.astype(np.int64)
    controls = rng.normal(size=(int(index.max()) + 4, len(tempo)))
    if rest > 0:
        fresh = rng.random(controls.shape) >= rest
        fresh[0] = True
        newest = np.maximum.accumulate(np.where(fresh, np.arange(len(controls))[:, None], 0), 0)
        controls = np.take_along_axis(controls, newest, 0)
    return (
        _spline(controls, index, knots - index) * 1.4
    )  # the spline's mean square is about half the controls'


def _spline(controls: DoubleArray, index: IntArray, u: DoubleArray) -> DoubleArray:
    columns = np.arange(controls.shape[1])
    weights = ((1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, -3 * u**3 + 3 * u**2 + 3 * u + 1, u**3)
    return np.asarray(sum(weight * controls[index + k, columns] for k, weight in enumerate(weights)) / 6)


def ease(progress: DoubleArray) -> DoubleArray:
    """0–1 → 0–1 along a minimum-jerk curve (Flash & Hogan 1985); clipped outside."""
    p = np.clip(progress, 0, 1)
    return p * p * p * (10 + p * (6 * p - 15))
