from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from despite_ros.arrays import AnyArray, DoubleArray
from despite_ros.simulation.anatomy import Build, Offset
from despite_ros.simulation.body import Body, Primitives, stature
from despite_ros.simulation.raycast import rounded_cone_distance
from tests.simulation.known_motions import standing, t_pose

NOW = np.array([0.5])


def depth_inside(points: AnyArray, shape: Primitives) -> DoubleArray:
    """How deep (local units, about metres) N points lie in the first posed body; negative outside."""
    local = np.einsum("pij,npj->npi", shape.to_local[0], points[:, None] - shape.origins[0])
    depths = []
    for p, (low, high) in enumerate(shape.radii):
        samples = np.linspace(0, 1, 400)[:, None]
        centres = samples * [0, 0, shape.heights[0, p]]
        radii = low + samples[:, 0] * (high - low)
        depths.append((radii - np.linalg.norm(local[:, p, None] - centres, axis=-1)).max(axis=1))
    return np.asarray(np.max(depths, axis=0), float)


def extent(shape: Primitives, axis: int) -> float:
    reach = shape.reach[None]
    ends = np.stack([shape.origins[..., axis], shape.ends[..., axis]], axis=-1)
    return float((ends + reach).max() - (ends - reach).min())


def test_a_body_is_as_large_as_a_person() -> None:
    shape = Body().surfaces(standing(), NOW)
    assert stature(standing()) == pytest.approx(1.0, abs=0.05)
    assert 1.65 < extent(shape, 2) < 1.95
    assert 1.5 < extent(shape, 1) < 1.95  # arm span


def test_a_body_is_closed() -> None:
    """Joints lie inside, and neighbouring parts overlap all along the limbs."""
    motion = standing()
    shape = Body().surfaces(motion, NOW)
    arm, trunk, leg = ["l_wrist", "l_elbow", "l_shoulder"], ["neck", "spine2", "pelvis"], ["l_hip", "l_knee"]
    chain = [*arm, *trunk, *leg, "l_ankle"]
    places = [motion.joint(name)[0] for name in chain]
    along = [np.linspace(a, b, 15) for a, b in pairwise(places)]
    assert (depth_inside(np.concatenate(along), shape) > 0).all()


def test_builds_differ() -> None:
    plain = Body().surfaces(standing(), NOW)
    stout = Body(Build(girth=1.4)).surfaces(standing(), NOW)
    packed = Body(Build(backpack=0.2)).surfaces(standing(), NOW)
    behind = np.array([[-0.28, 0.0, 1.2]])
    assert stout.radii.max() > 1.3 * plain.radii.max()
    assert depth_inside(behind, packed)[0] > 0 > depth_inside(behind, plain)[0]
    rng = np.random.default_rng(0)
    assert len({Body.random(rng).build for _ in range(20)}) == 20


def test_the_body_moves_with_the_motion() -> None:
    seconds = np.arange(61) / 60
    motion = t_pose(np.outer(seconds, [1.2, -0.4, 0.0]))
    shape = Body().surfaces(motion, np.array([0.25, 0.5]))
    assert np.allclose(shape.velocities, [1.2, -0.4, 0.0], atol=1e-3)
    assert np.allclose(shape.origins[1] - shape.origins[0], [0.3, -0.1, 0.0], atol=1e-4)


def test_the_body_turns_with_the_motion() -> None:
    turned = Body().surfaces(standing().rotate(0.7), NOW)
    plain = Body().surfaces(standing(), NOW)
    c, s = np.cos(0.7), np.sin(0.7)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    assert np.allclose(turned.origins, plain.origins @ turn.T, atol=1e-5)
    assert np.allclose(turned.to_local, plain.to_local @ turn.T, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    origin=st.tuples(*[st.floats(-4, 4)] * 3),
    target=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    height=st.floats(0.01, 1.0),
    low=st.floats(0.05, 0.4),
    high=st.floats(0.05, 0.4),
)
def test_a_ray_meets_a_rounded_cone_where_it_first_enters_it(
    origin: Offset, target: Offset, height: float, low: float, high: float
) -> None:
    """The hull of two spheres is all spheres between them; the ray is followed in small steps."""
    start = np.add(origin, (0, 0, 5))
    ray = np.array(target) - start
    share = np.linspace(0, 1, 120)

    def inside(t: DoubleArray) -> DoubleArray:
        points = start + t[:, None] * ray
        centres = np.column_stack([0 * share, 0 * share, share * height])
        gaps = np.linalg.norm(points[:, None] - centres, axis=-1) - (low + share * (high - low))
        return np.asarray(-gaps.min(axis=1))

    assume(inside(np.zeros(1))[0] < 0.0)  # sensors are outside of people
    found = rounded_cone_distance(*start, *ray, height, low, high)
    steps = inside(np.linspace(0, 2, 500))
    if np.isinf(found):
        assert steps.max() < 2e-3
    else:
        assert abs(inside(np.array([found]))[0]) < 2e-3
        assert inside(np.linspace(0, found - 1e-3, 200)).max() < 2e-3
