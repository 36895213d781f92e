"""The recent samples of one IMU, in order, whatever order and state they arrive in."""

import math
from collections.abc import Sequence

import numpy as np

from despite_ros.arrays import DoubleArray
from despite_ros.motion.faults import Faults
from despite_ros.motion.imu import GRAVITY
from despite_ros.motion.orientation import OrientationFilter
from despite_ros.motion.sensor_table import CAPACITY, UNIT, SensorTable
from despite_ros.motion.settings import MotionSettings
from despite_ros.motion.wearers import Sensor

REST_NS = 1_000_000_000  # gravity is checked over one second


class SensorBuffer:
    """Takes samples as they come and keeps them in its row of the table of all sensors.

    Samples that repeat a stamp or hold NaN are dropped; late ones are put in their place; stamps that
    jump back start the buffer anew. All of it is counted in `faults`.
    """

    def __init__(
        self,
        name: str,
        sensor: Sensor,
        settings: MotionSettings,
        faults: Faults,
        table: SensorTable,
        row: int,
    ) -> None:
        self.name = name
        self._settings = settings
        self._faults = faults
        self._table, self._row = table, row
        self._stamps, self._samples = table.stamps[row], table.columns[row]
        self.wear(sensor)
        self.clear()

    def wear(self, sensor: Sensor) -> None:
        """Take on a sensor's mount, heading and time offset, from the next sample and frame on."""
        self.sensor = sensor
        self._table.wear(self._row, sensor)

    def clear(self) -> None:
        """Forget all samples."""
        self._count = 0
        self._fusion = OrientationFilter(self._settings.fusion_gain)

    @property
    def _count(self) -> int:
        return int(self._table.counts[self._row])

    @_count.setter
    def _count(self, count: int) -> None:
        self._table.counts[self._row] = count

    def push(
        self,
        stamp_ns: int,
        orientation: Sequence[float] | None,
        angular_velocity: Sequence[float],
        specific_force: Sequence[float],
    ) -> None:
        """One sample: xyzw sensor → world (None: not measured), rad/s and m/s² in the sensor's frame."""
        stamp_ns += int(self._table.offsets[self._row])
        if not math.isfinite(sum(angular_velocity) + sum(specific_force)):
            self._note("imu_not_finite", "NaN or infinite rate or acceleration; the sample is dropped")
            return
        newest = int(self._stamps[self._count - 1]) if self._count else stamp_ns - 1
        if stamp_ns < newest - round(1e9 * self._settings.time_jump):
            self._note("imu_time_back", "stamps jumped back; the sensor's buffer starts anew")
            self.clear()
            newest = stamp_ns - 1
        if orientation is None or not _is_rotation(orientation):
            self._note(
                "imu_without_orientation",
                "no valid orientation; gyroscope and accelerometer are fused, heading is unknown and drifts",
            )
            if stamp_ns <= newest:
                self._note("imu_late", "late or repeated sample without orientation; it is dropped")
                return
            orientation = self._fusion.update(stamp_ns, angular_velocity, specific_force)
        self._insert(stamp_ns, newest, (*orientation, *angular_velocity, *specific_force))

    def orientations(self, seconds: float) -> DoubleArray:
        """The last seconds' orientations N×4 xyzw, sensor → IMU world."""
        if not self._count:
            return np.zeros((0, 4))
        start = self._end(self._stamps[self._count - 1] - round(1e9 * seconds))
        found: DoubleArray = self._samples[start : self._count, :4].copy()
        return found

    def check_gravity(self, stamp_ns: int) -> None:
        """Warn if the sensor, resting over the last second, does not measure 9.81 m/s²."""
        start, end = self._end(stamp_ns - REST_NS), self._end(stamp_ns)
        rows = self._samples[start:end]
        if len(rows) < 5 or np.linalg.norm(rows[:, 4:7], axis=1).max() > self._settings.rest_rate:
            return
        measured = float(np.linalg.norm(rows[:, 7:].mean(axis=0)))
        if abs(measured - GRAVITY) > self._settings.gravity_tolerance:
            self._note("imu_gravity", f"{measured:.2f} m/s² at rest, expected 9.81; {_remedy(measured)}")

    def _end(self, stamp_ns: int) -> int:
        """Number of samples at or before `stamp_ns`."""
        return int(np.searchsorted(self._stamps[: self._count], stamp_ns, side="right"))

    def _insert(self, stamp_ns: int, newest: int, sample: tuple[float, ...]) -> None:
        stamps, samples, place = self._stamps, self._samples, self._count
        if place == CAPACITY:
            place = self._count = CAPACITY // 2
            stamps[:place], samples[:place] = stamps[place:], samples[place:]
        if stamp_ns <= newest:
            place = self._end(stamp_ns)
            if place and stamps[place - 1] == stamp_ns:
                self._note("imu_repeated", "repeated stamp; the sample is dropped")
                return
            self._note("imu_late", "samples out of order; they are put in their place")
            stamps[place + 1 : self._count + 1] = stamps[place : self._count].copy()
            samples[place + 1 : self._count + 1] = samples[place : self._count].copy()
        stamps[place], samples[place] = stamp_ns, sample
        self._count += 1

    def _note(self, kind: str, line: str) -> None:
        self._faults.note(kind, self.name, line)


def _is_rotation(orientation: Sequence[float]) -> bool:
    """Whether a quaternion is finite and of length about 1."""
    norm = math.hypot(*orientation)
    return math.isfinite(norm) and abs(norm - 1.0) < UNIT


def _remedy(measured: float) -> str:
    if measured < 0.5:
        return "gravity seems to be taken off already; publish the raw specific force"
    if abs(measured - 1.0) < 0.1:
        return "this looks like g; publish m/s²"
    return "check the sensor's scale"
