"""Real nodes in processes of their own, and an observer that talks to them through the DDS."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2, PointField

from despite_ros.nodes.messages import header_of

PERIOD_NS = 100_000_000
START_NS = 1_000 * 1_000_000_000
TOP = Path(__file__).parents[2]
ROOM = ("-m", "tests.ros.room")


class Observer:
    """A node of the test's own: remembers what it hears, publishes what the test wants said."""

    def __init__(self, domain: int) -> None:
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = Node("observer", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.diagnostics: dict[str, DiagnosticStatus] = {}
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._hear, 50)
        self.heard: dict[str, list[Any]] = {}

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self.context)

    def listen(self, kind: type, topic: str) -> list[Any]:
        """The messages of a topic from now on, in a list that grows."""
        heard = self.heard.setdefault(topic, [])
        self.node.create_subscription(kind, topic, heard.append, 50)
        return heard

    def publisher(self, kind: type, topic: str, reliable: bool = True) -> Any:
        policy = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        return self.node.create_publisher(kind, topic, QoSProfile(depth=10, reliability=policy))

    def wait(self, condition: Callable[[], Any], seconds: float = 20.0) -> float:
        """Spin until the condition holds; the seconds it took. Fails the test after `seconds`."""
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, f"not within {seconds} s"
            self.executor.spin_once(timeout_sec=0.02)
        return time.monotonic() - start

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.01)

    def subscribed(self, publisher: Any, count: int = 1) -> None:
        """Wait until somebody subscribes: nodes do so once they are ready."""
        self.wait(lambda: publisher.get_subscription_count() >= count, 60.0)

    def faults(self, node: str) -> dict[str, int]:
        """Counts of the faults that a node has reported."""
        status = self.diagnostics.get(node)
        values = status.values if status else []
        return {
            item.key.removeprefix("fault."): int(item.value)
            for item in values
            if item.key.startswith("fault.")
        }

    def _hear(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics[status.name] = status


@contextmanager
def process(domain: int, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process in the test's domain, ended at the end of the block."""
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, *words],
        cwd=TOP,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def node_process(domain: int, kind: str, *parameters: str) -> Any:
    """A node of despite: `kind` as `python -m despite_ros.nodes` takes it, parameters as name:=value."""
    given = [word for parameter in parameters for word in ("-p", parameter)]
    return process(domain, "-m", "despite_ros.nodes", kind, "--ros-args", *given)


def person_points(rng: np.random.Generator, x: float, y: float) -> np.ndarray:
    """About 300 points on a standing figure: body and legs as boxes."""
    body = rng.uniform((x - 0.12, y - 0.22, 0.8), (x + 0.12, y + 0.22, 1.75), (220, 3))
    legs = rng.uniform((x - 0.1, y - 0.15, 0.05), (x + 0.1, y + 0.15, 0.8), (120, 3))
    return np.concatenate([body, legs])


def room_points(frame: int, people: int = 2) -> np.ndarray:
    """A floor and people who walk on circles of 1 m; N×3 float32, z up."""
    rng = np.random.default_rng(frame)
    parts = [rng.uniform((-5, -5, -0.01), (5, 5, 0.01), (6000, 3))]
    for person in range(people):
        angle = 0.08 * frame + person
        x = 3.0 * np.cos(2.5 * person) + np.cos(angle)
        y = 3.0 * np.sin(2.5 * person) + np.sin(angle)
        parts.append(person_points(rng, x, y))
    return np.concatenate(parts).astype(np.float32)


def cloud_message(points: np.ndarray, stamp_ns: int, frame_id: str = "lidar", **changes: Any) -> PointCloud2:
    """An N×3 float32 cloud as a message; `changes` replace fields of the message."""
    message = PointCloud2(
        header=header_of(stamp_ns, frame_id),
        height=1,
        width=len(points),
        fields=[
            PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
            for index, name in enumerate("xyz")
        ],
        point_step=12,
        row_step=12 * len(points),
        is_dense=True,
    )
    message.data = points.astype(np.float32).tobytes()
    for name, value in changes.items():
        setattr(message, name, value)
    return message
