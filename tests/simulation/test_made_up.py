import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from despite_ros.activities import ACTIVITIES
from despite_ros.simulation.chaining import offsets_of
from despite_ros.simulation.clearance import LIMBS, overlaps
from despite_ros.simulation.contacts import RADII
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.skeleton import JOINT_INDEX, LINKS, Motion, place_joints


def made_up(seed: int, seconds: float = 4.0) -> Motion:
    return made_up_motion(np.random.default_rng(seed), seconds)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_a_made_up_motion_is_a_body(seed: int) -> None:
    motion = made_up(seed)
    assert motion.duration == 4.0
    identity = np.broadcast_to(np.eye(3), motion.rotations.shape)
    np.testing.assert_allclose(motion.rotations @ motion.rotations.swapaxes(-1, -2), identity, atol=2e-5)
    np.testing.assert_allclose(np.linalg.det(motion.rotations), 1, atol=2e-5)
    placed = place_joints(motion.joint("pelvis"), motion.rotations, offsets_of(motion))
    np.testing.assert_allclose(placed, motion.joints, atol=1e-4)
    for link in LINKS:
        lengths = np.linalg.norm(motion.joint(link.joint) - motion.joint(link.parent), axis=1)
        assert np.ptp(lengths) < 1e-4


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_it_stands_on_the_floor_and_moves_as_people_can(seed: int) -> None:
    motion = made_up(seed)
    lowest = (motion.joints[..., 2] - RADII).min(axis=1)
    assert lowest.min() > -0.08
    velocity = np.diff(motion.joints, axis=0) * motion.rate
    assert np.linalg.norm(velocity, axis=-1).max() < 15
    assert all(span.label in ("", *ACTIVITIES) for span in motion.activities)


def test_who_walks_or_runs_by_label_steps() -> None:
    speeds: dict[str, list[float]] = {"stand": [], "walk": [], "run": []}
    for seed in range(60):
        motion = made_up(seed)
        speed = np.linalg.norm(np.gradient(motion.joint("pelvis")[:, :2], axis=0), axis=1) * motion.rate
        for frame in range(0, motion.frames, 10):
            speeds.get(motion.label_at(frame / motion.rate), []).append(speed[frame])
    slowest, middle = ({label: np.quantile(found, q) for label, found in speeds.items()} for q in (0.05, 0.5))
    assert middle["stand"] < 0.15 < slowest["walk"] < middle["walk"] < middle["run"]


def test_limbs_keep_out_of_the_body() -> None:
    depths = [overlaps(made_up(seed).joints, limb)[0] for seed in range(20) for limb in LIMBS]
    assert np.mean(np.concatenate(depths) > 0.04) < 0.02


def test_the_foot_that_carries_the_body_stays_where_it_is() -> None:
    feet = [JOINT_INDEX[name] for name in ("l_ankle", "r_ankle", "l_toe", "r_toe")]
    slides = []
    for seed in range(20):
        motion = made_up(seed)
        height = (motion.joints[..., 2] - RADII)[:, feet]
        speed = np.linalg.norm(np.gradient(motion.joints[:, feet, :2], axis=0), axis=-1) * motion.rate
        slides.append(speed[height < 0.01])
    assert np.median(np.concatenate(slides)) < 0.1


def test_the_same_seed_makes_the_same_motion_and_another_another() -> None:
    first, again, other = made_up(1), made_up(1), made_up(2)
    np.testing.assert_array_equal(first.joints, again.joints)
    np.testing.assert_array_equal(first.rotations, again.rotations)
    assert np.abs(first.joints - other.joints).max() > 0.1
