"""Play a recording onto real topics in real time: `python -m despite_ros.nodes player RECORDING`."""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rclpy
from rclpy.qos import QoSProfile
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosgraph_msgs.msg import Clock

from despite_ros.bags.message import IMU, POINT_CLOUD, TRANSFORMS
from despite_ros.errors import UserError
from despite_ros.nodes import qos
from despite_ros.nodes.dds import prepare_dds
from despite_ros.nodes.messages import header_of

SENSORS = (POINT_CLOUD, IMU)
CLOCK_PERIOD_NS = 10_000_000
WAIT_S = 120.0  # the nodes may have to compile first


def main(arguments: Sequence[str]) -> int:
    """Play; 0 at the end of the recording or when told to stop, 2 for what the user can mend."""
    parser = argparse.ArgumentParser(prog="player", description=__doc__)
    parser.add_argument("recording", type=Path, help="ROS 2 bag folder or .mcap file")
    parser.add_argument("--rate", type=float, default=1.0, help="multiple of real time")
    parser.add_argument("--subscribers", type=int, default=1, help="start when each sensor topic has so many")
    parser.add_argument("--clock", action="store_true", help="publish /clock for nodes with use_sim_time")
    args, ros_arguments = parser.parse_known_args(arguments)
    prepare_dds()
    rclpy.init(args=["player", *ros_arguments])
    try:
        with AnyReader([args.recording]) as reader:
            player = Player(reader, args.clock)
            player.wait(args.subscribers)
            player.play(args.rate)
    except (AnyReaderError, UserError) as error:
        print(f"despite player: {args.recording}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    finally:
        rclpy.try_shutdown()
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
        self._node = rclpy.create_node("player")
        kinds = (*SENSORS, TRANSFORMS)
        self._connections = [item for item in reader.connections if item.msgtype in kinds]
        self._publishers = {item.topic: self._publisher(item) for item in self._connections}
        self._clock = self._node.create_publisher(Clock, "/clock", qos.RESULTS) if clock else None

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

    def play(self, rate: float) -> None:
        """Publish every message when its time has come; `rate` is a multiple of real time."""
        begun, first_ns, clock_ns = time.monotonic(), self._reader.start_time, 0
        for connection, recorded_ns, data in self._reader.messages(self._connections):
            due = begun + (recorded_ns - first_ns) / 1e9 / rate
            time.sleep(max(0.0, due - time.monotonic()))
            if not rclpy.ok():
                return
            if self._clock is not None and recorded_ns - clock_ns >= CLOCK_PERIOD_NS:
                clock_ns = recorded_ns
                self._clock.publish(Clock(clock=header_of(clock_ns, "").stamp))
            self._publishers[connection.topic].publish(bytes(data))

    def _publisher(self, connection: Connection) -> Any:
        package, _, name = connection.msgtype.split("/")
        kind = getattr(importlib.import_module(f"{package}.msg"), name)
        return self._node.create_publisher(kind, connection.topic, _profile(connection))


def _profile(connection: Connection) -> QoSProfile:
    if connection.msgtype == POINT_CLOUD:
        return qos.CLOUD
    if connection.msgtype == IMU:
        return qos.IMU
    return qos.STATIC_TRANSFORMS if connection.topic.endswith("tf_static") else qos.TRANSFORMS
