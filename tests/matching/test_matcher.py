"""The matcher on made-up cosines of known statistics."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike

from despite_ros.arrays import FloatArray
from despite_ros.matching.matcher import (
    Matcher,
    MatchingFrame,
    best_rivals,
    moving_shares,
    window_weights,
)
from despite_ros.matching.settings import MatchingSettings
from despite_ros.records import NOBODY, Assignment, State

SETTINGS = MatchingSettings(travel_weight=0.0, present_prior=0.5)
FRAME_NS = 100_000_000
RIGHT, WRONG = 0.6, 0.1  # mean cosines; their spread is SPREAD
SPREAD = 0.2
SCALE = (RIGHT - WRONG) / SPREAD**2  # log-odds of two normal distributions
BIAS = -SCALE * (RIGHT + WRONG) / 2


def cosines(rng: np.random.Generator, wearers: int, people: int, frames: int) -> FloatArray:
    """Frames × wearers × people, AR(1) over time with 0.9 a frame; wearer i is person i, if there is one."""
    mean = np.where(np.eye(wearers, people, dtype=bool), RIGHT, WRONG)
    state = rng.normal(size=(wearers, people))
    found = []
    for _ in range(frames):
        state = 0.9 * state + np.sqrt(1 - 0.81) * rng.normal(size=state.shape)
        found.append(np.clip(mean + SPREAD * state, -1, 1))
    return np.array(found, np.float32)


def run(
    matcher: Matcher,
    frames: FloatArray,
    sensors: int = 4,
    travel: float = 0.0,
    moving: ArrayLike = 1.0,
    changes: ArrayLike = np.nan,
    going: ArrayLike = 0.0,
) -> list[tuple[Assignment, ...]]:
    wearers, people = frames.shape[1:]
    positions = [np.array([3.0 * index, 0, 0], np.float32) for index in range(people)]
    cue = np.full((wearers, people), travel)
    shares, speeds = (np.broadcast_to(share, len(frames)) for share in (moving, going))
    return [
        matcher.update(
            MatchingFrame(
                index * FRAME_NS,
                list(range(people)),
                positions,
                frame,
                np.ones((wearers, people)),
                cue,
                np.broadcast_to(changes, (wearers, people)),
                np.full(wearers, shares[index]),
                np.full(people, speeds[index]),
                np.full(wearers, sensors),
                np.ones(people, np.bool_),
            )
        )
        for index, frame in enumerate(frames)
    ]


def matcher(wearers: int) -> Matcher:
    return Matcher([str(index) for index in range(wearers)], SCALE, BIAS, SETTINGS)


@pytest.mark.parametrize("people", [4, 12])
def test_right_within_seconds_and_lasting(people: int) -> None:
    frames = cosines(np.random.default_rng(people), people, people, 300)
    answers = run(matcher(people), frames)
    right = np.array([[item.track_id == index for index, item in enumerate(answer)] for answer in answers])
    assert right[50:].mean() > 0.97


def test_gathering_beats_single_windows() -> None:
    frames = cosines(np.random.default_rng(5), 8, 8, 200)
    single = (frames.argmax(axis=2) == np.arange(8)).mean()
    answers = run(matcher(8), frames)
    gathered = np.mean([[item.track_id == i for i, item in enumerate(answer)] for answer in answers[50:]])
    assert gathered > single + 0.1


def test_an_absent_wearer_is_on_nobody_most_of_the_time() -> None:
    wrong = []
    for seed in range(5):
        answers = run(matcher(4), cosines(np.random.default_rng(seed), 4, 3, 200))
        wrong += [answer[3].track_id != NOBODY for answer in answers]
        assert answers[-1][3].state == State.ABSENT
    assert np.mean(wrong) < 0.05


def test_confidence_is_honest() -> None:
    """Of what is said with 0.9 or more, at least 0.9 is right; and doubts are not put on."""
    said, right = [], []
    for seed in range(6):
        frames = cosines(np.random.default_rng(100 + seed), 6, 6, 100)
        for answer in run(matcher(6), frames):
            for index, item in enumerate(answer):
                if item.state == State.ASSIGNED:
                    said.append(item.confidence)
                    right.append(item.track_id == index)
    sure = np.array(said) > 0.9
    assert np.mean(np.array(right)[sure]) > 0.95
    assert abs(np.mean(said) - np.mean(right)) < 0.1


def test_nothing_is_known_before_the_first_full_window() -> None:
    answers = run(matcher(2), np.full((5, 2, 2), np.nan, np.float32))
    assert {item.state for answer in answers for item in answer} == {State.GATHERING}


def test_nobody_is_named_by_travel_alone() -> None:
    """Two people go as both wearers do, but only one of them has a full window yet."""
    frames = np.full((30, 2, 2), np.nan, np.float32)
    frames[:, :, 0] = [RIGHT, WRONG]
    both = Matcher(["0", "1"], SCALE, BIAS, replace(SETTINGS, travel_weight=1.0))
    answer = run(both, frames, travel=3.0)[-1]
    assert [item.track_id for item in answer] == [0, NOBODY]


def test_changes_tell_people_apart_who_stand_alike_and_name_nobody_alone() -> None:
    alike = np.full((60, 1, 2), RIGHT, np.float32)
    undecided = run(matcher(1), alike)[-1][0]
    assert undecided.state == State.GATHERING
    assert run(matcher(1), alike, changes=[[-1.0, 2.0]])[-1][0].track_id == 1
    silent = np.full((60, 1, 2), np.nan, np.float32)
    assert run(matcher(1), silent, changes=[[-1.0, 2.0]])[-1][0].track_id == NOBODY


def test_a_track_that_walks_off_outweighs_standing_alike() -> None:
    frames = np.full((130, 1, 1), RIGHT - 0.05, np.float32)
    frames[100:] = WRONG - 0.2
    walks = np.repeat([0.0, 1.0], [100, 30])
    stands, goes = (run(matcher(1), frames, moving=0.1, going=going)[-1][0] for going in (0.0, walks))
    assert stands.track_id == 0 and goes.track_id == NOBODY


def test_keeping_a_name_makes_it_no_surer() -> None:
    """Hysteresis keeps a name that nothing speaks for any more; its confidence is what evidence ever said."""
    frames = np.full((400, 1, 1), 0.5 * (RIGHT + WRONG) + 0.5 / SCALE, np.float32)
    weak = [answer[0] for answer in run(matcher(1), frames)]
    assert {item.track_id for item in weak} == {0}
    assert max(item.confidence for item in weak) < 0.95
    frames[:20] = RIGHT
    assert run(matcher(1), frames)[-1][0].confidence > 0.95


def test_at_rest_a_new_name_takes_more_than_keeping_one() -> None:
    """A cosine that names somebody who moves names nobody at rest, and does not take a name away."""
    weak = np.full((60, 1, 1), 0.5 * (RIGHT + WRONG) + 0.7 / SCALE, np.float32)
    for moving, named in (([0.0] * 60, NOBODY), ([1.0] * 60, 0), ([1.0] * 30 + [0.0] * 30, 0)):
        assert run(matcher(1), weak, moving=moving)[-1][0].track_id == named


def test_silent_wearers_are_stale() -> None:
    answer = run(matcher(2), cosines(np.random.default_rng(0), 2, 2, 50), sensors=0)[-1]
    assert [(item.track_id, item.state) for item in answer] == [(NOBODY, State.STALE)] * 2


def test_having_only_unlikely_rivals_is_no_bonus() -> None:
    np.testing.assert_array_equal(best_rivals(np.array([[4.0, -6.0, np.nan]])), [[0.0, 4.0, 4.0]])


def test_what_is_like_everybody_is_weaker_evidence() -> None:
    log_odds = np.array([[3.0, 2.0, -9.0], [np.nan, 1.0, 5.0]])
    np.testing.assert_array_equal(best_rivals(log_odds), [[2.0, 3.0, 3.0], [5.0, 5.0, 1.0]])
    np.testing.assert_array_equal(best_rivals(log_odds[:, :1]), 0.0)
    frames = np.full((60, 1, 3), WRONG, np.float32)
    frames[:, 0, 0] = RIGHT
    alone = run(matcher(1), frames)[-1][0]
    frames[:, 0, 1:] = RIGHT
    assert alone.track_id == 0 and run(matcher(1), frames)[-1][0].confidence < 0.5 < alone.confidence


def test_of_a_single_sensor_less_similarity_is_expected() -> None:
    frames = np.full((60, 1, 1), (RIGHT + WRONG) / 2 - 0.015, np.float32)
    few, all_four = (run(matcher(1), frames, sensors=sensors)[-1][0] for sensors in (1, 4))
    assert (few.track_id, all_four.track_id) == (0, NOBODY)


def test_confidence_margin_and_similarity_belong_together() -> None:
    frames = cosines(np.random.default_rng(1), 3, 3, 100)
    for item in run(matcher(3), frames)[-1]:
        assert 0.0 <= item.margin <= item.confidence <= 1.0
        assert item.similarity == frames[-1, int(item.wearer), item.track_id]


def test_windows_weigh_more_where_limbs_move_and_people_are_seen() -> None:
    moving = moving_shares(np.array([0.0, 5.0], np.float32), SETTINGS.moving)
    going = moving_shares(np.array([0.0, 0.0, 2.0], np.float32), SETTINGS.going)
    weights = window_weights(moving, going, np.array([1.0, 0.5, 1.0]), SETTINGS)
    assert weights[1, 0] > 0.9 > weights[0, 0] == pytest.approx(SETTINGS.resting_weight)
    np.testing.assert_allclose(weights[:, 1], 0.5 * weights[:, 0])
    assert weights[0, 2] > 0.9


def test_who_stood_alike_for_long_but_did_not_walk_along_is_let_go() -> None:
    """Twenty seconds of standing like somebody count for less than three in which one walked off."""
    alike, apart = np.full((200, 1, 1), 0.55, np.float32), np.full((30, 1, 1), -0.3, np.float32)
    moving = [0.0] * 200 + [1.0] * 30 + [0.0] * 60
    answers = run(matcher(1), np.concatenate([alike, apart, alike[:60]]), moving=moving)
    assert (answers[199][0].track_id, answers[-1][0].track_id) == (0, NOBODY)
