import numpy as np
import torch
from scipy.spatial.transform import Rotation

from despite_ros.limbs import pack_channels, unpack_channels
from despite_ros.simulation.skeleton import Span
from training.data.store import SequenceInfo, SequenceStore, StoredSequence
from training.networks import Despite
from training.tasks.real_imu import real_imu, turn


def test_turning_undoes_mounting_and_heading() -> None:
    rng = np.random.default_rng(0)
    bone, mounting = Rotation.random(4, rng=rng), Rotation.random(rng=rng)
    yaw, world = 0.7, Rotation.from_euler("z", 0.7)
    force = rng.normal(size=(1, 4, 3))
    sensed = (world.inv() * bone * mounting).as_matrix()[None]
    channels = pack_channels(sensed.astype(np.float32), (force @ world.as_matrix()).astype(np.float32))
    rotations, accelerations = unpack_channels(turn(channels, mounting, yaw))
    np.testing.assert_allclose(rotations[0], bone.as_matrix(), atol=1e-5)
    np.testing.assert_allclose(accelerations, force, atol=1e-5)


def test_an_untrained_model_is_at_chance() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    frames = 28
    sequences = []
    for number in range(24):
        group = ("train", "validate", "test")[number % 3]
        spans = (Span(0.0, 3.0, "wave"),)
        info = SequenceInfo(f"s{number}", group, "test", "", group, "recorded", 0, frames, spans=spans)
        points = rng.integers(-2000, 2000, (frames, 256, 3)).astype(np.int16)
        imu = rng.normal(size=(frames, 48)).astype(np.float32)
        sequences.append(StoredSequence(info, points, imu, np.zeros((frames, 24, 3), np.float32)))
    found = real_imu(Despite(("points", "imu"), width=16), SequenceStore(tuple(sequences)), "test", scenes=50)
    assert found["recordings"] == 8
    assert 0 <= found["as fused"]["8"]["1"] < 0.5
    assert set(found["mounting chosen, heading free"]) == {"2", "4", "8"}
