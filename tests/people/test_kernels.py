"""Kernels that were written for speed, against their definitions."""

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.people.candidates import Candidate
from despite_ros.people.claims import nearest_track
from despite_ros.people.detections import NOBODY
from despite_ros.people.features import (
    BROAD,
    DEVIATION,
    INPUTS,
    LENGTH,
    THICK,
    TOP,
    UPRIGHT,
    candidate_features,
    measure,
)
from despite_ros.people.surroundings import Surroundings
from despite_ros.people.terrain import fill

SENSOR = np.array([0.0, 0.0, 1.3])


def body(count: int) -> FloatArray:
    return np.random.default_rng(count).normal((4, 2, 1), (0.2, 0.1, 0.4), (count, 3)).astype(np.float32)


def test_a_cell_is_filled_with_the_median_around_it() -> None:
    rng = np.random.default_rng(0)
    floor = np.where(rng.random((30, 30)) < 0.3, rng.normal(size=(30, 30)), np.nan).astype(np.float32)
    floor[:9, :9] = np.nan
    filled = fill(floor)
    for row in range(30):
        for column in range(30):
            around = floor[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
            known = np.sort(around[np.isfinite(around)])
            assert filled[row, column] == (known[len(known) // 2] if len(known) else 0)


@pytest.mark.parametrize("count", [1, 15, 16, 333])
def test_a_point_is_nearest_to_the_track_with_the_nearest_shape(count: int) -> None:
    rng = np.random.default_rng(count)
    points = rng.uniform(0, 5, (count, 3)).astype(np.float32)
    centres = rng.uniform(0, 5, (6, 2)).astype(np.float32)
    shapes = rng.uniform(0, 5, (6, 3, 20)).astype(np.float32)
    handicap = rng.uniform(0, 1, 6).astype(np.float32)
    owners, distance = nearest_track(points, centres, shapes, np.float32(1.1), handicap)
    away = np.linalg.norm(points[:, None, :, None] - shapes, axis=2).min(axis=2) + handicap
    away[np.linalg.norm(points[:, None, :2] - centres, axis=2) > 1.1] = np.inf
    assert (owners == np.where(np.isfinite(away).any(axis=1), away.argmin(axis=1), NOBODY)).all()
    assert np.allclose(distance[owners != NOBODY], away.min(axis=1)[owners != NOBODY], atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 500])
def test_clusters_are_measured_as_numpy_does(count: int) -> None:
    points = body(count)
    columns, features = np.ascontiguousarray(points[:, [0, 1, 2, 2]].T), np.zeros((1, INPUTS), np.float32)
    middles = measure(columns, np.array([0, count]), SENSOR, features)
    covariance = np.cov(points.T.astype(np.float64), bias=True)
    variances, directions = np.linalg.eigh(covariance)
    assert np.allclose(middles[0], points.mean(axis=0, dtype=np.float64))
    assert np.allclose(features[0, [THICK, BROAD]], np.sqrt(np.maximum(variances[:2], 0)), atol=1e-6)
    assert np.isclose(features[0, UPRIGHT], abs(directions[2, 2]), atol=1e-6)
    assert np.isclose(features[0, LENGTH], np.sqrt(12 * np.linalg.eigvalsh(covariance[:2, :2])[1]), atol=1e-6)
    assert np.isclose(features[0, TOP], points[:, 2].max())
    assert np.isclose(features[0, DEVIATION], points[:, 2].std(), atol=1e-6)


def test_long_clusters_are_but_measured() -> None:
    points = np.concatenate([body(100), body(100) * [1, 9, 1]]).astype(np.float32)
    whole = [Candidate(np.arange(k, k + 100, dtype=np.int32), 1.0) for k in (0, 100)]
    surroundings = Surroundings(20.0)
    surroundings.fill(points, SENSOR)
    every, short = (
        candidate_features(whole, points, points[:, 2], SENSOR, surroundings, longest)
        for longest in (np.inf, 2.2)
    )
    assert (every[0] == short[0]).all()
    assert (every[1, :12] == short[1, :12]).all() and not short[1, 12:].any() and every[1, 12:].any()
