from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from despite_ros.arrays import FloatArray
from despite_ros.errors import UserError
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.people.transform import to_fixed
from despite_ros.records import PeopleFrame
from despite_ros.simulation.obstacles import obstacles
from despite_ros.simulation.skeleton import yaw_matrix

from .conftest import HEIGHT, PERIOD_NS, Recorded, person, pose_at, record


def follow(recorded: Recorded, segmenter: Segmenter | None = None) -> list[PeopleFrame]:
    segmenter = segmenter or Segmenter(PeopleSettings())
    frames = []
    for k, (cloud, pose) in enumerate(zip(recorded.clouds, recorded.poses, strict=True)):
        frame = segmenter.process(cloud, (k + 1) * PERIOD_NS, pose, "map")
        assert frame is not None
        frames.append(frame)
    return frames


def places(frame: PeopleFrame) -> FloatArray:
    """Positions of the people seen, sorted."""
    found = [person.position[:2] for person in frame.people if person.observed]
    return np.array(sorted(map(tuple, found)), np.float32).reshape(-1, 2)


def test_two_who_cross_keep_their_ids(crossing: Recorded) -> None:
    frames = follow(crossing)
    early, late = frames[5], frames[-1]
    assert [len(frame.people) for frame in frames[3:]] == [3] * (len(frames) - 3)
    before = {p.track_id: p.position for p in early.people}
    after = {p.track_id: p.position for p in late.people}
    assert before.keys() == after.keys()
    moved = sorted(float(after[key][1] - before[key][1]) for key in before)
    assert moved[0] < -1 and abs(moved[1]) < 0.4 and moved[2] > 1
    assert late.frame_id == "map" and late.counters["people"] == 3


def test_a_sensor_hung_upside_down_finds_the_same_people(crossing: Recorded) -> None:
    turned = np.array([1, -1, -1], np.float32)
    clouds = [cloud * turned for cloud in crossing.clouds]
    poses = [pose @ np.diag([1.0, -1.0, -1.0, 1.0]) for pose in crossing.poses]
    hung = follow(replace(crossing, clouds=clouds, poses=poses))
    for frame, other in zip(follow(crossing), hung, strict=True):
        np.testing.assert_allclose(places(frame), places(other), atol=1e-5)


def test_crops_hold_the_person_s_points(crossing: Recorded) -> None:
    segmenter = Segmenter(PeopleSettings())
    overlaps = []
    for k, (cloud, pose) in enumerate(zip(crossing.clouds[:12], crossing.poses, strict=False)):
        segmenter.process(cloud, (k + 1) * PERIOD_NS, pose)
        owners = crossing.owners[k]
        mine = {row.tobytes(): owner for row, owner in zip(to_fixed(cloud, pose, 0, 99), owners, strict=True)}
        for points in segmenter.segments().values():
            counts = np.bincount([mine[row.tobytes()] + 1 for row in points], minlength=4)
            who = int(np.argmax(counts[1:]))
            overlaps.append(counts[1 + who] / (len(points) + (owners == who).sum() - counts[1 + who]))
    assert np.mean(overlaps) > 0.95


@pytest.mark.parametrize("label", ["stand", "sit", "squat", "lie"])
def test_postures_are_found(label: str) -> None:
    frames = follow(record([person(5, label, 3.0, 0.5, 0.7)], 35))
    seen = [len(places(frame)) for frame in frames[5:]]
    assert np.mean(seen) > 0.9 and max(seen) == 1


def test_a_person_cut_in_two_by_a_pillar_is_one() -> None:
    pillar = obstacles([], [(2.0, 0.0, 0.0, 3.0, 0.07)])
    frames = follow(record([person(6, "walk", 3.0, -1.5, np.pi / 2)], 35, things=pillar))
    ids = {p.track_id for frame in frames[3:] for p in frame.people}
    assert len(ids) == 1


def test_things_that_stand_about_are_no_people() -> None:
    posts = obstacles([(2, 2, 0.9, 0.25, 0.25, 0.9, 0.0)], [(3.0, -2.0, 0.0, 2.5, 0.2)])
    frames = follow(record([], 30, things=posts))
    assert all(len(frame.people) == 0 for frame in frames[20:])


