"""The three messages about one sweep, put together by stamp."""

from collections.abc import Callable
from typing import Any

from despite_msgs.msg import ActivityArray, ImuAssignmentArray, PersonArray
from rclpy.node import Node

from despite_ros.nodes.messages import people_from_message, reid_from_messages, stamp_of
from despite_ros.nodes.qos import RESULTS
from despite_ros.records import PeopleFrame, ReidFrame

TOPICS = {
    "despite/people": PersonArray,
    "despite/assignments": ImuAssignmentArray,
    "despite/activities": ActivityArray,
}
PENDING = 100  # sweeps that wait for the other messages of their stamp


class Gathering:
    """Listens to what the nodes find; calls back once for each sweep of which everything came."""

    def __init__(self, node: Node, callback: Callable[[PeopleFrame, ReidFrame], None]) -> None:
        self._callback = callback
        self._pending: dict[int, dict[str, Any]] = {}
        for topic, kind in TOPICS.items():
            node.create_subscription(kind, topic, self._taker(topic), RESULTS)

    def _taker(self, topic: str) -> Callable[[Any], None]:
        return lambda message: self._take(topic, message)

    def _take(self, topic: str, message: Any) -> None:
        stamp_ns = stamp_of(message.header)
        parts = self._pending.setdefault(stamp_ns, {})
        parts[topic] = message
        if len(self._pending) > PENDING:
            del self._pending[next(iter(self._pending))]
        if len(parts) == len(TOPICS):
            del self._pending[stamp_ns]  # a recording that is played again has the same stamps again
            people, assignments, activities = (parts[topic] for topic in TOPICS)
            self._callback(people_from_message(people), reid_from_messages(assignments, activities))
