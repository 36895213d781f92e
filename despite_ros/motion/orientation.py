"""Orientation for sensors that deliver none: gyroscope and accelerometer fused by the `ahrs` library."""

from collections.abc import Sequence

import numpy as np
from ahrs.common.orientation import acc2q
from ahrs.filters import Madgwick

from despite_ros.arrays import DoubleArray

LONGEST_STEP = 0.25  # s; after a longer gap the tilt is taken from the accelerometer again


class OrientationFilter:
    """Madgwick's filter over one sensor's samples. Heading starts at 0 and drifts: there is no compass."""

    def __init__(self, gain: float) -> None:
        self._filter = Madgwick(gain_imu=gain)
        self._state: DoubleArray | None = None  # wxyz, sensor → world
        self._stamp_ns = 0

    def update(
        self, stamp_ns: int, angular_velocity: Sequence[float], specific_force: Sequence[float]
    ) -> tuple[float, float, float, float]:
        """Angular velocity (rad/s) and specific force (m/s²), sensor frame → orientation xyzw."""
        rates, force = np.asarray(angular_velocity, float), np.asarray(specific_force, float)
        step = 1e-9 * (stamp_ns - self._stamp_ns)
        if self._state is None or not 0.0 < step <= LONGEST_STEP:
            self._state = np.asarray(acc2q(force), float)
        else:
            self._state = self._filter.updateIMU(self._state, rates, force, dt=step)
        self._stamp_ns = stamp_ns
        w, x, y, z = (float(value) for value in self._state)
        return (x, y, z, w)
