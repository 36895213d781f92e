import numpy as np
import pytest

from despite_ros.activities import ACTIVITIES
from despite_ros.simulation.chaining import chain, offsets_of, retarget, steer
from despite_ros.simulation.contacts import RADII
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.parametric import PARAMETRIC, turn, walk
from despite_ros.simulation.skeleton import JOINT_INDEX, Motion, heading
from despite_ros.simulation.style import Style

SECONDS = 6.0
STYLE = Style.random(np.random.default_rng(3))


def perform(label: str, seed: int = 0) -> Motion:
    return PARAMETRIC[label](np.random.default_rng(seed), SECONDS, STYLE)


def height(motion: Motion, joint: str) -> np.ndarray:
    return motion.joint(joint)[:, 2]


@pytest.mark.parametrize("label", PARAMETRIC)
def test_activities_begin_and_end_standing(label: str) -> None:
    motion = perform(label)
    assert label in ACTIVITIES
    assert motion.label_at(SECONDS / 2) == label
    assert motion.duration == SECONDS
    for frame in (0, -1):
        assert motion.joints[frame, JOINT_INDEX["head"], 2] > 0.85 * height(perform("stand"), "head").max()


def test_each_activity_is_what_its_name_says() -> None:
    middle = slice(150, 210)
    standing = height(perform("stand"), "pelvis").mean()
    assert height(perform("sit"), "pelvis")[middle].max() < 0.7 * standing
    assert height(perform("lie"), "head")[middle].max() < 0.35
    assert height(perform("squat"), "pelvis").min() < 0.75 * standing
    assert height(perform("jump"), "l_toe").max() > 0.08
    hand, shoulder = (height(perform("wave"), f"{STYLE.side}_{joint}") for joint in ("hand", "shoulder"))
    assert (hand[middle] > shoulder[middle] - 0.1).mean() > 0.5
    assert height(perform("bend"), "head").min() < 0.75 * height(perform("stand"), "head").max()
    walked, ran = (
        np.linalg.norm(np.ptp(perform(label).joint("pelvis")[:, :2], axis=0)) for label in ("walk", "run")
    )
    assert ran > walked > 2.5


def test_getting_into_an_activity_and_out_of_it_has_no_label() -> None:
    standing = height(perform("stand"), "pelvis").mean()
    for label in ("sit", "lie"):
        motion = perform(label)
        low = [
            h
            for h, t in zip(height(motion, "pelvis"), range(motion.frames), strict=True)
            if motion.label_at(t / motion.rate)
        ]
        assert max(low) < 0.85 * standing
        assert motion.label_at(0.1) == motion.label_at(SECONDS - 0.1) == ""


def test_walking_and_turning_go_where_they_are_told() -> None:
    rng = np.random.default_rng(0)
    for wanted in (-1.5, 0.0, 1.5):
        walked, turned = walk(rng, SECONDS, STYLE, wanted), turn(rng, SECONDS, STYLE, wanted)
        for motion in (walked, turned):
            assert heading(motion, motion.frames - 1) - heading(motion, 0) == pytest.approx(wanted, abs=0.25)
        assert np.linalg.norm(turned.joints[-1, 0, :2]) < 1.2


def test_two_people_do_the_same_differently() -> None:
    other = Style.random(np.random.default_rng(4))
    theirs = walk(np.random.default_rng(0), SECONDS, other, 0.0)
    ours = walk(np.random.default_rng(0), SECONDS, STYLE, 0.0)
    assert abs(height(ours, "head").mean() - height(theirs, "head").mean()) > 0.01
    assert np.abs(ours.rotations - theirs.rotations).max() > 0.2


def test_a_chain_is_one_smooth_motion_of_one_body() -> None:
    first = walk(np.random.default_rng(0), SECONDS, STYLE, 1.0).rotate(2.0)
    second = retarget(made_up_motion(np.random.default_rng(5), 4.0), STYLE.offsets)
    whole = chain(first, second, blend_s=0.5)
    assert whole.duration == pytest.approx(SECONDS + 4.0 - 0.5, abs=0.02)
    for joint, offset in offsets_of(whole).items():
        np.testing.assert_allclose(offset, STYLE.offsets[joint], atol=1e-4)
    steps = np.linalg.norm(np.diff(whole.joints[300:400], axis=0), axis=-1)
    assert steps.max() < 0.2
    assert whole.label_at(3.0) == "walk"
    assert whole.label_at(9.0) == second.label_at(9.0 - (whole.duration - 4.0))


def test_another_body_stands_on_the_floor_too() -> None:
    tall = Style.random(np.random.default_rng(7)).offsets
    higher = np.array([0, 0, 0.1], np.float32)
    low_pelvis = {**tall, "l_hip": tall["l_hip"] + higher, "r_hip": tall["r_hip"] + higher}
    for offsets in (tall, low_pelvis):
        motion = retarget(perform("walk"), offsets)
        lowest = (motion.joints[..., 2] - RADII).min(axis=1)
        assert abs(np.median(lowest)) < 0.02


def test_steering_bends_a_path_by_the_angle() -> None:
    straight = walk(np.random.default_rng(0), SECONDS, STYLE, 0.0)
    bent = steer(straight, 1.2)
    turned = heading(bent, bent.frames - 1) - heading(straight, straight.frames - 1)
    assert turned == pytest.approx(1.2, abs=1e-3)
    np.testing.assert_allclose(height(bent, "pelvis"), height(straight, "pelvis"), atol=1e-5)
