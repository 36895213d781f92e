"""sensor_msgs/Imu from its serialised bytes, many times as fast as through a message class.

CDR (OMG DDSI-RTPS 10.2): four bytes of encapsulation, the second of them 1 for little-endian; then the
fields, each aligned to its size counted from there: the header's stamp (int32, uint32) and frame (a
string with its length, its closing zero included), then 37 float64.
"""

import struct
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from despite_ros.arrays import BoolArray, DoubleArray, IntArray
from despite_ros.errors import UserError

Numbers = tuple[float, ...]
PREFIX = 4  # bytes of encapsulation
NOT_MEASURED = -1.0  # orientation_covariance[0] of a sensor without orientation (sensor_msgs/Imu)
HEADERS = struct.Struct(">iII"), struct.Struct("<iII")
BODY = 37 * 8  # bytes
NUMBERS = np.r_[0:4, 13:16, 25:28]  # of a body's: orientation, angular velocity, linear acceleration
COVARIANCE = 4  # the first of the orientation's
LITTLE_ENDIAN = 0x0100  # the encapsulation's first two bytes, read as little-endian
BODIES = tuple(struct.Struct(f"{order}5d64x3d72x3d") for order in "><")


class ImuSample(NamedTuple):
    """One sensor_msgs/Imu: xyzw sensor → world (None: not measured), rad/s, m/s² with gravity."""

    stamp_ns: int
    orientation: Numbers | None
    angular_velocity: Numbers
    linear_acceleration: Numbers


class ImuBatch(NamedTuple):
    """N samples. plain: N, which were read. stamps_ns: N. numbers: N×10, the columns of a `SensorTable`."""

    plain: BoolArray
    stamps_ns: IntArray
    numbers: DoubleArray


def decode_imus(messages: Sequence[bytes]) -> ImuBatch:
    """Many serialised sensor_msgs/Imu at once: those that are whole, little-endian and have an orientation.

    The others are for `decode_imu`; their rows here mean nothing.
    """
    count = len(messages)
    found = ImuBatch(np.zeros(count, np.bool_), np.zeros(count, np.int64), np.zeros((count, 10)))
    lengths = defaultdict[int, list[int]](list)
    for place, data in enumerate(messages):
        lengths[len(data)].append(place)
    for length, places in lengths.items():
        start = length - BODY  # a message that is whole has nothing after its body
        if start < PREFIX + HEADERS[1].size:
            continue
        block = np.frombuffer(b"".join(messages[place] for place in places), np.uint8).reshape(-1, length)
        head = block[:, : PREFIX + HEADERS[1].size].copy().view("<i4").astype(np.int64)
        body = block[:, start:].copy().view("<f8")
        text_end = HEADERS[1].size + head[:, 3]
        whole = ((head[:, 0] & 0xFFFF) == LITTLE_ENDIAN) & (PREFIX + (text_end + 7) // 8 * 8 == start)
        found.plain[places] = whole & (body[:, COVARIANCE] != NOT_MEASURED)
        found.stamps_ns[places] = head[:, 1] * 1_000_000_000 + head[:, 2]
        found.numbers[places] = body[:, NUMBERS]
    return found


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
