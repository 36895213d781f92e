"""Run the hot paths once before the first sensor message, so that nothing is compiled or loaded later."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from despite_ros.limbs import POINTS
from despite_ros.people.clouds import decode
from despite_ros.people.partition import outline
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.records import PeopleFrame, Person

if TYPE_CHECKING:  # the people node runs without encoders
    from despite_ros.pipeline import Reidentifier


class _Field:
    """A sensor_msgs/PointField of a made-up cloud."""

    datatype = 7

    def __init__(self, name: str, offset: int) -> None:
        self.name, self.offset = name, offset


def warm_up_people(settings: PeopleSettings) -> None:
    """Decode and segment a few made-up sweeps: a floor with two boxes side by side, taken for people."""
    rng = np.random.default_rng(0)
    floor = rng.uniform((-4, -4, -0.01), (4, 4, 0.01), (4000, 3))
    boxes = [rng.uniform((1.8, y, 0.1), (2.2, y + 0.5, 1.7), (400, 3)) for y in (-0.5, 0.0)]
    cloud = np.concatenate([floor, *boxes]).astype(np.float32)
    fields = [_Field(name, 4 * index) for index, name in enumerate("xyz")]
    points = decode(fields, 12, 12 * len(cloud), len(cloud), 1, False, cloud.tobytes())
    segmenter = Segmenter(replace(settings, gate=replace(settings.gate, probability=0.001)))
    period_ns = round(1e9 / settings.rate)
    for frame in range(5):
        segmenter.process(points, frame * period_ns)
    outline(points, np.arange(2, dtype=np.int32))  # of parts of somebody known, which boxes have not


def warm_up_reid(reidentifier: "Reidentifier") -> None:
    """Run one made-up person through full windows and forget it; take in no IMU sample."""
    crop = np.random.default_rng(0).normal(0.0, 0.3, (POINTS, 3)).astype(np.float32)
    zeros, covariance = np.zeros(3, np.float32), np.eye(4, dtype=np.float32)
    person = Person(0, zeros, np.ones(3, np.float32), zeros, covariance, 0.0, POINTS, crop)
    for frame in range(26):
        reidentifier.people(PeopleFrame(frame * 100_000_000, "", (person,)))
    reidentifier.reset()
    reidentifier.imus([], [])
