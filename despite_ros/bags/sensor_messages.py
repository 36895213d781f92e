"""Simulated measurements as ROS 2 messages (rosbags' types of Jazzy)."""

from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_typestore
from scipy.spatial.transform import Rotation

from despite_ros.arrays import AnyArray, DoubleArray
from despite_ros.simulation.imu import ImuSamples
from despite_ros.simulation.scene import Sweep

STORE = get_typestore(Stores.ROS2_JAZZY)
_TYPES = STORE.types
POINT = np.dtype(
    {
        "names": ["x", "y", "z", "intensity", "time", "ring"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "<f4", "<u2"],
        "offsets": [0, 4, 8, 12, 16, 20],
        "itemsize": 24,
    }
)
"""A point: metres; intensity of an even grey surface (no materials are simulated); seconds to the stamp."""
_DATATYPES = {"<f4": 7, "<u2": 4}  # sensor_msgs/PointField FLOAT32, UINT16
_COVARIANCES = {
    name: np.diag(np.full(3, deviation**2)).ravel()
    for name, deviation in (("orientation", 0.05), ("angular_velocity", 0.005), ("linear_acceleration", 0.05))
}


def point_records(sweep: Sweep) -> AnyArray:
    """The sweep's points as an array of N `POINT` records."""
    records = np.zeros(len(sweep.cloud), POINT)
    records["x"], records["y"], records["z"] = sweep.cloud.T
    squared = np.einsum("nc,nc->n", sweep.cloud, sweep.cloud)
    records["intensity"] = np.minimum(255, 1000 / np.maximum(squared, 1))
    records["time"], records["ring"] = sweep.times, sweep.rings
    return records


def cloud_message(sweep: Sweep, frame: str) -> Any:
    """A sensor_msgs/PointCloud2 stamped with the sweep's end."""
    fields = [
        _message("sensor_msgs/msg/PointField", name, int(entry[1]), _DATATYPES[entry[0].str], 1)
        for name, entry in (POINT.fields or {}).items()
    ]
    data = point_records(sweep).view(np.uint8)
    header, count = _header(sweep.stamp_ns, frame), len(sweep.cloud)
    return _message(
        "sensor_msgs/msg/PointCloud2", header, 1, count, fields, False, POINT.itemsize, len(data), data, True
    )


def imu_message(samples: ImuSamples, index: int, frame: str) -> Any:
    """A sensor_msgs/Imu (REP-145) of one sample."""
    orientation = samples.orientation[index].tolist()
    return _message(
        "sensor_msgs/msg/Imu",
        _header(int(samples.stamps_ns[index]), frame),
        _message("geometry_msgs/msg/Quaternion", *orientation),
        _COVARIANCES["orientation"],
        _message("geometry_msgs/msg/Vector3", *samples.angular_velocity[index].tolist()),
        _COVARIANCES["angular_velocity"],
        _message("geometry_msgs/msg/Vector3", *samples.specific_force[index].tolist()),
        _COVARIANCES["linear_acceleration"],
    )


def transform_message(stamp_ns: int, pose: DoubleArray, parent: str, child: str) -> Any:
    """A tf2_msgs/TFMessage with one transform: pose 4×4, child → parent."""
    translation = _message("geometry_msgs/msg/Vector3", *pose[:3, 3].tolist())
    rotation = _message(
        "geometry_msgs/msg/Quaternion", *Rotation.from_matrix(pose[:3, :3]).as_quat().tolist()
    )
    transform = _message("geometry_msgs/msg/Transform", translation, rotation)
    header = _header(stamp_ns, parent)
    return _message(
        "tf2_msgs/msg/TFMessage", [_message("geometry_msgs/msg/TransformStamped", header, child, transform)]
    )


def _header(stamp_ns: int, frame: str) -> Any:
    stamp = _message("builtin_interfaces/msg/Time", stamp_ns // 1_000_000_000, stamp_ns % 1_000_000_000)
    return _message("std_msgs/msg/Header", stamp, frame)


def _message(kind: str, *values: Any) -> Any:
    return _TYPES[kind](*values)
