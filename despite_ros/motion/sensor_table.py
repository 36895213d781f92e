"""The recent samples of all IMUs side by side: one kernel takes in, or reads out, all of them at once."""

import numba
import numpy as np

from despite_ros.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from despite_ros.motion.imu import bone_at
from despite_ros.motion.rotations import matrices, yaw
from despite_ros.motion.wearers import Sensor

CAPACITY = 2048  # samples, 5 s at 400 Hz
COLUMNS = 10  # orientation xyzw (sensor → world), angular velocity, specific force
UNIT = 0.1  # a quaternion's length may be off by less, or it is no orientation


class SensorTable:
    """One row a sensor, S in all.

    counts: S, samples held. stamps: S×2048 ns, ascending in the first `counts`; columns: S×2048×10 alike.
    offsets: S ns, added to what a sensor's clock says. mounts: S×3×3, sensor frame in the bone's.
    headings: S×3×3, the IMU's world in the LiDAR's.
    """

    def __init__(self, sensors: int) -> None:
        self.counts = np.zeros(sensors, np.int64)
        self.stamps = np.zeros((sensors, CAPACITY), np.int64)
        self.columns = np.zeros((sensors, CAPACITY, COLUMNS))
        self.offsets = np.zeros(sensors, np.int64)
        self.mounts, self.headings = np.zeros((sensors, 3, 3)), np.zeros((sensors, 3, 3))

    def wear(self, row: int, sensor: Sensor) -> None:
        """Take on a sensor's mount, heading and time offset."""
        self.mounts[row] = matrices(np.asarray(sensor.mount))
        self.headings[row] = yaw(sensor.heading)
        self.offsets[row] = round(1e9 * sensor.time_offset)

    def push(self, rows: IntArray, stamps_ns: IntArray, samples: DoubleArray, plain: BoolArray) -> BoolArray:
        """Samples N×10 of the sensors `rows` N, in the order they came; N: which were taken in.

        Those of a sensor that are newer than all before, finite and with an orientation are, up to the first
        that is not, or not `plain`: that one and what follows it is for `SensorBuffer.push`.
        """
        taken: BoolArray = _push(
            rows, stamps_ns, samples, plain, self.counts, self.stamps, self.columns, self.offsets
        )
        return taken

    def read(self, stamp_ns: int, timeout_ns: int) -> tuple[BoolArray, FloatArray, FloatArray]:
        """At a stamp: S which sensors are there, S×3×3 bone → world, S×3 free accelerations.

        A sensor is there that has a sample at or before the stamp, not older than the time-out; for others
        all is zero.
        """
        present, rotations, accelerations = _read(
            stamp_ns, timeout_ns, self.counts, self.stamps, self.columns, self.mounts, self.headings
        )
        return present, rotations, accelerations


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _push(
    rows: IntArray,
    stamps_ns: IntArray,
    samples: DoubleArray,
    plain: BoolArray,
    counts: IntArray,
    stamps: IntArray,
    columns: DoubleArray,
    offsets: IntArray,
) -> BoolArray:
    taken = np.zeros(len(rows), np.bool_)
    odd = np.zeros(len(counts), np.bool_)
    for index in range(len(rows)):
        row, sample = rows[index], samples[index]
        stamp, count = stamps_ns[index] + offsets[row], counts[row]
        length = np.sqrt(np.sum(sample[:4] ** 2))
        fits = count < CAPACITY and (count == 0 or stamp > stamps[row, count - 1])
        sound = abs(length - 1.0) < UNIT and np.isfinite(np.sum(sample))
        odd[row] = odd[row] or not (plain[index] and fits and sound)
        if not odd[row]:
            stamps[row, count], columns[row, count] = stamp, sample
            counts[row] += 1
            taken[index] = True
    return taken


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _read(
    stamp_ns: int,
    timeout_ns: int,
    counts: IntArray,
    stamps: IntArray,
    columns: DoubleArray,
    mounts: DoubleArray,
    headings: DoubleArray,
) -> tuple[BoolArray, FloatArray, FloatArray]:
    present = np.zeros(len(counts), np.bool_)
    rotations = np.zeros((len(counts), 3, 3), np.float32)
    accelerations = np.zeros((len(counts), 3), np.float32)
    rotation, acceleration = np.empty((3, 3)), np.empty(3)
    for row in range(len(counts)):
        known, samples = stamps[row, : counts[row]], columns[row]
        newest = np.searchsorted(known, stamp_ns, side="right") - 1
        if newest < 0 or stamp_ns - known[newest] > timeout_ns:
            continue
        present[row] = True
        orientation, force = samples[:, :4], samples[:, 7:]
        bone_at(known, orientation, force, mounts[row], stamp_ns, newest, rotation, acceleration)
        for i in range(3):
            for k in range(3):
                accelerations[row, i] += headings[row, i, k] * acceleration[k]
                for j in range(3):
                    rotations[row, i, j] += headings[row, i, k] * rotation[k, j]
    return present, rotations, accelerations
