"""A recorded message, and the message types that the pipeline reads."""

from dataclasses import dataclass
from typing import Any

from despite_ros.motion.cdr import decode_imu

POINT_CLOUD = "sensor_msgs/msg/PointCloud2"
IMU = "sensor_msgs/msg/Imu"
TRANSFORMS = "tf2_msgs/msg/TFMessage"


@dataclass(frozen=True, slots=True)
class BagMessage:
    """A message and when it was recorded (nanoseconds).

    content: rosbags' dataclass of the type; of sensor_msgs/Imu, of which there are many, the serialised bytes
    (CDR), which are decoded by the batch.
    """

    topic: str
    type: str
    recorded_ns: int
    content: Any

    @property
    def stamp_ns(self) -> int:
        """The header's stamp."""
        if isinstance(self.content, bytes):
            return decode_imu(self.content).stamp_ns
        stamp = self.content.header.stamp
        return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
