from collections.abc import Sequence

import numpy as np
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.people.candidates import Candidate, put_together
from despite_ros.people.settings import PartitionSettings

LYING, STANDING = 0.4, 1.7  # metres, highest points


def halves(top: float, apart: float) -> tuple[FloatArray, list[Candidate]]:
    """Two heaps of points, both followed, both somewhat like a person."""
    rng = np.random.default_rng(0)
    points = rng.uniform((-0.3, -0.2, 0.1), (0.3, 0.2, top), (80, 3)).astype(np.float32)
    points[40:, 0] += apart
    heaps = np.arange(80, dtype=np.int32).reshape(2, 40)
    return points, [
        Candidate(heap, 1.4, owner, 1.0, "", top) for heap, owner in zip(heaps, (7, 3), strict=True)
    ]


def more_is_better(some: Sequence[Candidate]) -> list[Candidate]:
    return [one._replace(log_odds=len(one.members) / 40) for one in some]


@pytest.mark.parametrize(
    ("top", "apart", "owners"),
    [(LYING, 0.8, [3]), (LYING, 1.3, [7, 3]), (STANDING, 0.5, [7, 3])],
    ids=["one who lies", "two who lie", "two side by side"],
)
def test_who_lies_and_is_followed_twice_is_the_older_track(
    top: float, apart: float, owners: list[int]
) -> None:
    points, both = halves(top, apart)
    found = put_together(both, points, more_is_better, PartitionSettings())
    assert [one.owner for one in found] == owners
    assert sum(len(one.members) for one in found) == 80