def test_who_stands_still_is_not_swallowed_by_the_background() -> None:
    settings = PeopleSettings()
    recorded = record([person(7, "walk", 4.0, -2.0, np.pi / 2), person(8, "stand", 3.0, 2.0)], 12)
    segmenter = Segmenter(settings)
    for k in range(300):
        at = min(k, 11) if k < 12 else 8 + k % 4
        frame = segmenter.process(recorded.clouds[at], (k + 1) * PERIOD_NS, recorded.poses[at])
    assert frame is not None and len(places(frame)) == 2


def test_a_moving_sensor_sees_the_same_people() -> None:
    motions = [person(1, "walk", 3.0, -2.0, np.pi / 2), person(3, "stand", 2.5, 3.0, 1.0)]
    still, moving = (follow(record(motions, 15, speed=speed)) for speed in (0.0, 0.8))
    assert places(still[-1]).shape == places(moving[-1]).shape
    assert np.abs(places(still[-1]) - places(moving[-1])).max() < 0.2


def test_a_tilted_sensor_without_a_pose_sees_the_same_people(crossing: Recorded) -> None:
    tilt = Rotation.from_euler("xy", [8, -6], degrees=True).as_matrix()
    level, tilted = Segmenter(PeopleSettings()), Segmenter(PeopleSettings())
    for k, cloud in enumerate(crossing.clouds[:6]):
        one = level.process(cloud, k * PERIOD_NS)
        other = tilted.process((cloud @ tilt.T).astype(np.float32), k * PERIOD_NS)
    assert one is not None and other is not None and len(one.people) == len(other.people) == 3
    for person_, leaning in zip(one.people, other.people, strict=True):
        assert np.linalg.norm(tilt @ person_.position - leaning.position) < 0.15
        assert np.abs(np.ptp(person_.crop, axis=0) - np.ptp(leaning.crop, axis=0)).max() < 0.2


@given(seed=st.integers(0, 100), yaw=st.floats(-3.1, 3.1))
@settings(max_examples=4, deadline=None)
def test_order_and_heading_do_not_matter(crossing: Recorded, seed: int, yaw: float) -> None:
    rng = np.random.default_rng(seed)
    turn = yaw_matrix(yaw)
    clouds = [rng.permutation(cloud @ turn.T).astype(np.float32) for cloud in crossing.clouds[:8]]
    turned = Recorded(clouds, [], crossing.poses[:8])
    straight = Recorded(crossing.clouds[:8], [], crossing.poses[:8])
    one, other = places(follow(straight)[-1]), places(follow(turned)[-1])
    back = np.array(sorted(map(tuple, other @ turn[:2, :2])), np.float32)
    assert one.shape == back.shape
    assert np.abs(one - back).max() < 0.1


@given(x=st.floats(-30, 30), y=st.floats(-30, 30), yaw=st.floats(-3.1, 3.1), turn=st.floats(-3.1, 3.1))
@settings(max_examples=4, deadline=None)
def test_where_the_sensor_is_and_how_it_is_turned_does_not_matter(
    crossing: Recorded, x: float, y: float, yaw: float, turn: float
) -> None:
    """All is moved and turned in the fixed frame, and the sensor is turned about itself."""
    moved, mount = pose_at(x, y, yaw), np.eye(4)
    moved[2, 3], mount[:3, :3] = 0.0, yaw_matrix(turn)
    clouds = [(cloud @ mount[:3, :3]).astype(np.float32) for cloud in crossing.clouds[:8]]
    elsewhere = Recorded(clouds, [], [moved @ pose @ mount for pose in crossing.poses[:8]])
    here = Recorded(crossing.clouds[:8], [], crossing.poses[:8])
    one, other = places(follow(here)[-1]), places(follow(elsewhere)[-1])
    back = np.array(sorted(map(tuple, (other - moved[:2, 3]) @ moved[:2, :2])), np.float32)
    assert one.shape == back.shape == (3, 2)
    assert np.abs(one - back).max() < 0.1


