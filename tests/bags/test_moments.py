from pathlib import Path

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.bags.curves import Panel, draw_curves
from despite_ros.bags.moments import FRAME_NS, WINDOW_NS, Series, best_moments, curve, series_of

START_NS = 1_700_000_000_000_000_000
WIDTH = 16


def series(who: str, seed: int, windows: int = 200, gap: range = range(0)) -> Series:
    """Windows from 5 s after the start, wandering through the space; those in `gap` are missing."""
    rows = np.random.default_rng(seed).normal(size=(windows, WIDTH)).astype(np.float32)
    stamps = START_NS + 5_000_000_000 + FRAME_NS * np.arange(windows)
    kept = [(int(stamps[i]), rows[i]) for i in range(windows) if i not in gap]
    return series_of("walk", "points", who, START_NS, kept)


def windows(item: Series, first: int, last: int) -> FloatArray:
    return item.between(int(item.stamps_ns[first]) - WINDOW_NS, int(item.stamps_ns[last])).on_grid()


def test_a_moment_is_found_where_it_was_taken_from() -> None:
    everybody = [series("1", 1), series("2", 2)]
    query = windows(everybody[1], 50, 59)
    assert len(query) == 10
    best = best_moments([curve(query, item) for item in everybody], len(query), 5, 2.4)
    assert best[0].series is everybody[1]
    assert best[0].similarity == pytest.approx(1.0, abs=1e-5)
    assert best[0].end_ns == START_NS + 5_000_000_000 + 59 * FRAME_NS
    assert best[0].start_ns == best[0].end_ns - WINDOW_NS - 9 * FRAME_NS
    assert best[1].similarity < 0.6


def test_moments_of_one_person_lie_apart_and_are_in_order() -> None:
    item = series("1", 3)
    found = best_moments([curve(windows(item, 80, 80), item)], 1, 10, 3.0)
    stamps = np.sort([moment.end_ns for moment in found])
    assert len(found) == 6 or np.diff(stamps).min() >= 3_000_000_000
    similarities = [moment.similarity for moment in found]
    assert similarities == sorted(similarities, reverse=True)


def test_several_windows_are_averaged_along_the_diagonal() -> None:
    item = series("1", 4, windows=30)
    query = np.linalg.qr(np.random.default_rng(0).normal(size=(WIDTH, 3)))[0].T.astype(np.float32)
    found = curve(query, item)
    assert len(found.similarity) == 28
    expected = np.mean([item.embeddings[7 + k] @ query[k] for k in range(3)])
    assert found.similarity[7] == pytest.approx(expected, abs=1e-6)
    assert found.stamps_ns[7] == item.stamps_ns[9]


def test_missing_windows_leave_a_hole_in_the_curve() -> None:
    item = series("1", 5, gap=range(100, 120))
    found = curve(windows(item, 10, 10), item)
    assert len(found.similarity) == 200
    assert np.flatnonzero(np.isnan(found.similarity)).tolist() == list(range(100, 120))


def test_a_series_shorter_than_the_query_has_no_moment() -> None:
    long, short = series("1", 6), series("2", 7, windows=5)
    found = curve(windows(long, 0, 9), short)
    assert len(found.similarity) == 0
    assert best_moments([found], 10, 3, 1.0) == []


def test_windows_that_are_not_full_are_left_out() -> None:
    rows = [(2, np.full(WIDTH, 2.0, np.float32)), (1, np.full(WIDTH, np.nan, np.float32))]
    item = series_of("walk", "imu", "alice", 0, rows)
    assert item.stamps_ns.tolist() == [2]
    np.testing.assert_allclose(np.linalg.norm(item.embeddings, axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_curves_are_drawn(tmp_path: Path, ending: str) -> None:
    found = curve(windows(series("1", 1), 3, 3), series("1", 1))
    seconds = (found.stamps_ns - START_NS) / 1e9
    draw_curves(
        [Panel("track 1", seconds, found.similarity, [(6.0, 1.0)], [(5, 7)])], tmp_path / f"c.{ending}"
    )
    assert (tmp_path / f"c.{ending}").stat().st_size > 5000
