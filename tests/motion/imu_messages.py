"""Serialised sensor_msgs/Imu, by the rosbags library."""

from collections.abc import Sequence

import numpy as np
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)


def serialised_imu(
    stamp_ns: int, frame: str, numbers: Sequence[float], covariance: float = 0.0, little: bool = True
) -> bytes:
    """numbers: orientation, angular velocity, linear acceleration. covariance: the orientation's first."""
    kinds, rest = STORE.types, np.arange(9.0)
    vector = kinds["geometry_msgs/msg/Vector3"]
    time = kinds["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 1_000_000_000))
    message = kinds["sensor_msgs/msg/Imu"](
        kinds["std_msgs/msg/Header"](time, frame),
        kinds["geometry_msgs/msg/Quaternion"](*numbers[:4]),
        np.array([covariance, *rest[1:]]),
        vector(*numbers[4:7]),
        rest,
        vector(*numbers[7:]),
        rest,
    )
    return bytes(STORE.serialize_cdr(message, "sensor_msgs/msg/Imu", little_endian=little))