def test_the_same_sweeps_give_the_same_frames(crossing: Recorded) -> None:
    first, second = follow(crossing)[-1], follow(crossing)[-1]
    for one, other in zip(first.people, second.people, strict=True):
        assert np.array_equal(one.crop, other.crop) and np.array_equal(one.position, other.position)


def test_a_lost_sweep_predicts_and_holds_the_crop(crossing: Recorded) -> None:
    segmenter = Segmenter(PeopleSettings())
    before = follow(Recorded(crossing.clouds[:10], [], crossing.poses[:10]), segmenter)[-1]
    frame = segmenter.process(np.empty((0, 3), np.float32), 11 * PERIOD_NS, crossing.poses[10])
    assert frame is not None
    assert [p.points for p in frame.people] == [0, 0, 0]
    for one, other in zip(before.people, frame.people, strict=True):
        assert one.track_id == other.track_id and np.array_equal(one.crop, other.crop)


def test_going_back_in_time_starts_anew(crossing: Recorded) -> None:
    segmenter = Segmenter(PeopleSettings())
    first, again = follow(crossing, segmenter), follow(crossing, segmenter)
    assert [p.track_id for p in first[-1].people] == [p.track_id for p in again[-1].people]


def test_a_fast_sensor_is_halved_and_a_slow_one_refused(crossing: Recorded) -> None:
    segmenter = Segmenter(PeopleSettings())
    cloud = crossing.clouds[0]
    frames = [segmenter.process(cloud, k * PERIOD_NS // 2) for k in range(10)]
    assert [frame is not None for frame in frames] == [True, False] * 5
    slow = Segmenter(PeopleSettings())
    with pytest.raises(UserError, match="needed: raise the sensor's rate"):
        for k in range(40):
            slow.process(cloud, k * 2 * PERIOD_NS)


def _flat(count: int) -> FloatArray:
    rng = np.random.default_rng(0)
    floor = np.column_stack([rng.uniform(-10, 10, (count, 2)), np.full(count, -HEIGHT)])
    return floor.astype(np.float32)


@pytest.mark.parametrize(
    "cloud",
    [
        np.empty((0, 3), np.float32),
        np.ones((1, 3), np.float32),
        np.ones((2000, 3), np.float32),
        np.full((50_000, 3), 2.03, np.float32),
        _flat(5000),
        np.random.default_rng(0).normal(0, 6, (1_000_000, 3)).astype(np.float32),
    ],
    ids=["empty", "one point", "all alike", "one voxel", "all floor", "a million points"],
)
def test_odd_clouds_are_no_error_and_nobody(cloud: FloatArray) -> None:
    segmenter = Segmenter(PeopleSettings())
    for k in range(3):
        frame = segmenter.process(cloud, k * PERIOD_NS)
        assert frame is not None and frame.counters["points"] == len(cloud)
        assert len(frame.people) == 0


def test_boxes_of_another_detector_become_tracks(crossing: Recorded) -> None:
    segmenter = Segmenter(PeopleSettings())
    for k in range(4):
        cloud, owners = crossing.clouds[k], crossing.owners[k]
        middles = [cloud[owners == who].mean(0) for who in range(3)]
        boxes = np.array([[x, y, -HEIGHT + 1, 1.2, 1.2, 2.1, 0.3] for x, y, _ in middles])
        frame = segmenter.process_boxes(cloud, boxes, k * PERIOD_NS, pose_at())
    assert frame is not None and len(frame.people) == 3
    counts = sorted(np.bincount(owners[owners >= 0]))
    assert np.allclose(sorted(p.points for p in frame.people), counts, rtol=0.1)


@pytest.mark.parametrize("seed", [0, 9, 15])
def test_a_person_alone_is_no_floor(seed: int) -> None:
    """A Mid-360 at 1.3 m looks up: nearer than 10 m it sees people from the chest on, and no floor."""
    frames = follow(record([person(seed, "stand", 1.5, 1.0)], 12, "livox_mid360"))
    assert [len(places(frame)) for frame in frames[4:]] == [1] * 8
    alone = frames[-1].people[0]
    assert 1.5 < alone.position[2] + alone.size[2] / 2 < 2.1
