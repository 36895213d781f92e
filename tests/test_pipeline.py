"""The whole chain behind the segmenter, on people whose signals are known."""

import dataclasses
from collections.abc import Iterable
from typing import cast

import numpy as np
import pytest

from despite_ros.config import override
from despite_ros.encoders import Encoders
from despite_ros.errors import UserError
from despite_ros.matching.matcher import MatchingFrame, window_weights
from despite_ros.matching.settings import MatchingSettings
from despite_ros.motion.imu import GRAVITY
from despite_ros.motion.wearers import Sensor, Wearer
from despite_ros.pipeline import Reidentifier
from despite_ros.records import NOBODY, Assignment, PeopleFrame, Person, ReidFrame, State
from despite_ros.settings import Settings
from tests.fake_encoders import FakeEncoders

MS = 1_000_000
NAMES = ("alice", "bob", "carol", "absent")
FRAMES_SHOWN = 80


class Room:
    """People 0, 1, 2, … of whom the first three wear alice's, bob's and carol's sensor."""

    def __init__(self, people: int = 4, smoothness: int = 2, **settings: object) -> None:
        """settings: by their dotted names, with __ for the dot."""
        rng = np.random.default_rng(0)
        self.signals = rng.normal(size=(max(people, len(NAMES)) + 1, 1000, 3)).astype(np.float32)
        smooth = np.ones(smoothness) / np.sqrt(smoothness)
        self.signals = np.apply_along_axis(np.convolve, 1, self.signals, smooth, "same").astype(np.float32)
        self.people = people
        self.spacing = 3.0  # metres between neighbours
        wearers = [Wearer(name, {"left_shank": Sensor(f"/{name}")}) for name in NAMES]
        given = {name.replace("__", "."): value for name, value in settings.items()}
        self.reid = Reidentifier(override(Settings(), given, "test"), wearers, cast(Encoders, FakeEncoders()))
        self.tracks = list(range(10, 10 + people))

    def samples(self, frame: int, late_ms: int = 0) -> None:
        """Samples in the 100 ms up to a frame, of all four wearers; the absent one moves like nobody."""
        for index, name in enumerate(NAMES):
            person = index if index < 3 else self.people
            force = self.signals[person, frame] + [0, 0, GRAVITY]
            for ms in range(-90, 1, 10):
                stamp = (100 * frame + ms + late_ms) * MS
                self.reid.imu(name, "left_shank", stamp, (0, 0, 0, 1), (0, 0, 0), tuple(force))

    def frame(self, frame: int, missing: Iterable[int] = ()) -> PeopleFrame:
        people = tuple(
            self.person(index, frame) for index in range(self.people) if index not in tuple(missing)
        )
        return PeopleFrame(100 * frame * MS, "map", people)

    def person(self, index: int, frame: int) -> Person:
        crop = np.repeat(self.signals[index, frame][None], 256, axis=0)
        position = np.array([self.spacing * index, 0.0, 1.0], np.float32)
        still = np.zeros(3, np.float32)
        return Person(self.tracks[index], position, still, still, np.eye(4, dtype=np.float32), 1.0, 99, crop)

    def show(self, frames: Iterable[int], late_ms: int = 0) -> list[ReidFrame]:
        found = []
        for frame in frames:
            self.samples(frame, late_ms)
            found.append(self.reid.people(self.frame(frame)))
        return found

    def named(self, answer: ReidFrame) -> dict[str, int]:
        return {item.wearer: item.track_id for item in answer.assignments}


def test_a_crowd_whose_windows_take_turns_is_named_as_one_whose_do_not() -> None:
    crowds = Room(12, encoders__windows_per_sweep=3), Room(12, encoders__windows_per_sweep=0)
    turns, all_at_once = (room.show(range(10, 10 + FRAMES_SHOWN)) for room in crowds)
    for one, other in zip(turns[40:], all_at_once[40:], strict=True):
        assert crowds[0].named(one) == crowds[1].named(other)
        assert np.isfinite(one.similarity).all() and len(one.activities) == 12
    assert crowds[0].named(turns[-1]) == {"alice": 10, "bob": 11, "carol": 12, "absent": NOBODY}
    assert [(room.reid.embeddings.turns > 0).sum() for room in crowds] == [3, 12]


