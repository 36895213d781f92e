"""Real nodes in processes of their own, and an observer that talks to them through the DDS."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from despite_msgs.msg import PersonArray
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2, PointField

from despite_ros.arrays import FloatArray
from despite_ros.nodes.messages import header_of
from despite_ros.simulation.scene import Scene, random_scene

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
            _, said = child.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
            _, said = child.communicate()
        print(said)  # pytest shows it where a test fails


def node_process(domain: int, kind: str, *parameters: str) -> Any:
    """A node of despite: `kind` as `python -m despite_ros.nodes` takes it, parameters as name:=value."""
    given = [word for parameter in parameters for word in ("-p", parameter)]
    return process(domain, "-m", "despite_ros.nodes", kind, "--ros-args", *given)


@cache
def room() -> Scene:
    """A furnished room with two people, seen by a LiDAR that stands still."""
    return random_scene(np.random.default_rng(3), people=2, wearers=0, absent=0, seconds=4.0, sensor="vlp16")


@cache
def room_points(frame: int) -> FloatArray:
    """A sweep of the room, N×3; after 4 s it starts again."""
    return room().sweep(frame % room().sweep_count).cloud


def seen(frame: PersonArray) -> int:
    """How many people a sweep has seen."""
    return sum(person.points > 0 for person in frame.people)


def cloud_message(points: FloatArray, stamp_ns: int, frame_id: str = "lidar", **changes: Any) -> PointCloud2:
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
