"""Samples in any order and state."""

import numpy as np
import pytest

from despite_ros.motion.buffer import SensorBuffer
from despite_ros.motion.faults import Faults
from despite_ros.motion.imu import GRAVITY
from despite_ros.motion.rotations import yaw
from despite_ros.motion.sensor_table import CAPACITY, SensorTable
from despite_ros.motion.settings import MotionSettings
from despite_ros.motion.wearers import Sensor

UPRIGHT = (0.0, 0.0, 0.0, 1.0)
STILL = (0.0, 0.0, 0.0)
MS = 1_000_000
NAN = float("nan")


class OneSensor(SensorBuffer):
    """A buffer with a table of its own, and what that tells at a stamp."""

    def __init__(self, name: str, sensor: Sensor, faults: Faults) -> None:
        self.table = SensorTable(1)
        super().__init__(name, sensor, MotionSettings(), faults, self.table, 0)

    def present(self, stamp_ns: int) -> bool:
        return bool(self._read(stamp_ns)[0][0])

    def channels(self, stamp_ns: int) -> tuple[np.ndarray, np.ndarray]:
        _, rotations, accelerations = self._read(stamp_ns)
        return rotations[0], accelerations[0]

    def _read(self, stamp_ns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.table.read(stamp_ns, round(1e9 * MotionSettings().imu_timeout))


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def buffer(faults: Faults) -> OneSensor:
    return OneSensor("alice.left_shank", Sensor("/a"), faults)


def push(buffer: OneSensor, ms: int, x: float = 0.0) -> None:
    buffer.push(ms * MS, UPRIGHT, STILL, (x, 0.0, GRAVITY))


def test_order_of_arrival_does_not_matter(buffer: OneSensor, faults: Faults) -> None:
    other = OneSensor("b", Sensor("/b"), Faults())
    order = np.random.default_rng(0).permutation(40)
    for index in range(40):
        push(other, 10 * index, float(index))
        push(buffer, 10 * int(order[index]), float(order[index]))
    np.testing.assert_array_equal(buffer.channels(390 * MS)[1], other.channels(390 * MS)[1])
    assert faults.counts["imu_late"] > 0


def test_repeated_stamps_are_dropped(buffer: OneSensor, faults: Faults) -> None:
    push(buffer, 10, 1.0)
    push(buffer, 20, 2.0)
    push(buffer, 10, 99.0)
    push(buffer, 20, 99.0)
    assert buffer.channels(20 * MS)[1].max() < 3.0
    assert faults.counts["imu_repeated"] == 2


def test_not_finite_samples_are_dropped_and_said_once(buffer: OneSensor, faults: Faults) -> None:
    for ms in range(5):
        buffer.push(ms * MS, UPRIGHT, STILL, (NAN, 0.0, 0.0))
        buffer.push(ms * MS, UPRIGHT, (float("inf"), 0.0, 0.0), STILL)
    assert faults.counts["imu_not_finite"] == 10
    assert not buffer.present(10 * MS)
    assert len(faults.lines) == 1 and "alice.left_shank" in faults.lines[0]


def test_stamps_that_jump_back_start_anew(buffer: OneSensor, faults: Faults) -> None:
    push(buffer, 60_000, 5.0)
    push(buffer, 10, 1.0)
    assert faults.counts["imu_time_back"] == 1
    np.testing.assert_allclose(buffer.channels(10 * MS)[1], [1, 0, 0], atol=1e-6)


def test_one_sample_from_the_far_future_does_no_lasting_harm(buffer: OneSensor) -> None:
    push(buffer, 0)
    push(buffer, 3_600_000, 9.0)
    push(buffer, 10, 1.0)
    push(buffer, 20, 1.0)
    np.testing.assert_allclose(buffer.channels(20 * MS)[1], [1, 0, 0], atol=1e-6)


def test_a_silent_sensor_is_missing(buffer: OneSensor) -> None:
    push(buffer, 0)
    assert buffer.present(400 * MS)
    assert not buffer.present(600 * MS)
    assert not buffer.channels(600 * MS)[0].any()


def test_more_samples_than_room(buffer: OneSensor) -> None:
    for index in range(CAPACITY + 10):
        push(buffer, index, float(index))
    assert buffer.channels((CAPACITY + 9) * MS)[1][0] > CAPACITY - 100


def test_time_offset_and_heading(faults: Faults) -> None:
    sensor = Sensor("/a", time_offset=0.25, heading=0.5)
    buffer = OneSensor("a", sensor, faults)
    push(buffer, 0, 1.0)
    assert not buffer.present(249 * MS)
    rotation, acceleration = buffer.channels(250 * MS)
    np.testing.assert_allclose(rotation, yaw(0.5), atol=1e-6)
    np.testing.assert_allclose(acceleration, yaw(0.5)[:, 0], atol=1e-6)


@pytest.mark.parametrize("orientation", [None, (0.0, 0.0, 0.0, 0.0), (NAN, 0.0, 0.0, 1.0)])
def test_without_orientation_tilt_and_turning_are_fused(
    buffer: OneSensor, faults: Faults, orientation: tuple[float, ...] | None
) -> None:
    """The sensor lies on its side (its y up) and turns by one radian about the vertical."""
    for index in range(101):
        buffer.push(index * 10 * MS, orientation, (0.0, 1.0, 0.0), (0.0, GRAVITY, 0.0))
    rotation, acceleration = buffer.channels(1000 * MS)
    start, _ = buffer.channels(0)
    np.testing.assert_allclose(rotation @ [0, 1, 0], [0, 0, 1], atol=0.01)
    np.testing.assert_allclose(rotation @ start.T, yaw(1.0), atol=0.02)
    np.testing.assert_allclose(acceleration, 0.0, atol=0.05)
    assert faults.counts["imu_without_orientation"] == 101


@pytest.mark.parametrize(
    ("scale", "says"), [(0.0, "taken off already"), (1 / GRAVITY, "publish m/s²"), (1.2, "scale")]
)
def test_gravity_is_checked_at_rest(buffer: OneSensor, faults: Faults, scale: float, says: str) -> None:
    for ms in range(0, 1000, 10):
        buffer.push(ms * MS, UPRIGHT, STILL, (0.0, 0.0, scale * GRAVITY))
    buffer.check_gravity(1000 * MS)
    assert says in faults.lines[0]


def test_gravity_is_not_checked_in_motion_nor_complained_of_when_right(
    buffer: OneSensor, faults: Faults
) -> None:
    for ms in range(0, 1000, 10):
        push(buffer, ms)
        buffer.push(1000 * MS + ms * MS, UPRIGHT, (1.0, 0.0, 0.0), (0.0, 0.0, 15.0))
        buffer.check_gravity(1000 * MS)
    buffer.check_gravity(2000 * MS)
    assert not faults.counts["imu_gravity"]
