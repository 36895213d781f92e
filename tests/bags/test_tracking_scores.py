import numpy as np
import pytest

from despite_ros.bags.tracking_scores import TrackedFrame, match, score_tracking


def frames(track_names: list[list[int]], shift: float = 0.0) -> list[TrackedFrame]:
    """Two people 5 m apart; `track_names[t]` are the ids of the tracks on them at time t."""
    people = np.array([[0.0, 0.0], [5.0, 0.0]])
    return [
        TrackedFrame(["a", "b"], people, names, people[: len(names)] + np.array([shift, 0.0]))
        for names in track_names
    ]


def test_perfect_tracks_score_one() -> None:
    scores = score_tracking(frames([[1, 2]] * 10))
    assert (scores.recall, scores.precision, scores.mota, scores.idf1, scores.hota) == (1, 1, 1, 1, 1)
    assert scores.id_switches == 0


def test_swapped_ids_halfway_cost_identity_but_not_detection() -> None:
    scores = score_tracking(frames([[1, 2]] * 10 + [[2, 1]] * 10))
    assert scores.recall == 1
    assert scores.id_switches == 2
    assert scores.idf1 == pytest.approx(0.5)


def test_person_not_found_costs_recall() -> None:
    scores = score_tracking(frames([[1]] * 10))
    assert scores.recall == pytest.approx(0.5)
    assert scores.precision == 1


def test_tracks_beyond_the_matching_distance_are_false() -> None:
    assert score_tracking(frames([[1, 2]] * 5, shift=0.7)).recall == 0


def test_optional_people_count_for_nothing_found_or_not() -> None:
    people = np.array([[0.0, 0.0], [5.0, 0.0]])
    found = TrackedFrame(["a", "b"], people, [1, 2], people, [False, True])
    missed = TrackedFrame(["a", "b"], people, [1], people[:1], [False, True])
    assert score_tracking([found, missed] * 3).mota == 1


def test_nothing_there_and_nothing_found_is_undefined() -> None:
    none = np.zeros((0, 2))
    assert np.isnan(score_tracking([TrackedFrame([], none, [], none)]).mota)


def test_match_takes_the_least_total_distance() -> None:
    people, tracks = np.array([[0.0, 0.0], [0.5, 0.0]]), np.array([[0.4, 0.0], [0.95, 0.0]])
    assert match(people, tracks) == [(0, 0), (1, 1)]
