"""Which sensor topics there are, and what comes from them."""

import time
from collections import Counter
from dataclasses import dataclass

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Imu, PointCloud2

from despite_ros.nodes.dds import prepare_dds
from despite_ros.nodes.qos import CLOUD, IMU

KINDS = {"sensor_msgs/msg/PointCloud2": (PointCloud2, CLOUD), "sensor_msgs/msg/Imu": (Imu, IMU)}
DISCOVERY_S = 1.0


@dataclass(frozen=True)
class SensorTopic:
    """One topic. rate: messages a second that came here; reliability: what the publishers offer."""

    name: str
    kind: str
    publishers: int
    reliability: str
    rate: float


def sensor_topics(seconds: float) -> list[SensorTopic]:
    """All PointCloud2 and Imu topics, listened to for `seconds`."""
    prepare_dds()
    rclpy.init(args=[])
    node = rclpy.create_node("doctor")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    counts: Counter[str] = Counter()
    try:
        _spin(executor, DISCOVERY_S)
        found = [(name, kinds[0]) for name, kinds in node.get_topic_names_and_types() if kinds[0] in KINDS]
        for name, kind in found:
            message, profile = KINDS[kind]
            node.create_subscription(
                message, name, lambda _, name=name: counts.update([name]), profile, raw=True
            )
        _spin(executor, seconds)
        topics = []
        for name, kind in found:
            offers = node.get_publishers_info_by_topic(name)
            policies = {ReliabilityPolicy(offer.qos_profile.reliability).name.lower() for offer in offers}
            rate = counts[name] / seconds
            topics.append(SensorTopic(name, kind, len(offers), " and ".join(sorted(policies)), rate))
        return topics
    finally:
        rclpy.try_shutdown()
        node.destroy_node()


def _spin(executor: SingleThreadedExecutor, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        executor.spin_once(timeout_sec=0.05)
