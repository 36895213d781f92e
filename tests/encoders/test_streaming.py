"""Streaming equals the whole-window graphs, whatever happens to a track."""

from collections.abc import Callable

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.encoders import Encoders
from despite_ros.encoders.memories import WindowMemory
from despite_ros.encoders.streaming import ImuStream, PointStream, Stream
from despite_ros.limbs import FRAMES
from despite_ros.motion.sampling import make_crop

TOLERANCE = 1e-5


def crops(rng: np.random.Generator, frames: int) -> FloatArray:
    """A person-sized cloud that changes from frame to frame, sometimes with few points or none."""
    sizes = rng.choice([0, 3, 40, 256, 400], frames, p=[0.05, 0.05, 0.2, 0.3, 0.4])
    clouds = (rng.normal(0, 1, (size, 3)) * [0.2, 0.2, 0.5] for size in sizes)
    return np.stack([make_crop(cloud.astype(np.float32)) for cloud in clouds])


def channels(rng: np.random.Generator, frames: int) -> FloatArray:
    return rng.normal(0, 1, (frames, 48)).astype(np.float32)


KINDS = {"points": (PointStream, crops), "imu": (ImuStream, channels)}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Checked:
    """A stream beside the definition: the last 24 frames pushed for an id, through the whole graph."""

    def __init__(self, stream: Stream[int], whole: Callable[[FloatArray], FloatArray]) -> None:
        self.stream, self._whole = stream, whole
        self._pushed: dict[int, list[FloatArray]] = {}

    def push(self, frame: dict[int, FloatArray]) -> tuple[int, ...]:
        """Pushes, compares all embeddings, and gives the ids that have one."""
        shape = next(iter(frame.values())).shape if frame else self.stream._shape
        self.stream.push(list(frame), np.array(list(frame.values()), np.float32).reshape(-1, *shape))
        for number, values in frame.items():
            self._pushed.setdefault(number, []).append(values)
        ids, embeddings = self.stream.embeddings()[:2]
        full = [number for number in frame if len(self._pushed[number]) >= FRAMES]
        assert list(ids) == full
        assert len(embeddings) == len(full)
        if full:
            windows = np.array([self._pushed[number][-FRAMES:] for number in full])
            np.testing.assert_allclose(embeddings, self._whole(windows), rtol=0, atol=TOLERANCE)
        return ids

    def forget(self, ids: list[int]) -> None:
        self.stream.drop(ids)
        for number in ids:
            self._pushed.pop(number, None)


@pytest.fixture
def checked(kind: str, encoders: Encoders) -> Checked:
    return Checked(KINDS[kind][0](encoders), getattr(encoders, kind))


@pytest.fixture
def recordings(kind: str) -> FloatArray:
    """Four people, 60 frames each."""
    rng = np.random.default_rng(3)
    return np.stack([KINDS[kind][1](rng, 60) for _ in range(4)])


def test_every_frame_gives_the_whole_windows_embedding(checked: Checked, recordings: FloatArray) -> None:
    for frame in range(30):
        ids = checked.push({person: recordings[person, frame] for person in range(2)})
        assert ids == ((0, 1) if frame >= FRAMES - 1 else ())


def test_tracks_that_start_late_pause_and_change_places(checked: Checked, recordings: FloatArray) -> None:
    for frame in range(50):
        present = {0: frame % 7 != 3, 5: frame >= 9, 2: frame not in (26, 27)}
        order = sorted(present) if frame % 2 else sorted(present, reverse=True)
        rows = {person: recordings[person % 4, frame] for person in order if present[person]}
        checked.push(rows)


def test_a_dropped_track_starts_anew_and_leaves_its_place_clean(
    checked: Checked, recordings: FloatArray
) -> None:
    for frame in range(26):
        checked.push({person: recordings[person, frame] for person in (0, 1)})
    checked.forget([0, 77])
    for frame in range(26, 54):
        checked.push({person: recordings[person, frame] for person in (1, 2)})


def test_where_all_are_too_many_everybody_has_a_turn_and_keeps_the_embedding_of_it(
    checked: Checked, recordings: FloatArray
) -> None:
    stream, whole, count = checked.stream, checked._whole, 5
    shown = recordings[[0, 1, 2, 3, 0]]
    shown[4] = shown[4, ::-1]
    told, turns = dict[int, int](), dict.fromkeys(range(count), 0)
    for frame in range(60):
        stream.push(range(count), shown[:, frame])
        found = stream.embeddings(2)
        assert (found.turns > 0).sum() == (2 if frame >= FRAMES - 1 else 0)
        for number, row, turn in zip(found.ids, found.rows, found.turns, strict=True):
            told[number] = frame if turn else told[number]
            turns[number] += turn
            window = shown[number, told[number] - FRAMES + 1 : told[number] + 1]
            np.testing.assert_allclose(row, whole(window[None])[0], rtol=0, atol=TOLERANCE)
            assert frame - told[number] < 3
    first = [FRAMES - 1 + number // 2 for number in range(count)]
    assert turns == {number: told[number] - first[number] + 1 for number in range(count)}


def test_who_never_had_a_turn_comes_first_and_is_left_out_until_then(
    checked: Checked, recordings: FloatArray
) -> None:
    for frame in range(40):
        checked.stream.push(range(4), recordings[:, frame])
        found = checked.stream.embeddings(3)
        if frame == FRAMES - 1:
            assert found.ids == (0, 1, 2)
        if frame == FRAMES:
            assert found.ids == (0, 1, 2, 3) and found.turns[3] == 1


def test_a_reset_forgets_all(checked: Checked, recordings: FloatArray) -> None:
    for frame in range(25):
        checked.push({0: recordings[0, frame]})
    checked.stream.reset()
    assert checked.stream.embeddings().ids == ()
    checked.forget([0])
    for frame in range(25, 50):
        checked.push({0: recordings[0, frame]})


def test_more_tracks_than_before_find_room(checked: Checked, recordings: FloatArray) -> None:
    for frame in range(26):
        checked.push({person: recordings[person % 4, frame] for person in range(2 if frame < 5 else 20)})


def test_advancing_early_changes_nothing(checked: Checked, recordings: FloatArray) -> None:
    for frame in range(27):
        checked.push({0: recordings[0, frame]})
        checked.stream.advance()
        checked.stream.advance()


def test_an_empty_frame_is_a_frame_without_anybody(checked: Checked, recordings: FloatArray) -> None:
    assert checked.push({}) == ()
    for frame in range(24):
        checked.push({0: recordings[0, frame]})
    assert checked.push({}) == ()


def test_wrong_frames_are_refused(checked: Checked, recordings: FloatArray) -> None:
    with pytest.raises(ValueError, match="2 different ids needs values of shape"):
        checked.stream.push([0, 1], recordings[:1, 0])
    with pytest.raises(ValueError, match="different ids"):
        checked.stream.push([1, 1], recordings[:2, 0])


def test_whole_windows_are_kept_in_order(kind: str, encoders: Encoders, recordings: FloatArray) -> None:
    whole = getattr(encoders, kind)
    shape = recordings.shape[2:]
    checked = Checked(Stream(WindowMemory(whole, shape), shape, encoders.card.width), whole)
    for frame in range(26):
        checked.push({person: recordings[person, frame] for person in range(2 if frame < 5 else 3)})
