"""What the live nodes see and find, drawn in 3-D: the node behind `despite view live`."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

from despite_ros.bags.view import Viewer
from despite_ros.errors import UserError
from despite_ros.nodes import qos
from despite_ros.nodes.dds import prepare_dds
from despite_ros.nodes.ending import end_ros
from despite_ros.nodes.gathering import Gathering
from despite_ros.nodes.messages import stamp_of
from despite_ros.nodes.transforms import TransformListener
from despite_ros.people.clouds import decode_message
from despite_ros.records import PeopleFrame, ReidFrame
from despite_ros.transforms import TransformError

LOOK_S = 0.5  # how often new cloud topics are looked for
STOP_S = 0.1


class ViewNode(Node):
    """Draws clouds and, once the nodes find them, people.

    topics: PointCloud2 topics; empty for all there are. sweeps: how many were drawn with their people.
    """

    def __init__(self, viewer: Viewer, topics: Sequence[str]) -> None:
        super().__init__("view")
        self.sweeps = 0
        self._viewer, self._wanted = viewer, topics
        self._frame_id, self._newest_ns = "", 0
        self._drawn: set[str] = set()
        self._transforms = TransformListener(self, self._complain)
        Gathering(self, self._people)
        self._look()
        self.create_timer(LOOK_S, self._look)

    def _look(self) -> None:
        """Subscribe to the cloud topics that are new."""
        there = [n for n, kinds in self.get_topic_names_and_types() if "sensor_msgs/msg/PointCloud2" in kinds]
        for topic in set(self._wanted or there) - self._drawn:
            self._drawn.add(topic)
            self.create_subscription(PointCloud2, topic, self._taker(topic), qos.CLOUD)
            self.get_logger().info(f"drawing {topic}")

    def _taker(self, topic: str) -> Callable[[PointCloud2], None]:
        return lambda cloud: self._cloud(topic, cloud)

    def _cloud(self, topic: str, cloud: PointCloud2) -> None:
        stamp_ns, frame_id = stamp_of(cloud.header), cloud.header.frame_id
        try:
            points = decode_message(cloud)
            pose = None
            if self._frame_id not in ("", frame_id):
                pose = self._transforms.lookup(self._frame_id, frame_id, stamp_ns)
        except (UserError, TransformError) as error:
            self._complain(topic, f"{error}; the cloud is not drawn")
            return
        self._viewer.cloud(points, stamp_ns, pose, topic)

    def _people(self, people: PeopleFrame, reid: ReidFrame) -> None:
        if people.stamp_ns < self._newest_ns:
            self._viewer.forget_trails()
        self._frame_id, self._newest_ns = people.frame_id, people.stamp_ns
        self._viewer.people(people, reid)
        self.sweeps += 1

    def _complain(self, where: str, line: str) -> None:
        self.get_logger().warning(f"{where}: {line}", throttle_duration_sec=5.0)


def view_live(viewer: Viewer, topics: Sequence[str], seconds: float) -> int:
    """Draw until Ctrl-C, or for `seconds` (0: without end); how many sweeps were drawn with people."""
    prepare_dds()
    rclpy.init(args=[])
    node = ViewNode(viewer, topics)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    end = time.monotonic() + seconds
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        while not seconds or time.monotonic() < end:
            executor.spin_once(timeout_sec=STOP_S)
    end_ros()
    node.destroy_node()
    return node.sweeps