def test_a_waiting_track_keeps_the_similarity_of_its_turn_and_a_turn_weighs_the_frames_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room, told = Room(12, encoders__windows_per_sweep=3), list[MatchingFrame]()
    update = room.reid._matcher.update

    def listen(frame: MatchingFrame) -> tuple[Assignment, ...]:
        told.append(frame)
        return update(frame)

    monkeypatch.setattr(room.reid._matcher, "update", listen)
    room.show(range(10, 45))
    for frame in range(45, 53):
        room.show([frame])
        before, now = told[-2:]
        waiting = room.reid.embeddings.turns == 0
        np.testing.assert_array_equal(now.similarity[:, waiting], before.similarity[:, waiting])
        assert (now.similarity != before.similarity)[:, ~waiting].any(axis=0).all()
        of_one = window_weights(now.moving, now.going, np.ones(12), MatchingSettings())
        np.testing.assert_allclose(now.weights, of_one * np.where(waiting, 0, 4))


def test_wearers_are_found_within_seconds_and_the_absent_one_is_on_nobody() -> None:
    room = Room()
    answers = room.show(range(10, 10 + FRAMES_SHOWN))
    states = {item.state for item in answers[5].assignments}
    assert states == {State.GATHERING}
    for answer in answers[35:]:
        assert room.named(answer) == {"alice": 10, "bob": 11, "carol": 12, "absent": NOBODY}
    last = answers[-1]
    assert last.similarity.shape == (4, 4) and last.similarity[0, 0] > 0.9
    assert [item.state for item in last.assignments] == [State.ASSIGNED] * 3 + [State.ABSENT]
    assert last.assignments[0].confidence > 0.9


