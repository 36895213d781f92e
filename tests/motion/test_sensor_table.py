"""Samples of all sensors at once, against one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from despite_ros.errors import UserError
from despite_ros.motion.cdr import decode_imu
from despite_ros.motion.faults import Faults
from despite_ros.motion.sensor_table import CAPACITY
from despite_ros.motion.settings import MotionSettings
from despite_ros.motion.wearers import Sensor, Wearer
from despite_ros.motion.windows import WearerWindows
from tests.motion.imu_messages import serialised_imu

MS = 1_000_000
WEARERS = (
    Wearer("alice", {"left_shank": Sensor("/a", time_offset=0.02), "right_forearm": Sensor("/b")}),
    Wearer("bob", {"left_forearm": Sensor("/c", heading=1.0)}),
)
LIMBS = [(wearer.name, limb) for wearer in WEARERS for limb in wearer.sensors]
SAMPLES = st.lists(
    st.tuples(
        st.integers(0, 2),  # sensor
        st.integers(0, 3000),  # stamp, ms: late and repeated ones, and jumps back
        st.sampled_from(
            ["fine"] * 6 + ["not finite", "no orientation", "not measured", "big-endian", "short"]
        ),
    ),
    max_size=60,
)


def windows() -> tuple[WearerWindows, Faults]:
    faults = Faults()
    return WearerWindows(WEARERS, MotionSettings(), faults), faults


def message(index: int, ms: int, state: str) -> bytes:
    rng = np.random.default_rng(index)
    turn = np.zeros(4) if state == "no orientation" else rng.normal(size=4)
    turn = turn / max(float(np.linalg.norm(turn)), 1e-9)
    force = np.full(3, np.nan) if state == "not finite" else rng.normal(size=3)
    numbers = [*turn.tolist(), *rng.normal(size=3).tolist(), *force.tolist()]
    measured = -1.0 if state == "not measured" else 0.0
    data = serialised_imu(ms * MS, "imu", numbers, measured, little=state != "big-endian")
    return data[:-8] if state == "short" else data


@settings(deadline=None)  # the kernels are compiled in the first example
@given(samples=SAMPLES, batch=st.integers(1, 20))
def test_many_at_once_are_as_one_by_one(samples: list[tuple[int, int, str]], batch: int) -> None:
    """In order of stamps within a batch or not, odd samples among them or not."""
    (together, faults), (single, expected) = windows(), windows()
    sensors = [sensor for sensor, _, _ in samples]
    messages = [message(index, ms, state) for index, (_, ms, state) in enumerate(samples)]
    for start in range(0, len(samples), batch):
        together.push(sensors[start : start + batch], messages[start : start + batch])
    short = 0
    for sensor, data in zip(sensors, messages, strict=True):
        try:
            single.sensor(*LIMBS[sensor]).push(*decode_imu(data))
        except UserError:
            short += 1
    assert faults.counts.pop("undecodable", 0) == short
    assert faults.counts == expected.counts
    for ms in (0, 500, 1500, 3020):
        np.testing.assert_array_equal(together.step(ms * MS), single.step(ms * MS))


def test_a_full_row_makes_room() -> None:
    found, _ = windows()
    for index in range(CAPACITY + 10):
        numbers = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, float(index), 0.0, 0.0]
        found.push([1], [serialised_imu(index * MS, "watch", numbers)])
    assert found.step((CAPACITY + 9) * MS).max() > CAPACITY - 100
