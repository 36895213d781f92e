import numpy as np

from benchmarks.people_scores import Tally
from despite_ros.arrays import FloatArray
from despite_ros.people.transform import to_fixed
from despite_ros.simulation.scene import Sweep


def sweep_of(cloud: FloatArray) -> Sweep:
    """All points are of person 0."""
    nothing = np.zeros(len(cloud), np.int32)
    return Sweep(0, 0, cloud, nothing, nothing.astype(np.float32), nothing, np.eye(4))


def test_points_of_an_earlier_sweep_count_neither_way() -> None:
    rng = np.random.default_rng(0)
    earlier, newest = (rng.normal(3.0, 0.2, (60, 3)).astype(np.float32) for _ in range(2))
    points = to_fixed(np.concatenate([newest, earlier]), np.eye(4), 0.0, 99.0)
    tally = Tally()
    tally.add(sweep_of(newest), {7: points})
    tally.add(sweep_of(newest), {7: points[:30]})
    tally.add(sweep_of(newest), {7: points[60:]})
    assert [overlap.tolist() for overlap in tally.overlaps] == [[[1.0]], [[0.5]], [[]]]