def test_two_runs_are_byte_identical() -> None:
    first, second = (Room().show(range(10, 10 + FRAMES_SHOWN)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.similarity.tobytes() == other.similarity.tobytes()
        blank = [dataclasses.replace(item, similarity=0.0) for item in one.assignments]
        assert blank == [dataclasses.replace(item, similarity=0.0) for item in other.assignments]
        assert one.activities == other.activities


def test_a_lost_track_is_stale_and_its_successor_gets_the_name_at_once() -> None:
    room = Room()
    room.show(range(10, 60))
    for frame in range(60, 70):
        room.samples(frame)
        answer = room.reid.people(room.frame(frame, missing=[1]))
    assert answer.assignments[1].state == State.STALE
    assert answer.assignments[1].track_id == NOBODY
    room.tracks[1] = 77
    answers = room.show(range(70, 73))
    assert room.named(answers[0])["bob"] == 77


def test_a_track_that_is_only_predicted_keeps_its_name_as_stale() -> None:
    room = Room()
    room.show(range(10, 60))
    for frame in range(60, 70):
        room.samples(frame)
        shown = room.frame(frame)
        people = (dataclasses.replace(shown.people[0], points=0), *shown.people[1:])
        answer = room.reid.people(dataclasses.replace(shown, people=people))
    assert answer.assignments[0].state == State.STALE
    assert answer.assignments[0].track_id == answer.track_ids[0] == 10


def test_a_track_that_jumps_to_somebody_else_leaves_the_name_behind_for_its_successor() -> None:
    room = Room()
    room.show(range(10, 60))
    room.tracks = [77, 11, 12, 10]  # alice goes on as 77; her old track has caught the fourth person
    answers = room.show(range(60, 100))
    assert room.named(answers[1])["alice"] == 77
    assert room.named(answers[-1]) == {"alice": 77, "bob": 11, "carol": 12, "absent": NOBODY}


def test_swapped_tracks_are_noticed_and_mended() -> None:
    room = Room(people=3)
    room.spacing = 0.4
    room.show(range(10, 100))
    room.tracks = [11, 10, 12]
    answers = room.show(range(100, 150))
    mended = [room.named(answer)["alice"] == 11 and room.named(answer)["bob"] == 10 for answer in answers]
    assert mended[-1] and mended.index(True) < 40


def test_a_wearer_whose_sensors_fall_silent_is_stale_and_returns() -> None:
    room = Room()
    room.show(range(10, 60))
    answer = [room.reid.people(room.frame(frame)) for frame in range(60, 75)][-1]
    assert {item.state for item in answer.assignments} == {State.STALE}
    answers = room.show(range(75, 115))
    assert room.named(answers[-1])["carol"] == 12


def test_missed_sweeps_are_held_over_and_long_gaps_start_windows_anew() -> None:
    room = Room()
    room.show(range(10, 60))
    for frame in range(60, 64):
        room.samples(frame)
    room.samples(64)
    answer = room.reid.people(room.frame(64))
    assert np.isfinite(answer.similarity).all()
    room.samples(90)
    answer = room.reid.people(room.frame(90))
    assert np.isnan(answer.similarity).all()
    assert room.reid.faults.counts["sweep_gap"] == 1
    assert room.named(room.show(range(91, 120))[-1])["alice"] == 10


def test_sweeps_between_two_frames_and_repeated_ones_get_the_last_answer() -> None:
    room = Room()
    answer = room.show(range(10, 40))[-1]
    again = dataclasses.replace(room.frame(39), stamp_ns=3900 * MS + 50 * MS)
    assert room.reid.people(room.frame(39)) is answer
    assert room.reid.people(again) is answer


def test_time_going_back_starts_anew() -> None:
    room = Room()
    first = room.show(range(10, 60))
    second = room.show(range(10, 60))
    assert room.reid.faults.counts["time_back"] == 1
    assert room.named(second[0])["alice"] == NOBODY
    assert room.named(second[-1]) == room.named(first[-1])


def test_no_people_and_people_without_wearers_in_sight() -> None:
    room = Room()
    for frame in range(10, 50):
        room.samples(frame)
        answer = room.reid.people(PeopleFrame(100 * frame * MS, "map", ()))
    assert answer.similarity.shape == (4, 0) and answer.track_ids == ()
    assert all(item.track_id == NOBODY for item in answer.assignments)


def test_activities_of_full_windows() -> None:
    answer = Room().show(range(10, 60))[-1]
    assert {item.track_id for item in answer.activities} == {10, 11, 12, 13}
    assert answer.activities[0].label in ("stand", "walk")
    assert sum(answer.activities[0].scores.values()) == pytest.approx(1.0, abs=1e-5)


def test_a_late_clock_is_seen() -> None:
    room = Room(smoothness=10)
    room.show(range(10, 190), late_ms=200)
    assert room.reid.clock_offsets["alice"] == pytest.approx(-0.2, abs=0.05)
    assert np.isnan(room.reid.clock_offsets["absent"])


def test_a_late_clock_is_corrected_where_that_is_wanted() -> None:
    room = Room(smoothness=10, matching__correct_clock=True)
    answers = room.show(range(10, 300), late_ms=200)
    cosines = [answer.similarity[0, 0] for answer in answers]
    assert np.mean(cosines[30:150]) < 0.9
    assert min(cosines[-50:]) > 0.95


def test_calibration_counts_from_then_on() -> None:
    room = Room()
    for ms in range(0, 3000, 10):
        room.reid.imu("alice", "left_shank", ms * MS, (0, 0, 0.6, 0.8), (0, 0, 0), (0, 0, GRAVITY))
    found = room.reid.calibrate("alice", "t_pose")
    assert found.sensors["left_shank"].heading == pytest.approx(-2 * np.arctan2(0.6, 0.8), abs=1e-5)
    with pytest.raises(UserError, match="alice, bob"):
        room.reid.calibrate("dave", "t_pose")


def test_unknown_sensors_are_refused() -> None:
    with pytest.raises(UserError, match=r"alice\.right_shank"):
        Room().reid.imu("alice", "right_shank", 0, None, (0, 0, 0), (0, 0, 0))


def test_wearers_with_few_sensors_are_told_what_to_expect() -> None:
    assert len(Room().reid.notices) == 4
    assert "alice: 1 of 4 sensors" in Room().reid.notices[0]
