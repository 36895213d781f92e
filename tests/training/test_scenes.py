"""A room of two people, read as the runtime would read it."""

import numpy as np

from despite_ros.limbs import FRAMES, unpack_channels
from training.data.scenes import Job, records


def test_people_of_a_scene_become_sequences() -> None:
    found = records(Job(0, "train", 0, people=2, seconds=6.0))
    assert found
    for record in found:
        assert record.points is not None and record.imu is not None and record.joints is not None
        assert len(record.points) == len(record.imu) == len(record.joints) >= FRAMES
        # a crop has no mean of its own, and is as tall as somebody
        np.testing.assert_allclose(record.points.mean(axis=1), 0, atol=0.2)
        assert 0.3 < np.ptp(record.points[..., 2], axis=1).mean() < 2.2
        rotations, _ = unpack_channels(record.imu[1:])
        np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-3)
        assert all(span.end_s <= len(record.imu) / 10 for span in record.info.spans)
    assert {record.info.group for record in found} == {"train"}
