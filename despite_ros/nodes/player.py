"""Play a recording onto real topics: `python -m despite_ros.nodes player RECORDING`.

At a multiple of real time, or as fast as the nodes answer (`--rate max`): then no sweep is lost however
slow the machine is.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import rclpy
from despite_msgs.msg import ImuAssignmentArray
from rclpy._rclpy_pybind11 import RCLError
from rclpy.qos import QoSProfile
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosgraph_msgs.msg import Clock

from despite_ros.bags.message import IMU, POINT_CLOUD, TRANSFORMS
from despite_ros.bags.pace import FASTEST, rate_of
from despite_ros.errors import UserError
from despite_ros.nodes import qos
from despite_ros.nodes.dds import prepare_dds
from despite_ros.nodes.ending import end_ros
from despite_ros.nodes.messages import header_of

SENSORS = (POINT_CLOUD, IMU)
CLOCK_PERIOD_NS = 10_000_000
WAIT_S = 120.0  # the nodes may have to compile first
ANSWER_S = 5.0  # a sweep that has no answer by then has none
SPARE_S = 1.0  # the same for fast sensors, which have sweeps to spare
FAST_HZ = 12.0


def main(arguments: Sequence[str]) -> int:
    """Play; 0 at the end of the recording or when told to stop, 2 for what the user can mend."""
    parser = argparse.ArgumentParser(prog="player", description=__doc__)
    parser.add_argument("recording", type=Path, help="ROS 2 bag folder or .mcap file")
    parser.add_argument(
        "--rate", default="1.0", help="multiple of real time, or 'max': as fast as the nodes answer"
    )
    parser.add_argument("--subscribers", type=int, default=1, help="start when each sensor topic has so many")
    parser.add_argument("--clock", action="store_true", help="publish /clock for nodes with use_sim_time")
    args, ros_arguments = parser.parse_known_args(arguments)
    prepare_dds()
    rclpy.init(args=["player", *ros_arguments])
    try:
        rate = rate_of(args.rate)
        with AnyReader([args.recording]) as reader:
            player = Player(reader, args.clock)
            player.wait(args.subscribers)
            player.play(RealTime(rate) if rate != FASTEST else Answered(player))
    except (AnyReaderError, UserError) as error:
        print(f"despite player: {args.recording}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    except RCLError:
        if rclpy.ok():  # otherwise SIGTERM came between two messages
            raise
    finally:
        end_ros()
    return 0


class Player:
    """Publishes the clouds, IMU samples and transforms of a recording without decoding them.

    Raises:
        UserError: a recording of ROS 1, whose messages are serialised differently.
    """

    def __init__(self, reader: AnyReader, clock: bool) -> None:
        if not reader.is2:
            raise UserError("is a ROS 1 bag; live nodes take ROS 2 recordings (`despite replay` takes both)")
        self._reader = reader
        self.node = rclpy.create_node("player")
        kinds = (*SENSORS, TRANSFORMS)
        self._connections = [item for item in reader.connections if item.msgtype in kinds]
        self._publishers = {item.topic: self._publisher(item) for item in self._connections}
        self._clock = self.node.create_publisher(Clock, "/clock", qos.RESULTS) if clock else None

    @property
    def cloud_rates(self) -> dict[str, float]:
        """Hz of the recording's cloud topics."""
        seconds = max(self._reader.duration / 1e9, 1e-3)
        clouds = [item for item in self._connections if item.msgtype == POINT_CLOUD]
        return {item.topic: item.msgcount / seconds for item in clouds}

    def wait(self, subscribers: int) -> None:
        """Wait until every sensor topic is listened to.

        Raises:
            UserError: nobody came.
        """
        topics = [item.topic for item in self._connections if item.msgtype in SENSORS]
        deadline = time.monotonic() + WAIT_S
        while rclpy.ok():
            alone = [t for t in topics if self._publishers[t].get_subscription_count() < subscribers]
            if not alone:
                return
            if time.monotonic() > deadline:
                raise UserError(f"nobody listens to {', '.join(alone)}; do the wearers file's topics agree?")
            time.sleep(0.1)

    def play(self, pace: "Pace") -> None:
        """Publish every message when `pace` lets it."""
        clock_ns = 0
        for connection, recorded_ns, data in self._reader.messages(self._connections):
            pace.before(recorded_ns - self._reader.start_time)
            if not rclpy.ok():
                return
            if self._clock is not None and recorded_ns - clock_ns >= CLOCK_PERIOD_NS:
                clock_ns = recorded_ns
                self._clock.publish(Clock(clock=header_of(clock_ns, "").stamp))
            self._publishers[connection.topic].publish(bytes(data))
            if connection.msgtype == POINT_CLOUD:
                pace.after_cloud(connection.topic)

    def _publisher(self, connection: Connection) -> Any:
        package, _, name = connection.msgtype.split("/")
        kind = getattr(importlib.import_module(f"{package}.msg"), name)
        return self.node.create_publisher(kind, connection.topic, _profile(connection))


def _profile(connection: Connection) -> QoSProfile:
    if connection.msgtype == POINT_CLOUD:
        return qos.CLOUD
    if connection.msgtype == IMU:
        return qos.IMU
    return qos.STATIC_TRANSFORMS if connection.topic.endswith("tf_static") else qos.TRANSFORMS


class Pace(Protocol):
    """When the next message may go out."""

    def before(self, elapsed_ns: int) -> None:
        """Return when a message that was recorded so long after the first may be published."""

    def after_cloud(self, topic: str) -> None:
        """A cloud was published."""


class RealTime:
    """As it was recorded, or `rate` times as fast."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._begun: float | None = None

    def before(self, elapsed_ns: int) -> None:
        """Sleep until the message is due."""
        now = time.monotonic()
        self._begun = now if self._begun is None else self._begun
        time.sleep(max(0.0, self._begun + elapsed_ns / 1e9 / self._rate - now))

    def after_cloud(self, topic: str) -> None:
        """Nothing: clouds wait for nobody."""


class Answered:
    """As fast as the nodes answer: after the sweep of every LiDAR, their assignments are waited for."""

    def __init__(self, player: Player) -> None:
        rates = player.cloud_rates
        self._node, self._all = player.node, set(rates)
        self._patience = SPARE_S if max(rates.values(), default=0.0) > FAST_HZ else ANSWER_S
        self._swept: set[str] = set()
        self._answers = 0
        self._node.create_subscription(ImuAssignmentArray, "despite/assignments", self._count, qos.RESULTS)

    def before(self, elapsed_ns: int) -> None:
        """Nothing: what is not a cloud follows at once."""

    def after_cloud(self, topic: str) -> None:
        """Wait for the answer, if all LiDARs have given their part of the sweep."""
        self._swept.add(topic)
        if self._swept != self._all:
            return
        self._swept.clear()
        before, end = self._answers, time.monotonic() + self._patience
        while rclpy.ok() and self._answers == before and time.monotonic() < end:
            rclpy.spin_once(self._node, timeout_sec=self._patience)

    def _count(self, _: ImuAssignmentArray) -> None:
        self._answers += 1
