"""Evidence over time, for tracks that come, go and come back."""

from dataclasses import replace

import numpy as np
import pytest

from despite_ros.matching.evidence import Evidence, Source
from despite_ros.matching.settings import MatchingSettings

SECOND = 1_000_000_000
PLAIN = MatchingSettings(memory=10.0, independence=0.1, persistence=0.0, lost_memory=5.0)
HERE, FAR = np.zeros(3, np.float32), np.array([9, 0, 0], np.float32)


def evidence_of(wearers: int = 1, memory: float = 1e9, settings: MatchingSettings = PLAIN) -> Evidence:
    source = Source(settings.independence, settings.persistence)
    return Evidence(wearers, [source], memory, settings)


def gather(evidence: Evidence, frames: int, log_odds: float, start: int = 0, track: int = 1) -> float:
    for frame in range(start, start + frames):
        evidence.follow(frame * SECOND // 10, [track], [HERE])
        evidence.add([track], np.full((1, 1, 1), log_odds), np.ones((1, 1, 1)))
    return float(evidence.log_odds([track])[0, 0])


def test_one_window_counts_fully_and_overlapping_ones_by_their_share() -> None:
    assert gather(evidence_of(), 1, 2.0) == pytest.approx(2.0)
    assert gather(evidence_of(), 11, 2.0) == pytest.approx(4.0)


def test_what_stays_with_a_pair_bounds_the_evidence() -> None:
    settings = replace(PLAIN, persistence=0.25)
    assert gather(evidence_of(settings=settings), 1, 2.0) == pytest.approx(2.0)
    assert gather(evidence_of(settings=settings), 3000, 2.0) == pytest.approx(2.0 / 0.25, rel=0.02)


def test_newer_windows_outweigh_older_ones() -> None:
    evidence = evidence_of(memory=2.0)
    assert gather(evidence, 50, -2.0) < 0.0
    assert gather(evidence, 50, 2.0, start=50) > 0.0


def test_missing_windows_and_windows_without_weight_change_nothing() -> None:
    evidence = evidence_of(wearers=2)
    evidence.follow(0, [1], [HERE])
    evidence.add([1], np.array([[[np.nan], [3.0]]]), np.array([[[1.0], [0.0]]]))
    np.testing.assert_array_equal(evidence.log_odds([1]), 0.0)
    np.testing.assert_array_equal(evidence.gathered([1]), 0.0)


def test_a_lost_track_is_remembered_for_a_while_and_comes_back_whole() -> None:
    evidence = evidence_of()
    before = gather(evidence, 20, 2.0)
    evidence.follow(3 * SECOND, [], [])
    assert evidence.lost == (1,)
    evidence.follow(4 * SECOND, [], [])
    assert 0.0 < evidence.log_odds([1])[0, 0] < 0.7 * before
    evidence.follow(5 * SECOND, [1], [HERE])
    assert not evidence.lost
    assert evidence.log_odds([1])[0, 0] == pytest.approx(before)


def test_a_near_successor_inherits_and_a_far_one_does_not() -> None:
    for position, inherits in ((HERE, True), (FAR, False)):
        evidence = evidence_of()
        before = gather(evidence, 20, 2.0)
        evidence.follow(2 * SECOND, [], [])
        evidence.follow(3 * SECOND, [2], [position])
        assert bool(evidence.log_odds([2])[0, 0] > 0.5 * before) is inherits
        assert evidence.lost == (() if inherits else (1,))


def test_a_successor_born_before_the_old_track_was_given_up_inherits_too() -> None:
    evidence = evidence_of()
    gather(evidence, 20, 2.0)
    evidence.follow(2 * SECOND, [1, 2], [HERE, HERE])
    assert evidence.log_odds([2])[0, 0] == 0.0
    evidence.follow(2 * SECOND + SECOND // 10, [2], [HERE])
    assert evidence.log_odds([2])[0, 0] > 2.0 and evidence.lost == ()


def test_of_two_lost_tracks_the_one_that_is_known_better_goes_on() -> None:
    evidence = evidence_of()
    gather(evidence, 20, 2.0)
    evidence.follow(2 * SECOND, [1, 2], [HERE, HERE])
    evidence.follow(3 * SECOND, [], [])
    evidence.follow(4 * SECOND, [3], [HERE])
    assert evidence.log_odds([3])[0, 0] > 1.0 and evidence.lost == (2,)


def test_new_windows_soon_outweigh_what_was_inherited() -> None:
    evidence = evidence_of()
    gather(evidence, 200, 2.0)
    evidence.follow(20 * SECOND, [2], [HERE])
    assert evidence.log_odds([2])[0, 0] > 1.0
    assert gather(evidence, 40, -2.0, start=201, track=2) < 0.0


def test_a_track_lost_for_long_is_forgotten() -> None:
    evidence = evidence_of()
    gather(evidence, 20, 2.0)
    evidence.follow(3 * SECOND, [], [])
    evidence.follow(9 * SECOND, [], [])
    assert not evidence.lost


def test_exchange() -> None:
    evidence = evidence_of()
    evidence.follow(0, [1, 2], [HERE, FAR])
    evidence.add([1, 2], np.array([[[3.0, -1.0]]]), np.ones((1, 1, 2)))
    evidence.exchange(1, 2)
    np.testing.assert_allclose(evidence.log_odds([1, 2]), [[-1.0, 3.0]])


def test_sources_add_up() -> None:
    sources = [Source(1.0, 0.0), Source(1.0, 0.0)]
    evidence = Evidence(1, sources, 1e9, PLAIN)
    evidence.follow(0, [1], [HERE])
    evidence.add([1], np.array([[[2.0]], [[-0.5]]]), np.ones((2, 1, 1)))
    assert evidence.log_odds([1])[0, 0] == pytest.approx(1.5)
