"""The cue from how embeddings change, on embeddings made of what stays and what changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.matching.changes import ChangeCue

WIDTH = 64
FRAME_NS = 100_000_000


def embeddings(rng: np.random.Generator, frames: int, alike: float) -> tuple[FloatArray, FloatArray]:
    """Frames × 2 × E of two tracks and of their two wearers.

    All four share a direction that stays, `alike` times as long as what each pair has for itself.
    """
    stays = alike * rng.normal(size=WIDTH)
    changes = rng.normal(size=(frames, 2, WIDTH))
    points, imus = (stays + changes + 0.3 * rng.normal(size=changes.shape) for _ in range(2))
    return points.astype(np.float32), imus.astype(np.float32)


def last(
    points: FloatArray,
    imus: FloatArray,
    turns: tuple[int, int] = (1, 1),
    jumped: dict[int, list[int]] | None = None,
) -> DoubleArray:
    cue, found = ChangeCue(), np.zeros((2, 2))
    for index, (point, imu) in enumerate(zip(points, imus, strict=True)):
        gone = (jumped or {}).get(index, [])
        found = cue.update(index * FRAME_NS, [7, 9], point, imu, np.array(turns), gone)
    return found


@pytest.mark.parametrize("alike", [0.0, 3.0])
def test_who_changes_together_belongs_together_however_alike_all_are(alike: float) -> None:
    found = last(*embeddings(np.random.default_rng(0), 100, alike))
    assert found[0, 0] > 2.0 and found[1, 1] > 2.0
    assert found[0, 1] < 1.0 and found[1, 0] < 1.0


def test_where_little_changes_little_is_told() -> None:
    points, imus = embeddings(np.random.default_rng(7), 60, 0.0)
    much = last(points, imus)
    still = np.ones(WIDTH, np.float32)
    little = last(20.0 * still + points, 20.0 * still + imus)
    assert (np.abs(little) < 0.2 * np.abs(much)).all()
    np.testing.assert_array_equal(np.sign(little), np.sign(much))


def test_nothing_is_known_before_there_is_a_past() -> None:
    points, imus = embeddings(np.random.default_rng(1), 30, 1.0)
    assert np.isnan(last(points[:8], imus[:8])).all()
    assert np.isfinite(last(points, imus)).all()


def test_a_track_that_waits_for_its_turn_tells_nothing() -> None:
    found = last(*embeddings(np.random.default_rng(2), 30, 1.0), turns=(1, 0))
    assert np.isfinite(found[:, 0]).all() and np.isnan(found[:, 1]).all()


def test_a_track_that_changed_hands_has_no_past() -> None:
    found = last(*embeddings(np.random.default_rng(3), 30, 1.0), jumped={28: [9]})
    assert np.isfinite(found[:, 0]).all() and np.isnan(found[:, 1]).all()


def test_a_wearer_without_full_window_leaves_the_others_alone() -> None:
    points, imus = embeddings(np.random.default_rng(4), 40, 1.0)
    whole = last(points, imus)
    imus[:30, 1] = np.nan
    found = last(points, imus)
    np.testing.assert_array_equal(found[0], whole[0])
    assert np.isfinite(found[1]).all()  # ten frames are a past


@given(scale=st.floats(0.1, 10.0))
def test_lengths_of_embeddings_do_not_matter(scale: float) -> None:
    points, imus = embeddings(np.random.default_rng(5), 20, 1.0)
    np.testing.assert_allclose(last(points * np.float32(scale), imus), last(points, imus), atol=1e-3)


def test_gone_tracks_are_forgotten() -> None:
    points, imus = embeddings(np.random.default_rng(6), 60, 1.0)
    cue = ChangeCue()
    for index in range(30):
        cue.update(index * FRAME_NS, [7, 9], points[index], imus[index], np.ones(2, np.int64))
    cue.update(30 * FRAME_NS, [7], points[30, :1], imus[30], np.ones(1, np.int64))
    found = cue.update(31 * FRAME_NS, [7, 9], points[31], imus[31], np.ones(2, np.int64))
    assert np.isfinite(found[:, 0]).all() and np.isnan(found[:, 1]).all()
