"""/diagnostics says in words why nobody is found or named."""

import math

import numpy as np
import pytest

from despite_ros.nodes.story import HINTS, STEPS, names_story, people_story, wearer_values
from despite_ros.people.segmenter import COUNTERS
from despite_ros.records import NOBODY, Assignment, ReidFrame, State

COUNTS = {"points": 9000, "above_ground": 4000, "foreground": 900, "clusters": 7, "too_flat": 5, "people": 2}


def test_a_sweep_is_told_step_by_step() -> None:
    assert people_story(COUNTS) == (
        "9000 points → 4000 above the ground → 900 not background → 7 clusters → 2 people"
        "; left out: 5 too flat"
    )


@pytest.mark.parametrize("empty", STEPS)
def test_the_first_step_that_leaves_nothing_gets_a_hint(empty: str) -> None:
    before = list(STEPS)[: list(STEPS).index(empty)]
    counts = {name: count if name in before else 0 for name, count in COUNTS.items()}
    assert people_story(counts).endswith(f"({HINTS[empty]})")


def test_the_steps_are_the_segmenter_s() -> None:
    assert set(STEPS) <= set(COUNTERS)


def test_wearers_are_told_with_what_is_known_of_their_clocks_and_headings() -> None:
    alice = Assignment("alice", 3, 0.5, 0.97, 0.4, State.ASSIGNED)
    bob = Assignment("bob", NOBODY, math.nan, 0.1, 0.0, State.STALE)
    reid = ReidFrame(0, ("alice", "bob"), (3,), np.zeros((2, 1), np.float32), (alice, bob), ())
    assert names_story(reid) == "alice on track 3 (97%, assigned), bob: no IMU samples"
    values = wearer_values(reid, {"alice": 0.1, "bob": math.nan}, {"alice": math.pi / 6, "bob": 0.0})
    assert values["clock_offset_s.alice"] == "0.100" and "clock_offset_s.bob" not in values
    assert values["heading_offset_deg.alice"] == "30" and "heading_offset_deg.bob" not in values
