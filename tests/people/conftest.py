"""Small simulated scenes, made once."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray
from despite_ros.simulation.body import Body
from despite_ros.simulation.lidar import SENSORS
from despite_ros.simulation.obstacles import Obstacles, obstacles
from despite_ros.simulation.parametric import PARAMETRIC, walk
from despite_ros.simulation.skeleton import Motion, yaw_matrix
from despite_ros.simulation.style import Style
from despite_ros.simulation.sweep import Actor, scan

PERIOD_NS = 100_000_000
HEIGHT = 1.3  # metres, of the sensor


@dataclass(frozen=True)
class Recorded:
    """Sweeps: clouds N×3 in the sensor's frame, whose points they are, and poses 4×4."""

    clouds: list[FloatArray]
    owners: list[IndexArray]
    poses: list[DoubleArray]


def pose_at(x: float = 0.0, y: float = 0.0, yaw: float = 0.0) -> DoubleArray:
    """A level sensor at HEIGHT."""
    pose = np.eye(4)
    pose[:3, :3] = yaw_matrix(yaw)
    pose[:3, 3] = x, y, HEIGHT
    return pose


def person(seed: int, label: str, x: float, y: float, yaw: float = 0.0, seconds: float = 6.0) -> Motion:
    """Somebody who starts at a place, facing `yaw`."""
    rng = np.random.default_rng(seed)
    style = Style.random(rng)
    make = partial(walk, turn=0.0) if label == "walk" else PARAMETRIC[label]
    motion = make(rng, seconds, style).rotate(yaw)
    return motion.translate(np.array([x, y, 0.0], np.float32) - motion.joints[0, 0] * [1, 1, 0])


def record(
    motions: list[Motion],
    sweeps: int,
    sensor: str = "hdl32",
    things: Obstacles | None = None,
    speed: float = 0.0,
) -> Recorded:
    """Sweeps of a sensor that moves along y at `speed` m/s."""
    rng = np.random.default_rng(0)
    actors = [Actor(motion, Body()) for motion in motions]
    poses = [pose_at(y=speed * k / 10) for k in range(sweeps + 1)]
    found = [
        scan(SENSORS[sensor], k, (k + 1) / 10, (poses[k], poses[k + 1]), actors, things or obstacles(), rng)
        for k in range(sweeps)
    ]
    return Recorded([r.points for r in found], [r.person for r in found], poses[1:])


@pytest.fixture(scope="session")
def crossing() -> Recorded:
    """Two people walk past each other, a third stands, a wall behind them and a table beside."""
    walls: list[tuple[float, ...]] = [
        (6.0, 0.0, 1.4, 0.1, 6.0, 1.4, 0.0),
        (2.0, -4.0, 0.4, 0.8, 0.4, 0.4, 0.3),
    ]
    motions = [person(1, "walk", 3.0, -2.0, np.pi / 2), person(2, "walk", 4.2, 2.5, -np.pi / 2)]
    motions.append(person(3, "stand", 2.5, 3.0, 1.0))
    return record(motions, 40, things=obstacles(walls))
