"""Serialised sensor_msgs/Imu against the rosbags library."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.typesys import Stores, get_typestore

from despite_ros.errors import UserError
from despite_ros.motion.cdr import decode_imu

STORE = get_typestore(Stores.ROS2_JAZZY)
NUMBER = st.floats(-1e3, 1e3)


def imu(stamp_ns: int, frame: str, numbers: list[float], covariance: float) -> Any:
    def make(kind: str, *values: Any) -> Any:
        return STORE.types[kind](*values)

    rest = np.arange(9.0)
    first = np.array([covariance, *rest[1:]])
    time = make("builtin_interfaces/msg/Time", *divmod(stamp_ns, 1_000_000_000))
    return make(
        "sensor_msgs/msg/Imu",
        make("std_msgs/msg/Header", time, frame),
        make("geometry_msgs/msg/Quaternion", *numbers[:4]),
        first,
        make("geometry_msgs/msg/Vector3", *numbers[4:7]),
        rest,
        make("geometry_msgs/msg/Vector3", *numbers[7:]),
        rest,
    )


@given(
    stamp_ns=st.integers(0, 2**31 * 10**9 - 1),
    frame=st.text(max_size=20).filter(lambda text: "\0" not in text),
    numbers=st.lists(NUMBER, min_size=10, max_size=10),
    measured=st.booleans(),
    little=st.booleans(),
)
def test_any_imu_is_read_as_it_was_written(
    stamp_ns: int, frame: str, numbers: list[float], measured: bool, little: bool
) -> None:
    message = imu(stamp_ns, frame, numbers, 0.1 if measured else -1.0)
    data = bytes(STORE.serialize_cdr(message, "sensor_msgs/msg/Imu", little_endian=little))
    sample = decode_imu(data)
    assert sample.stamp_ns == stamp_ns
    assert sample.orientation == (tuple(numbers[:4]) if measured else None)
    assert sample.angular_velocity == tuple(numbers[4:7])
    assert sample.linear_acceleration == tuple(numbers[7:])


def test_what_is_no_imu_is_refused() -> None:
    data = bytes(STORE.serialize_cdr(imu(5, "shank", [0.0] * 10, 0.0), "sensor_msgs/msg/Imu"))
    for damaged in (b"", data[:3], data[:20], data[:200], b"\x00\x01" + b"\xff" * 400):
        with pytest.raises(UserError, match="too few"):
            decode_imu(damaged)
    with pytest.raises(UserError, match="encapsulation 00 03"):
        decode_imu(b"\x00\x03" + data[2:])
