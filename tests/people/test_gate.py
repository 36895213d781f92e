import numpy as np

from benchmarks.people_real import standing
from despite_ros.arrays import FloatArray
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings

from .conftest import PERIOD_NS, person, record


def roof() -> FloatArray:
    """What a sensor on a car sees of it: a hull of 1.2 m × 1 m around and below itself."""
    rng = np.random.default_rng(0)
    angle, height = rng.uniform(-np.pi, np.pi, 3000), rng.uniform(-0.45, -0.05, 3000)
    return np.stack([0.6 * np.cos(angle), 0.5 * np.sin(angle), height], 1).astype(np.float32)


def test_what_carries_the_sensor_is_no_person() -> None:
    recorded = record([person(5, "walk", 4.0, 0.5, 0.7)], 8)
    segmenter = Segmenter(PeopleSettings())
    for k, (cloud, pose) in enumerate(zip(recorded.clouds, recorded.poses, strict=True)):
        frame = segmenter.process(np.concatenate([cloud, roof()]), (k + 1) * PERIOD_NS, pose)
    assert frame is not None
    assert [round(float(one.position[0])) for one in frame.people] == [4]
    assert frame.counters["own_body"] >= 1


def test_pedestrians_cut_out_of_real_sweeps_stand_on_their_floor() -> None:
    rng = np.random.default_rng(0)
    body = rng.uniform((-0.2, -0.2, -1.7), (0.2, 0.2, 0.0), (60, 3)).astype(np.float32)
    body[0, 2] = -1.79  # as low as the others, so that the floor is known
    floor = np.concatenate([body, body[:9] * [1, 1, 0] + [0, 0, -1.8]])
    mirrored = np.concatenate([body, body[:9] * [1, 1, 0] + [0, 0, -2.6]])
    for points, above in standing([floor, body, body, body, mirrored]):
        assert len(points) == 59 and above.min() > 0.05 and above.max() < 1.85
