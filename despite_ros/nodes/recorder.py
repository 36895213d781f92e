"""The recorder node: inputs and results as they were on the wire → a bag (MCAP), without rosbag2."""

import time
from collections.abc import Callable
from pathlib import Path

from despite_msgs.msg import ActivityArray, ImuAssignmentArray, PersonArray
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosbags.rosbag2 import StoragePlugin, Writer, WriterError
from rosbags.typesys.store import Typestore
from sensor_msgs.msg import Imu, PointCloud2
from tf2_msgs.msg import TFMessage

from despite_ros.errors import UserError
from despite_ros.motion.wearers import load_wearers
from despite_ros.nodes import qos
from despite_ros.nodes.definitions import type_name, typestore
from despite_ros.nodes.parameters import declare_settings
from despite_ros.nodes.settings import NodeSettings


class RecorderNode(Node):
    """Writes what it hears, undecoded, stamped with the time of arrival."""

    def __init__(self) -> None:
        super().__init__("recorder", automatically_declare_parameters_from_overrides=True)
        settings = declare_settings(self, ("nodes.",)).nodes
        if not settings.recording:
            raise UserError("nodes.recording: give the folder of a new recording")
        try:
            self._writer = Writer(Path(settings.recording), version=9, storage_plugin=StoragePlugin.MCAP)
            self._writer.open()
        except (WriterError, OSError) as error:
            raise UserError(f"nodes.recording: {error}; name a folder that does not exist yet") from error
        store = typestore()
        for topic, kind, profile in _topics(settings):
            self.create_subscription(kind, topic, self._taker(topic, kind, store), profile, raw=True)
        self.get_logger().info(f"recording into {settings.recording}")

    def close(self) -> None:
        """Finish the file; call after shutdown, before `destroy_node`."""
        self._writer.close()

    def _taker(self, topic: str, kind: type, store: Typestore) -> Callable[[bytes], None]:
        name = self.resolve_topic_name(topic)
        connection = self._writer.add_connection(name, type_name(kind), typestore=store)
        return lambda data: self._writer.write(connection, time.time_ns(), data)


def _topics(settings: NodeSettings) -> list[tuple[str, type, QoSProfile]]:
    """What is recorded: (topic, type, quality of service)."""
    wearers = load_wearers(settings.wearers) if settings.wearers else ()
    return [
        *((topic, PointCloud2, qos.CLOUD) for topic in settings.lidar_topics),
        *((sensor.topic, Imu, qos.IMU) for wearer in wearers for sensor in wearer.sensors.values()),
        ("despite/people", PersonArray, qos.KEPT_RESULTS),
        ("despite/assignments", ImuAssignmentArray, qos.KEPT_RESULTS),
        ("despite/activities", ActivityArray, qos.KEPT_RESULTS),
        ("/diagnostics", DiagnosticArray, qos.RESULTS),
        ("/tf", TFMessage, qos.TRANSFORMS),
        ("/tf_static", TFMessage, qos.STATIC_TRANSFORMS),
    ]
