"""A room of two people, read as the runtime would read it."""

import numpy as np

from despite_ros.limbs import FRAMES, unpack_channels
from despite_ros.simulation.scene import random_scene
from training.data.scenes import Job, records, segmenter_for
from training.data.simulated import made_up_sensor


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


def test_scenes_of_one_sensor_are_a_source_of_their_own_and_seen_with_its_preset() -> None:
    job = Job(0, "train", 3, people=2, seconds=5.0, sensor="livox_mid360", upside_down=True)
    found = records(job)
    assert {record.info.source for record in found} == {"scenes-livox_mid360-hung"}
    assert all(record.info.name.startswith("scene-livox_mid360-hung-train-3-0000-") for record in found)
    rng = np.random.default_rng(0)
    assert segmenter_for(random_scene(rng, 2, 2, 0, 5.0, "livox_mid360")).settings.sweeps == 2
    assert segmenter_for(random_scene(rng, 2, 2, 0, 5.0, made_up_sensor(3))).settings.sweeps == 1
