import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despite_ros.arrays import FloatArray
from despite_ros.encoders.tubes import embed_anchors


def tube(frames: list[FloatArray], centre: FloatArray, weight: FloatArray) -> FloatArray:
    """Largest W·(dx, dy, dz, dt) over the first 32 neighbours in each of the frames −1, 0, 1."""
    largest = []
    for dt, points in zip((-1, 0, 1), frames, strict=True):
        x, y, z = (points - centre).T
        inside = np.flatnonzero(x * x + y * y + z * z < np.float32(0.09))[:32]
        chosen = points[inside if inside.size else [0]] - centre
        largest.append((chosen @ weight[:3] + dt * weight[3]).max(axis=0))
    return np.asarray(np.max(largest, axis=0))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), spread=st.sampled_from([0.05, 0.2, 0.6, 3.0]))
def test_tubes_are_their_definition(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    before, at, after = rng.normal(0, spread, (3, 2, 256, 3)).astype(np.float32)
    weight = rng.normal(size=(4, 80)).astype(np.float32)
    opening, inner = np.empty((2, 8, 80), np.float32), np.empty((2, 8, 80), np.float32)
    embed_anchors(before, at, after, weight, opening, inner)
    for person in range(2):
        for anchor in range(8):
            centre = at[person, anchor]
            frames = [before[person], at[person], after[person]]
            expected = tube(frames, centre, weight)
            np.testing.assert_allclose(inner[person, anchor], expected, atol=1e-5)
            expected = tube([frames[1], *frames[1:]], centre, weight)
            np.testing.assert_allclose(opening[person, anchor], expected, atol=1e-5)


@pytest.mark.parametrize("distance", [np.float32(0.3), np.nextafter(np.float32(0.3), np.float32(0))])
def test_the_border_of_a_ball_is_outside(distance: np.float32) -> None:
    """Two points: the anchor at index 0 and one at the border; the largest x is that of the one inside."""
    frame = np.zeros((1, 2, 3), np.float32)
    frame[0, 1, 0] = distance
    weight = np.zeros((4, 1), np.float32)
    weight[0] = 1.0
    opening, inner = np.empty((1, 1, 1), np.float32), np.empty((1, 1, 1), np.float32)
    embed_anchors(frame, frame, frame, weight, opening, inner)
    assert inner[0, 0, 0] == (distance if distance * distance < np.float32(0.09) else 0.0)
