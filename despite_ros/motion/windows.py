"""The sensors of all wearers, read out together at the stamps of the sweeps."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from despite_ros.arrays import BoolArray, FloatArray
from despite_ros.errors import UserError
from despite_ros.limbs import CHANNELS, FRAMES, LIMBS, pack_channels
from despite_ros.motion.buffer import SensorBuffer
from despite_ros.motion.calibration import calibrate
from despite_ros.motion.cdr import decode_imu, decode_imus
from despite_ros.motion.faults import Faults
from despite_ros.motion.sensor_table import SensorTable
from despite_ros.motion.settings import MotionSettings
from despite_ros.motion.wearers import Wearer


class WearerWindows:
    """For every wearer: 48 channels a frame, and whether its last 24 frames make a sound window."""

    def __init__(self, wearers: Sequence[Wearer], settings: MotionSettings, faults: Faults) -> None:
        places = [
            (index, limb, sensor)
            for index, wearer in enumerate(wearers)
            for limb, sensor in wearer.sensors.items()
        ]
        self._table = SensorTable(len(places))
        self._timeout_ns = round(1e9 * settings.imu_timeout)
        self._faults = faults
        self._sensors = {
            (index, limb): SensorBuffer(
                f"{wearers[index].name}.{limb}", sensor, settings, faults, self._table, row
            )
            for row, (index, limb, sensor) in enumerate(places)
        }
        self._places = (
            np.array([index for index, _, _ in places], np.int64),
            np.array([LIMBS.index(limb) for _, limb, _ in places], np.int64),
        )
        self._index = {wearer.name: index for index, wearer in enumerate(wearers)}
        self._moving = np.zeros((FRAMES, len(wearers)))
        self.clear_windows()

    def clear_windows(self) -> None:
        """Forget the windows, not the samples."""
        self.present = np.zeros((len(self._index), len(LIMBS)), np.bool_)
        self._same_for = np.zeros(len(self._index), np.int64)  # frames with the same sensors present
        self._frame = 0
        self._moving[:] = 0.0

    def sensor(self, wearer: str, limb: str) -> SensorBuffer:
        """The buffer of one sensor.

        Raises:
            UserError: no such wearer, or it has no sensor on that limb.
        """
        try:
            return self._sensors[self._index[wearer], limb]
        except KeyError:
            raise UserError(f"the wearers file has no sensor '{wearer}.{limb}'") from None

    def push(self, sensors: Sequence[int], messages: Sequence[bytes]) -> None:
        """Serialised sensor_msgs/Imu, in the order they came; what is none is dropped and counted.

        sensors: whose each is, counted wearer by wearer.
        """
        batch, rows = decode_imus(messages), np.array(sensors, np.int64)
        taken = self._table.push(rows, batch.stamps_ns, batch.numbers, batch.plain)
        buffers = list(self._sensors.values())
        for place in np.flatnonzero(~taken).tolist():  # what is odd in any way
            buffer = buffers[sensors[place]]
            try:
                buffer.push(*decode_imu(messages[place]))
            except UserError as error:
                self._faults.note("undecodable", buffer.sensor.topic, str(error))

    def calibrate(self, wearer: Wearer, pose: str, seconds: float) -> Wearer:
        """The wearer with mounts and headings from its last seconds, which count from now on.

        Raises:
            UserError: as `despite_ros.motion.calibration.calibrate`.
        """
        buffers = {limb: self.sensor(wearer.name, limb) for limb in wearer.sensors}
        rows = {limb: buffer.orientations(seconds) for limb, buffer in buffers.items()}
        calibrated = calibrate(wearer, {limb: found for limb, found in rows.items() if len(found)}, pose)
        for limb, buffer in buffers.items():
            buffer.wear(calibrated.sensors[limb])
        return calibrated

    def shift_clock(self, index: int, seconds: float) -> None:
        """Add to the time offset of all sensors of a wearer (its place in the list)."""
        for (wearer, _), buffer in self._sensors.items():
            if wearer == index:
                shifted = buffer.sensor.time_offset + seconds
                buffer.wear(replace(buffer.sensor, time_offset=shifted))

    def step(self, stamp_ns: int) -> FloatArray:
        """Advance all windows by the frame at `stamp_ns`: wearers×48, zeros for missing sensors."""
        count = len(self._index)
        rotations = np.zeros((count, len(LIMBS), 3, 3), np.float32)
        accelerations = np.zeros((count, len(LIMBS), 3), np.float32)
        present = np.zeros_like(self.present)
        found = self._table.read(stamp_ns, self._timeout_ns)
        present[self._places], rotations[self._places], accelerations[self._places] = found
        for row, buffer in enumerate(self._sensors.values()):
            if (self._frame + row) % FRAMES == 0:
                buffer.check_gravity(stamp_ns)
        same = (present == self.present).all(axis=1) & present.any(axis=1)
        self._same_for = np.where(same, self._same_for + 1, present.any(axis=1).astype(np.int64))
        self.present = present
        sensors = np.maximum(present.sum(axis=1), 1)
        self._moving[self._frame % FRAMES] = (accelerations**2).sum(axis=(1, 2)) / sensors
        self._frame += 1
        return pack_channels(rotations, accelerations).reshape(count, CHANNELS)

    @property
    def full(self) -> BoolArray:
        """Per wearer: whether the same sensors were there in all of the last 24 frames."""
        return np.asarray(self._same_for >= FRAMES, np.bool_)

    @property
    def motion(self) -> FloatArray:
        """Per wearer: root mean square free acceleration of its limbs over the window, m/s²."""
        return np.asarray(np.sqrt(self._moving.mean(axis=0)), np.float32)
