import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despite_ros.arrays import FloatArray
from despite_ros.motion.sampling import ANCHORS, farthest_point_sample, make_crop


def sample_slowly(points: FloatArray, count: int) -> list[int]:
    """Farthest point sampling word by word."""
    nearest = np.full(len(points), np.inf, np.float32)
    nearest[(points**2).sum(axis=1) <= 1e-3] = -1
    picked = [0]
    while len(picked) < count:
        nearest = np.minimum(nearest, ((points - points[picked[-1]]) ** 2).sum(axis=1))
        picked.append(int(nearest.argmax()) if nearest.max() >= 0 else 0)
    return picked


def cloud(count: int, seed: int = 0, scale: float = 0.5) -> FloatArray:
    return np.random.default_rng(seed).normal(0, scale, (count, 3)).astype(np.float32)


def test_farthest_points_of_a_line_halve_it() -> None:
    line = np.zeros((9, 3), np.float32)
    line[:, 0] = np.arange(1, 10)
    assert farthest_point_sample(line, 5).tolist() == [0, 8, 4, 2, 6]


@settings(deadline=None, max_examples=40)
@given(count=st.integers(1, 300), picks=st.integers(1, 40), seed=st.integers(0, 1000), grid=st.booleans())
def test_equals_the_definition(count: int, picks: int, seed: int, grid: bool) -> None:
    points = cloud(count, seed, 0.1)
    if grid:  # ties, duplicates and points at the origin
        points = (points * 10).round().astype(np.float32)
    assert farthest_point_sample(points, picks).tolist() == sample_slowly(points, picks)


def test_a_crop_is_centred_and_keeps_its_anchors_first() -> None:
    points = cloud(1000) + np.array([5, -3, 1], np.float32)
    crop = make_crop(points)
    assert crop.shape == (256, 3)
    assert crop.dtype == np.float32
    assert crop.flags.c_contiguous
    assert np.abs(crop).max() < 3
    assert farthest_point_sample(crop, 256).tolist() == list(range(256))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 100, 255, 256])
def test_sampling_a_small_crop_again_gives_its_first_rows(count: int) -> None:
    crop = make_crop(cloud(count, seed=count))
    again = farthest_point_sample(crop, ANCHORS)
    np.testing.assert_array_equal(crop[again], crop[:ANCHORS])


def test_few_points_are_all_kept_and_tiled() -> None:
    points = cloud(100)
    crop = make_crop(points)
    centred = points - points.mean(axis=0)
    assert len(np.unique(crop, axis=0)) == 100
    np.testing.assert_allclose(np.sort(crop[:100], axis=0), np.sort(centred, axis=0), atol=1e-6)
    np.testing.assert_array_equal(crop[100:200], crop[:100])


def test_no_points_give_zeros() -> None:
    assert not make_crop(np.empty((0, 3), np.float32)).any()


def test_other_crop_sizes() -> None:
    assert make_crop(cloud(500), 1024).shape == (1024, 3)
