"""Two tracks that exchange their people."""

import numpy as np

from despite_ros.matching.settings import MatchingSettings
from despite_ros.matching.swaps import SwapWatch

SECOND = 1_000_000_000
SETTINGS = MatchingSettings(swap_evidence=5.0, swap_distance=1.0, swap_time=10.0)
NEAR = [np.zeros(3, np.float32), np.array([0.5, 0, 0], np.float32)]
APART = [np.zeros(3, np.float32), np.array([5.0, 0, 0], np.float32)]
CONTRARY = np.array([[-3.0, 3.0], [3.0, -3.0]])
NAMES = {7: 0, 8: 1}


def watch(places: list[np.ndarray], later: int = 0) -> SwapWatch:
    found = SwapWatch(SETTINGS)
    found.follow(0, [7, 8], places)
    found.follow(later * SECOND, [7, 8], APART)
    return found


def test_contrary_evidence_after_meeting_is_a_swap_noticed_once() -> None:
    swaps = watch(NEAR, later=3)
    assert swaps.swapped([7, 8], CONTRARY, NAMES) == [(7, 8)]
    assert swaps.swapped([7, 8], CONTRARY, NAMES) == []


def test_no_swap_without_meeting_long_after_it_or_on_weak_evidence() -> None:
    assert watch(APART).swapped([7, 8], CONTRARY, NAMES) == []
    assert watch(NEAR, later=11).swapped([7, 8], CONTRARY, NAMES) == []
    assert watch(NEAR, later=3).swapped([7, 8], 0.2 * CONTRARY, NAMES) == []


def test_a_swap_with_somebody_who_wears_nothing() -> None:
    assert watch(NEAR, later=3).swapped([7, 8], CONTRARY[:1], {7: 0}) == [(7, 8)]


def test_no_swap_between_two_who_wear_nothing_or_are_gone() -> None:
    assert watch(NEAR).swapped([7, 8], CONTRARY, {}) == []
    assert watch(NEAR).swapped([7], CONTRARY[:, :1], {7: 0}) == []
