"""Serialised sensor_msgs/Imu against the rosbags library."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despite_ros.errors import UserError
from despite_ros.motion.cdr import decode_imu, decode_imus
from tests.motion.imu_messages import serialised_imu

NUMBER = st.floats(-1e3, 1e3)


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
    data = serialised_imu(stamp_ns, frame, numbers, 0.1 if measured else -1.0, little)
    sample = decode_imu(data)
    assert sample.stamp_ns == stamp_ns
    assert sample.orientation == (tuple(numbers[:4]) if measured else None)
    assert sample.angular_velocity == tuple(numbers[4:7])
    assert sample.linear_acceleration == tuple(numbers[7:])


def test_many_are_read_as_one_by_one() -> None:
    """Of two topics; the odd ones between them are left: big-endian, unmeasured, cut short, too long."""
    rng = np.random.default_rng(0)

    def data(frame: str, covariance: float = 0.0, little: bool = True) -> bytes:
        return serialised_imu(
            int(rng.integers(2**60)), frame, rng.normal(size=10).tolist(), covariance, little
        )

    plain = [data(frame) for frame in ("watch", "left shank of alice", "", "watch")]
    odd = [data("watch", little=False), data("", -1.0), plain[0][:-8], plain[1] + bytes(8), b"", b"\0\1"]
    found = decode_imus([*plain[:2], *odd, *plain[2:]])
    assert found.plain.tolist() == [True] * 2 + [False] * len(odd) + [True] * 2
    for message, stamp_ns, numbers in zip(
        plain, found.stamps_ns[found.plain], found.numbers[found.plain], strict=True
    ):
        sample = decode_imu(message)
        assert sample.orientation is not None
        assert stamp_ns == sample.stamp_ns
        assert tuple(numbers) == (
            *sample.orientation,
            *sample.angular_velocity,
            *sample.linear_acceleration,
        )


def test_none_at_all_are_read() -> None:
    assert not len(decode_imus([]).plain)


def test_what_is_no_imu_is_refused() -> None:
    data = serialised_imu(5, "shank", [0.0] * 10)
    for damaged in (b"", data[:3], data[:20], data[:200], b"\x00\x01" + b"\xff" * 400):
        with pytest.raises(UserError, match="too few"):
            decode_imu(damaged)
    with pytest.raises(UserError, match="encapsulation 00 03"):
        decode_imu(b"\x00\x03" + data[2:])
