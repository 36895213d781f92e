"""The nodes' warm-up: after it, sensor messages compile nothing more."""

import subprocess
import sys
from pathlib import Path

import pytest

FRESH_PROCESS = """
import gc, sys
import numpy as np
from numba.core.registry import CPUDispatcher
from despite_ros.bags.writer import wearers_of
from despite_ros.motion.wearers import parse_wearers
from despite_ros.nodes.warm_up import warm_up_people, warm_up_reid
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.pipeline import Reidentifier
from despite_ros.settings import Settings
from despite_ros.simulation.scene import random_scene
from tests.fake_encoders import FakeEncoders

def compiled():
    kernels = [item for item in gc.get_objects() if isinstance(item, CPUDispatcher)]
    return {f"{k.py_func.__qualname__}{s}" for k in kernels if "simulation" not in k.py_func.__module__
            for s in k.signatures}

sensor, moving = sys.argv[1], sys.argv[2] == "True"
scene = random_scene(np.random.default_rng(3), 6, 6, 0, 8.0, sensor, moving)
settings = PeopleSettings(sensor=sensor)
reidentifier = Reidentifier(Settings(), parse_wearers(wearers_of(scene), "test"), FakeEncoders())
for wearer, limbs in scene.imu().items():
    for limb, imu in limbs.items():
        for sample in zip(imu.stamps_ns.tolist(), imu.orientation, imu.specific_force):
            reidentifier.imu(wearer, limb, *sample[:2], (0, 0, 0), sample[2])
warm_up_people(settings)
warm_up_reid(reidentifier)
before, segmenter, people = compiled(), Segmenter(settings), 0
for sweep in scene.sweeps():
    frame = segmenter.process(sweep.cloud, sweep.stamp_ns, sweep.sensor_pose)
    people += len(reidentifier.people(frame).track_ids) if frame else 0
assert people > 100, people
print(*sorted(compiled() - before), sep="\\n", end="")
"""


@pytest.mark.parametrize(("sensor", "moving"), [("os1_64", False), ("vlp16", True), ("livox_mid360", False)])
def test_nothing_is_compiled_after_the_warm_up(sensor: str, moving: bool) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", FRESH_PROCESS, sensor, str(moving)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
