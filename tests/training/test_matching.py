from dataclasses import replace

import numpy as np
import pytest

from despite_ros.arrays import AnyArray, FloatArray
from despite_ros.errors import UserError
from training.data.store import SequenceInfo
from training.tasks.embedding import EmbeddedSequence
from training.tasks.matching import MatchingSettings, matching
from training.tasks.moments import moments, moments_by_chance

WIDTH = 64


def normalised(rows: AnyArray) -> FloatArray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def sequence(number: int, noise: float, windows: int = 60, moving: bool = True) -> EmbeddedSequence:
    """A sequence whose points embeddings wander, and whose imu embeddings are those plus noise."""
    rng = np.random.default_rng(number)
    points = normalised(np.cumsum(rng.normal(size=(windows, WIDTH)), axis=0) + 5 * rng.normal(size=WIDTH))
    imu = normalised(points + noise * rng.normal(size=points.shape))
    info = SequenceInfo(f"s{number}", f"p{number % 5}", "test", "", "test", "made_up", 0, windows + 23)
    return EmbeddedSequence(
        info, np.arange(windows), {"points": points, "imu": imu}, np.full(windows, moving)
    )


SMALL = MatchingSettings(people=(2, 8), windows=(1, 4), scenes=50)


def test_equal_embeddings_are_always_matched() -> None:
    found = matching([sequence(i, 0.0) for i in range(20)], "imu", "points", SMALL)
    assert found == {"2": {"1": 1.0, "4": 1.0}, "8": {"1": 1.0, "4": 1.0}}


def test_unrelated_embeddings_are_matched_by_chance() -> None:
    settings = MatchingSettings(people=(4,), windows=(1,), scenes=1000)
    found = matching([sequence(i, 1000.0) for i in range(40)], "imu", "points", settings)
    assert found["4"]["1"] == pytest.approx(0.25, abs=0.03)


def test_more_windows_help_and_more_people_hurt() -> None:
    found = matching([sequence(i, 0.6) for i in range(40)], "imu", "points", SMALL)
    assert found["8"]["4"] > found["8"]["1"]
    assert found["2"]["1"] > found["8"]["1"]


def test_the_seed_decides() -> None:
    sequences = [sequence(i, 0.6) for i in range(20)]
    assert matching(sequences, "imu", "points", SMALL) == matching(sequences, "imu", "points", SMALL)


def test_no_sequence_is_drawn_twice_while_there_are_others() -> None:
    same = sequence(1, 0.0)
    with_twin = [same, sequence(2, 0.0), sequence(3, 0.0)]
    settings = MatchingSettings(people=(3,), windows=(1,), scenes=200)
    assert matching(with_twin, "imu", "points", settings)["3"]["1"] == 1.0


def test_windows_at_rest_can_be_left_out() -> None:
    sequences = [sequence(i, 1000.0, moving=False) for i in range(5)]
    with pytest.raises(UserError, match="no sequence"):
        matching(sequences, "imu", "points", MatchingSettings(moving_only=True))


def test_moment_is_found_in_equal_embeddings() -> None:
    assert moments([sequence(1, 0.0)], "imu", "points") == {"1": 1.0, "10": 1.0, "20": 1.0, "50": 1.0}


def test_moments_by_chance_follow_the_tolerance() -> None:
    sequences = [sequence(i, 1e6, windows=400) for i in range(5)]
    found, chance = moments(sequences, "imu", "points"), moments_by_chance(sequences)
    assert found["1"] == pytest.approx(chance["1"], abs=0.03)
    assert chance["1"] == pytest.approx(21 / 400, abs=0.005)
    assert found["1"] < found["10"] < found["50"]


def test_within_a_modality_a_window_does_not_find_itself() -> None:
    unrelated = replace(sequence(1, 0.0), starts=np.arange(0, 60 * 30, 30))
    assert moments([unrelated], "points", "points")["1"] == 0.0


def test_short_sequences_use_all_their_windows() -> None:
    assert moments([sequence(1, 1e6, windows=5)], "imu", "points")["50"] == 1.0
