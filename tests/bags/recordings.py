"""Small recordings of one cloud topic and one IMU topic for the tests."""

from pathlib import Path

import numpy as np
from rosbags.rosbag1 import Writer as Rosbag1Writer
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

POINT_CLOUD, IMU = "sensor_msgs/msg/PointCloud2", "sensor_msgs/msg/Imu"
STEP_NS = 100_000_000


def cloud_message(store: Typestore, stamp_ns: int, points: int = 100, ros1: bool = False) -> object:
    kinds = store.types
    field = kinds["sensor_msgs/msg/PointField"]
    fields = [field(name, 4 * i, 7, 1) for i, name in enumerate("xyz")]
    data = np.ones((points, 3), np.float32).view(np.uint8).reshape(-1)
    header = _header(store, stamp_ns, "lidar", ros1)
    return kinds[POINT_CLOUD](header, 1, points, fields, False, 12, 12 * points, data, True)


def imu_message(store: Typestore, stamp_ns: int, ros1: bool = False) -> object:
    kinds = store.types
    vector, quaternion = kinds["geometry_msgs/msg/Vector3"], kinds["geometry_msgs/msg/Quaternion"]
    header = _header(store, stamp_ns, "imu", ros1)
    none = np.zeros(9)
    return kinds[IMU](header, quaternion(0, 0, 0, 1), none, vector(0, 0, 0), none, vector(0, 0, 9.81), none)


def _header(store: Typestore, stamp_ns: int, frame: str, ros1: bool) -> object:
    time = store.types["builtin_interfaces/msg/Time"](stamp_ns // 10**9, stamp_ns % 10**9)
    kind = store.types["std_msgs/msg/Header"]
    return kind(0, time, frame) if ros1 else kind(time, frame)


def write_ros2(path: Path, sweeps: int = 10, plugin: StoragePlugin = StoragePlugin.MCAP) -> Path:
    """A bag folder: one cloud and two IMU samples every 100 ms."""
    store = get_typestore(Stores.ROS2_JAZZY)
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        clouds = writer.add_connection("/lidar/points", POINT_CLOUD, typestore=store)
        imus = writer.add_connection("/alice/left_forearm/imu", IMU, typestore=store)
        for i in range(sweeps):
            stamp = i * STEP_NS
            for late in (20_000_000, 70_000_000):
                message = imu_message(store, stamp + late)
                writer.write(imus, stamp + late, store.serialize_cdr(message, IMU))
            message = cloud_message(store, stamp + STEP_NS)
            writer.write(clouds, stamp + STEP_NS, store.serialize_cdr(message, POINT_CLOUD))
    return path


def write_ros1(path: Path, sweeps: int = 10) -> Path:
    """The same as a ROS 1 bag."""
    store = get_typestore(Stores.ROS1_NOETIC)
    with Rosbag1Writer(path) as writer:
        clouds = writer.add_connection("/lidar/points", POINT_CLOUD, typestore=store)
        for i in range(sweeps):
            message = cloud_message(store, i * STEP_NS, ros1=True)
            writer.write(clouds, i * STEP_NS, store.serialize_ros1(message, POINT_CLOUD))
    return path
