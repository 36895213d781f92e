"""What the gate learns from: who the points of a candidate belong to, over all sweeps that are looked at."""

import numpy as np

from despite_ros.people.presets import with_preset
from despite_ros.people.settings import PeopleSettings
from despite_ros.simulation.scene import random_scene
from training.gate import Recorder


def test_points_of_an_earlier_sweep_are_somebodys_too() -> None:
    rng = np.random.default_rng(5)
    scene = random_scene(rng, 3, 0, 0, 2.5, "livox_mid360")
    recorder = Recorder(with_preset(PeopleSettings(), "livox_mid360"), rng)
    for sweep in scene.sweeps():
        recorder.watch(sweep, record=True)
    assert recorder.owners is not None
    newest = int((sweep.person_index >= 0).sum())
    assert len(recorder.owners) > 1.5 * newest > 0
    _, labels = recorder.labelled()
    assert labels.sum() > 10
