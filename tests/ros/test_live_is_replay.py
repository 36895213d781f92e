"""A recording gives the same through the live nodes as without ROS."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from benchmarks.agreement import measure
from despite_ros.bags.writer import write_recording
from despite_ros.simulation.scene import random_scene
from tests.encoders.made_up_model import write_model

pytestmark = pytest.mark.ros


def test_every_frame_is_the_same(tmp_path: Path, domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    scene = random_scene(np.random.default_rng(7), people=2, wearers=2, absent=0, seconds=4.0, sensor="vlp16")
    room = write_recording(scene, tmp_path / "room")
    (tmp_path / "model").mkdir()
    model = str(write_model(tmp_path / "model"))
    found = measure(
        argparse.Namespace(
            recording=room, wearers=room / "wearers.yaml", out=tmp_path / "out", model=model, rate=["max"]
        )
    )
    (run,) = found["runs"]
    assert run["sweeps_live"] == found["sweeps_replayed"] == scene.sweep_count
    assert run["agreement"]["frames"] == 1.0, run
