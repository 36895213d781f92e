"""PointCloud2 topics and another detector's boxes: one subscription each, put together by stamp."""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import PointCloud2

from despite_ros.errors import UserError
from despite_ros.nodes.monitor import Monitor
from despite_ros.nodes.qos import CLOUD, CLOUD_RELIABLE, DETECTIONS, watch_offers
from despite_ros.nodes.settings import NodeSettings

RELIABILITIES = ("auto", "best_effort", "reliable")
ADAPT_S = 0.5  # how often the offers of publishers are looked at
QUEUE = 10  # messages of each topic that wait for their partners


class CloudSubscription:
    """One LiDAR topic, subscribed reliably where that is asked for or, in `auto`, offered by all."""

    def __init__(
        self,
        node: Node,
        topic: str,
        reliability: str,
        monitor: Monitor,
        callback: Callable[[PointCloud2], None],
    ) -> None:
        self._node, self._topic, self._monitor, self._callback = node, topic, monitor, callback
        self._subscribe(reliability == "reliable")
        if reliability == "auto":
            node.create_timer(ADAPT_S, self._adapt, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _subscribe(self, reliable: bool) -> None:
        self._reliable = reliable
        self._subscription = self._node.create_subscription(
            PointCloud2,
            self._topic,
            self._take,
            CLOUD_RELIABLE if reliable else CLOUD,
            event_callbacks=watch_offers(
                lambda line: self._monitor.fault("incompatible_qos", self._topic, line)
            ),
        )

    def _take(self, cloud: PointCloud2) -> None:
        self._monitor.received(self._topic)
        self._callback(cloud)

    def _adapt(self) -> None:
        offers = self._node.get_publishers_info_by_topic(self._topic)
        reliable = [offer.qos_profile.reliability == ReliabilityPolicy.RELIABLE for offer in offers]
        if offers and all(reliable) != self._reliable:
            self._node.destroy_subscription(self._subscription)
            self._subscribe(all(reliable))


class CloudInputs:
    """All LiDAR topics, and another detector's boxes where settings name a topic of such.

    Hands on tuples of messages that belong together: clouds in the order of the topics, then the boxes.
    What is silent is left out.
    """

    def __init__(
        self,
        node: Node,
        settings: NodeSettings,
        monitor: Monitor,
        callback: Callable[[tuple[Any, ...]], None],
    ) -> None:
        self._lidars, self._topics = settings.lidar_topics, input_topics(settings)
        self._filters = importlib.import_module("message_filters") if len(self._topics) > 1 else None
        self._slop, self._monitor, self._callback = settings.lidar_slop, monitor, callback
        self._live: tuple[str, ...] = ()
        self._queues: dict[str, Any] = {}
        for topic in self._topics:
            monitor.watch(topic, settings.lidar_timeout)
        self.subscriptions = [
            CloudSubscription(node, topic, settings.lidar_reliability, monitor, self._taker(topic))
            for topic in self._lidars
        ]
        if settings.detections_topic:
            self._take_detections(node, settings.detections_topic)

    def _take_detections(self, node: Node, topic: str) -> None:
        def take(boxes: Any) -> None:
            self._monitor.received(topic)
            if any(self._monitor.alive(lidar) for lidar in self._lidars):
                self._take(topic, boxes)

        events = watch_offers(lambda line: self._monitor.fault("incompatible_qos", topic, line))
        kind = importlib.import_module("vision_msgs.msg").Detection3DArray
        node.create_subscription(kind, topic, take, DETECTIONS, event_callbacks=events)

    def _taker(self, topic: str) -> Callable[[PointCloud2], None]:
        return lambda cloud: self._take(topic, cloud)

    def _take(self, topic: str, message: Any) -> None:
        if self._filters is None:
            self._callback((message,))
            return
        live = tuple(name for name in self._topics if self._monitor.alive(name))
        if live != self._live:
            self._synchronise(live)
        self._queues[topic].signalMessage(message)

    def _synchronise(self, live: Sequence[str]) -> None:
        """Match the messages of the topics that are alive."""
        assert self._filters is not None
        self._live = tuple(live)
        self._queues = {topic: self._filters.SimpleFilter() for topic in live}
        matcher = self._filters.ApproximateTimeSynchronizer(list(self._queues.values()), QUEUE, self._slop)
        matcher.registerCallback(lambda *messages: self._callback(messages))


def input_topics(settings: NodeSettings) -> tuple[str, ...]:
    """What the people node subscribes to, beside transforms: LiDARs first."""
    return (*settings.lidar_topics, *filter(None, [settings.detections_topic]))


def check_inputs(settings: NodeSettings) -> None:
    """Check what `CloudInputs` will need.

    Raises:
        UserError: no topic, one given twice, an unknown reliability, or a package that is missing.
    """
    lidars, topics = settings.lidar_topics, input_topics(settings)
    if not lidars or not all(lidars):
        raise UserError("nodes.lidar_topics: give at least one sensor_msgs/PointCloud2 topic")
    if len(set(topics)) != len(topics):
        raise UserError(
            f"nodes.lidar_topics, nodes.detections_topic: a topic is given twice: {', '.join(topics)}"
        )
    if settings.lidar_reliability not in RELIABILITIES:
        raise UserError(
            f"nodes.lidar_reliability: '{settings.lidar_reliability}' is none of {', '.join(RELIABILITIES)}"
        )
    wanted = {"message_filters": len(topics) > 1, "vision_msgs": bool(settings.detections_topic)}
    missing = [name for name, needed in wanted.items() if needed and importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"nodes.lidar_topics, nodes.detections_topic: {' and '.join(topics)} together need "
            f"{' and '.join(missing)}, which come with a ROS install "
            f"({', '.join('ros-jazzy-' + name.replace('_', '-') for name in missing)}) and are not on PyPI; "
            "without them give one LiDAR and no detector"
        )
