"""sensor_msgs/Imu from its serialised bytes, many times as fast as through a message class.

CDR (OMG DDSI-RTPS 10.2): four bytes of encapsulation, the second of them 1 for little-endian; then the
fields, each aligned to its size counted from there: the header's stamp (int32, uint32) and frame (a
string with its length, its closing zero included), then 37 float64.
"""

import struct
from typing import NamedTuple

from despite_ros.errors import UserError

Numbers = tuple[float, ...]
PREFIX = 4  # bytes of encapsulation
NOT_MEASURED = -1.0  # orientation_covariance[0] of a sensor without orientation (sensor_msgs/Imu)
HEADERS = struct.Struct(">iII"), struct.Struct("<iII")
BODIES = tuple(struct.Struct(f"{order}5d64x3d72x3d") for order in "><")


class ImuSample(NamedTuple):
    """One sensor_msgs/Imu: xyzw sensor → world (None: not measured), rad/s, m/s² with gravity."""

    stamp_ns: int
    orientation: Numbers | None
    angular_velocity: Numbers
    linear_acceleration: Numbers


def decode_imu(data: bytes | memoryview) -> ImuSample:
    """A serialised sensor_msgs/Imu.

    Raises:
        UserError: too few bytes, or another encapsulation than plain CDR.
    """
    try:
        if data[0] != 0 or data[1] > 1:
            raise UserError(f"no sensor_msgs/Imu: encapsulation {data[0]:02x} {data[1]:02x} is not plain CDR")
        little = data[1]
        seconds, nanoseconds, length = HEADERS[little].unpack_from(data, PREFIX)
        body = PREFIX + (HEADERS[little].size + length + 7) // 8 * 8
        x, y, z, w, covariance, *rest = BODIES[little].unpack_from(data, body)
    except (struct.error, IndexError):
        raise UserError(f"no sensor_msgs/Imu: {len(data)} bytes are too few") from None
    orientation = None if covariance == NOT_MEASURED else (x, y, z, w)
    stamp_ns = seconds * 1_000_000_000 + nanoseconds
    return ImuSample(stamp_ns, orientation, tuple(rest[:3]), tuple(rest[3:]))
