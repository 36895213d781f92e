from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from despite_ros.errors import UserError
from despite_ros.limbs import LIMBS
from despite_ros.simulation import repertoire
from despite_ros.simulation.crowd import APART, Repertoire, closest
from despite_ros.simulation.imu import PERFECT
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.room import Box, Cylinder, Room
from despite_ros.simulation.scene import Scene, random_scene
from tests.simulation.known_motions import LIMB_BONES

scene = partial(random_scene, seconds=4.0, sensor="vlp16")


def standing() -> Scene:
    return scene(np.random.default_rng(0), people=4, wearers=2, absent=1, imus=3)


STANDING = standing()


@pytest.mark.parametrize(("moving", "what"), [(True, repertoire.parametric), (False, repertoire.made_up)])
def test_nobody_walks_through_anything(moving: bool, what: Repertoire) -> None:
    rng = np.random.default_rng(5)
    crowded = scene(rng, seconds=15.0, people=4, wearers=0, absent=0, moving=moving, repertoire=what)
    for first, second in combinations(crowded.people, 2):
        assert closest(first.motion, second.motion) > APART / 2
    sensor = crowded.path.ground[:, None]
    for person in crowded.people:
        assert crowded.room.clearance(person.motion.joints[..., :2]).min() > 0.03
        gaps = person.motion.joints[: len(sensor) or None, :, :2] - sensor[:901]
        assert np.linalg.norm(gaps, axis=-1).min() > 0.5


def test_captured_clips_become_people_who_keep_apart() -> None:
    clips = [made_up_motion(np.random.default_rng(seed), 6.0) for seed in range(3)]
    rng, what = np.random.default_rng(0), repertoire.captured(clips)
    people = scene(rng, seconds=12.0, people=3, wearers=0, absent=0, repertoire=what).people
    assert min(closest(a.motion, b.motion) for a, b in combinations(people, 2)) > APART / 2
    assert all(person.motion.duration == pytest.approx(12.0) for person in people)


def test_truth_counts_the_clouds_points_and_knows_where_people_are() -> None:
    sweeps = list(STANDING.sweeps())
    assert len(sweeps) == STANDING.sweep_count == 40
    assert np.diff([sweep.stamp_ns for sweep in sweeps]).tolist() == [100_000_000] * 39
    for sweep in sweeps[::10]:
        truth = STANDING.truth(sweep)
        assert truth["stamp_ns"] == sweep.stamp_ns
        assert [person["name"] for person in truth["people"]] == ["alice", "bob", "carol", "dave"]
        for index, person in enumerate(truth["people"]):
            mine = sweep.cloud[sweep.person_index == index]
            assert person["points"] == len(mine)
            if len(mine) > 20:
                assert np.linalg.norm(np.median(mine, 0) - (person["x"], person["y"], person["z"])) < 0.7
        assert sweep.person_index.max() < 4


def test_who_is_elsewhere_is_measured_by_imus_only() -> None:
    assert [person.wearer for person in STANDING.people] == ["alice", "bob", None, None, "erin"]
    samples = STANDING.imu()
    assert sorted(samples) == ["alice", "bob", "erin"]
    for limbs in samples.values():
        assert len(limbs) == 3 and set(limbs) <= set(LIMBS)
        for imu in limbs.values():
            assert abs(imu.stamps_ns[0] - STANDING.start_ns) < 1e8
            assert abs(imu.stamps_ns[-1] - imu.stamps_ns[0] - 4e9) < 2e8


def test_orientations_and_mounts_tell_how_bones_are_turned() -> None:
    perfect = replace(STANDING, imu_model=PERFECT)
    person = perfect.people[0]
    for limb, samples in perfect.imu()["alice"].items():
        mount = Rotation.from_quat(person.mounts[limb])
        bone = (Rotation.from_quat(samples.orientation) * mount.inv()).as_matrix()
        frames = np.round((samples.stamps_ns - perfect.start_ns) * 60e-9 * 5).astype(int)
        at_frames = frames % 5 == 0
        truth = person.motion.rotation(LIMB_BONES[limb])[frames[at_frames] // 5]
        np.testing.assert_allclose(bone[at_frames], truth, atol=2e-3)


def test_the_same_seed_measures_the_same() -> None:
    again = standing()
    first, second = STANDING.sweep(7), again.sweep(7)
    np.testing.assert_array_equal(first.cloud, second.cloud)
    left = STANDING.imu()["erin"], again.imu()["erin"]
    for limb in left[0]:
        np.testing.assert_array_equal(left[0][limb].specific_force, left[1][limb].specific_force)


def test_a_robots_poses_bring_the_floor_back_to_zero() -> None:
    driven = scene(np.random.default_rng(2), people=2, wearers=1, absent=0, moving=True)
    sweep = driven.sweep(20)
    assert not np.allclose(driven.path.at(0), sweep.sensor_pose)
    world = sweep.cloud @ sweep.sensor_pose[:3, :3].T + sweep.sensor_pose[:3, 3]
    assert abs(np.quantile(world[:, 2], 0.01)) < 0.05


def test_a_lidar_hung_upside_down_measures_the_same_world() -> None:
    hung = scene(np.random.default_rng(0), people=4, wearers=0, absent=0, upside_down=True)
    sweep = hung.sweep(20)
    world = sweep.cloud @ sweep.sensor_pose[:3, :3].T + sweep.sensor_pose[:3, 3]
    np.testing.assert_allclose(sweep.sensor_pose[:3, :3], np.diag([1.0, -1.0, -1.0]))
    assert abs(np.quantile(world[:, 2], 0.01)) < 0.05
    frame = round(1e-9 * (sweep.stamp_ns - hung.start_ns) * hung.people[0].motion.rate)
    for index, person in enumerate(hung.people):
        mine = world[sweep.person_index == index]
        gaps = np.linalg.norm(mine[:, None] - person.motion.joints[frame], axis=-1)
        assert gaps.min(axis=1).max(initial=0.0) < 0.5


def test_a_lidar_that_looks_up_sees_more_of_people_when_hung() -> None:
    def seen(upside_down: bool) -> int:
        look_up = partial(scene, people=4, sensor="livox_mid360", upside_down=upside_down)
        rooms = [look_up(np.random.default_rng(seed)) for seed in range(4)]
        return sum(int(np.count_nonzero(room.sweep(20).person_index >= 0)) for room in rooms)

    assert seen(upside_down=True) > 1.5 * seen(upside_down=False)


def test_clearance_is_the_way_to_the_nearest_thing() -> None:
    room = Room(10, 8, boxes=(Box(2, 0, 0.5, 1, 2, 1, np.pi / 2),), cylinders=(Cylinder(-2, 0, 0.5, 0, 2),))
    places = [(2, 2), (4.0, 0), (-2, 1), (0, 3.9), (2, 0), (6, 0)]
    np.testing.assert_allclose(room.clearance(np.array(places)), [1.5, 1.0, 0.5, 0.1, -0.5, -1.0], atol=1e-9)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (partial(scene, people=2, wearers=3), "3 wearers among 2 people"),
        (partial(scene, people=40), "40 and 1"),
        (partial(scene, imus=5), "1 to 4 IMUs"),
        (partial(scene, seconds=0.1), "at least 1 second"),
        (partial(scene, moving=True, upside_down=True), "not both"),
        (partial(scene, sensor="radar"), r"unknown sensor 'radar'; known are vlp16"),
    ],
)
def test_impossible_scenes_are_told(make: Callable[[np.random.Generator], Scene], told: str) -> None:
    with pytest.raises(UserError, match=told):
        make(np.random.default_rng(0))
