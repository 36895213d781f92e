"""Which sensor topics there are, and what comes from them."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Imu, PointCloud2

from despite_ros.nodes.dds import prepare_dds
from despite_ros.nodes.ending import end_ros
from despite_ros.nodes.qos import CLOUD, IMU

KINDS = {"sensor_msgs/msg/PointCloud2": (PointCloud2, CLOUD), "sensor_msgs/msg/Imu": (Imu, IMU)}
DISCOVERY_S = 5.0  # without any topic by then, there are none
SPIN_S = 0.05


@dataclass(frozen=True)
class SensorTopic:
    """One topic. rate: messages a second that came here; reliability: what the publishers offer."""

    name: str
    kind: str
    publishers: int
    reliability: str
    rate: float


def sensor_topics(seconds: float) -> list[SensorTopic]:
    """All PointCloud2 and Imu topics, listened to for `seconds` after the first was found."""
    prepare_dds()
    rclpy.init(args=[])
    node = rclpy.create_node("doctor")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    listener = _Listener(node)
    try:
        deadline = time.monotonic() + DISCOVERY_S
        while not listener.since and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=SPIN_S)
            listener.look()
        deadline = time.monotonic() + (seconds if listener.since else 0.0)
        while time.monotonic() < deadline:
            executor.spin_once(timeout_sec=SPIN_S)
            listener.look()
        return listener.topics()
    finally:
        end_ros()
        node.destroy_node()


class _Listener:
    """Subscribes to sensor topics as they are discovered, and counts.

    since: {topic: (type, when it was subscribed to)}.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._counts: Counter[str] = Counter()
        self.since: dict[str, tuple[str, float]] = {}

    def look(self) -> None:
        """Subscribe to what is new."""
        for name, (kind, *_) in self._node.get_topic_names_and_types():
            if kind in KINDS and name not in self.since:
                message, profile = KINDS[kind]
                self.since[name] = kind, time.monotonic()
                self._node.create_subscription(message, name, self._counter(name), profile, raw=True)

    def topics(self) -> list[SensorTopic]:
        """What was found, by name."""
        return [self._topic(name, *since) for name, since in sorted(self.since.items())]

    def _counter(self, name: str) -> Callable[[bytes], None]:
        return lambda _: self._counts.update([name])

    def _topic(self, name: str, kind: str, since: float) -> SensorTopic:
        offers = self._node.get_publishers_info_by_topic(name)
        policies = {ReliabilityPolicy(offer.qos_profile.reliability).name.lower() for offer in offers}
        rate = self._counts[name] / (time.monotonic() - since)
        return SensorTopic(name, kind, len(offers), " and ".join(sorted(policies)), rate)
