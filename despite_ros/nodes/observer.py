"""A node that only listens: results of both nodes put together by stamp, their health, raw messages."""

import contextlib
import threading
from collections import deque
from typing import Any

import rclpy
from despite_msgs.msg import ActivityArray, ImuAssignmentArray, PersonArray
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from despite_ros.bags.results import Line, result_line
from despite_ros.nodes.dds import prepare_dds
from despite_ros.nodes.messages import people_from_message, reid_from_messages, stamp_of
from despite_ros.nodes.qos import RESULTS

RESULT_TOPICS = {
    "despite/people": PersonArray,
    "despite/assignments": ImuAssignmentArray,
    "despite/activities": ActivityArray,
}
PENDING = 100  # sweeps that wait for the other messages of their stamp


class Observer:
    """Listens in a thread of its own from construction to `close`.

    lines: one per sweep, as in results.jsonl. diagnostics: newest status by name.
    """

    def __init__(self) -> None:
        prepare_dds()
        rclpy.init(args=[])
        self.lines: list[Line] = []
        self.diagnostics: dict[str, DiagnosticStatus] = {}
        self._pending: deque[tuple[int, dict[str, Any]]] = deque(maxlen=PENDING)
        self._node = rclpy.create_node("observer")
        for topic, kind in RESULT_TOPICS.items():
            self._node.create_subscription(kind, topic, self._taker(topic), RESULTS)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._take_diagnostics, RESULTS)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name="observer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        rclpy.try_shutdown()
        self._thread.join()
        self._node.destroy_node()

    def faults(self) -> dict[str, int]:
        """What the nodes have counted as wrong, and messages that gave way to newer ones."""
        counts = {}
        for name, status in list(self.diagnostics.items()):
            for item in status.values:
                if item.key.startswith("fault."):
                    counts[f"{name}: {item.key.removeprefix('fault.')}"] = int(item.value)
                elif item.key == "lost" and item.value != "0":
                    counts[f"{name}: gave way to newer"] = int(item.value)
        return counts

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _taker(self, topic: str) -> Any:
        return lambda message: self._take(topic, message)

    def _take(self, topic: str, message: Any) -> None:
        stamp_ns = stamp_of(message.header)
        parts = next((parts for stamp, parts in self._pending if stamp == stamp_ns), None)
        if parts is None:
            parts = {}
            self._pending.append((stamp_ns, parts))
        parts[topic] = message
        if len(parts) == len(RESULT_TOPICS):
            people, assignments, activities = (parts[topic] for topic in RESULT_TOPICS)
            reid = reid_from_messages(assignments, activities)
            self.lines.append(result_line(people_from_message(people), reid))

    def _take_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics[status.name] = status
