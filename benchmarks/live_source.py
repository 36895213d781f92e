"""The sensors of `benchmarks.live`: a scene simulated beforehand, published in real time.

Publishing takes a good part of a core itself, and on a busy machine falls behind: how late each cloud was
handed over, after its stamp, is written to a file.
"""

import gc
import json
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Imu, PointCloud2, PointField

from despite_ros.arrays import FloatArray
from despite_ros.bags.sensor_messages import STORE, imu_message
from despite_ros.bags.writer import imu_topic
from despite_ros.nodes.dds import prepare_dds
from despite_ros.nodes.qos import CLOUD, IMU
from despite_ros.simulation.scene import Scene, random_scene

CLOUD_TOPIC = "/points"
POINTS = 131_072
POINT_STEP = 32
STAMP_AT = 4  # a serialised header begins after four bytes of encapsulation: int32 sec, uint32 nanosec
WAIT_S = 180.0
Timed = tuple[float, str, bytearray]  # seconds since the start, topic, serialised message


def sweeps(scene: Scene) -> Iterator[Timed]:
    """Clouds as a driver with padded points gives them; rays without return are zeros."""
    for sweep in scene.sweeps():
        yield (sweep.stamp_ns - scene.start_ns) / 1e9, CLOUD_TOPIC, bytearray(_cloud(sweep.cloud))


def samples(scene: Scene) -> Iterator[Timed]:
    """The samples of all IMUs."""
    for wearer, limbs in scene.imu().items():
        for limb, imu in limbs.items():
            for index, stamp_ns in enumerate(imu.stamps_ns.tolist()):
                data = STORE.serialize_cdr(imu_message(imu, index, limb), "sensor_msgs/msg/Imu")
                yield (stamp_ns - scene.start_ns) / 1e9, imu_topic(wearer, limb), bytearray(data)


def publish(messages: Sequence[Timed]) -> dict[int, float]:
    """Publish each at its time, stamped with it; milliseconds by which clouds were late, by stamp."""
    prepare_dds()
    rclpy.init(args=[])
    node = rclpy.create_node("source")
    publishers: dict[str, Any] = {
        topic: node.create_publisher(
            *((PointCloud2, topic, CLOUD) if topic == CLOUD_TOPIC else (Imu, topic, IMU))
        )
        for topic in {topic for _, topic, _ in messages}
    }
    deadline = time.monotonic() + WAIT_S
    while not all(publisher.get_subscription_count() for publisher in publishers.values()):
        if time.monotonic() > deadline:
            sys.exit("the nodes do not listen")
        time.sleep(0.1)
    gc.collect()
    gc.freeze()  # sensors do not pause
    begun_ns, late_ms = time.time_ns(), dict[int, float]()
    for seconds, topic, data in messages:
        due_ns = begun_ns + int(seconds * 1e9)
        time.sleep(max(0.0, (due_ns - time.time_ns()) / 1e9))
        struct.pack_into("<iI", data, STAMP_AT, *divmod(due_ns, 1_000_000_000))
        if topic == CLOUD_TOPIC:
            late_ms[due_ns] = (time.time_ns() - due_ns) / 1e6
        publishers[topic].publish(bytes(data))
    time.sleep(0.5)
    rclpy.try_shutdown()
    return late_ms


def _cloud(points: FloatArray) -> bytes:
    padded = np.zeros((POINTS, POINT_STEP // 4), np.float32)
    padded[: len(points), :3] = points[:POINTS]
    message = PointCloud2(
        height=1,
        width=POINTS,
        fields=[
            PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
            for index, name in enumerate("xyz")
        ],
        point_step=POINT_STEP,
        row_step=POINT_STEP * POINTS,
    )
    message.header.frame_id = "lidar"
    message.data = padded.tobytes()
    return bytes(serialize_message(message))


if __name__ == "__main__":
    seed, people, length = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    room = random_scene(np.random.default_rng(seed), people, people, 0, length, "os1_128")
    late = publish(sorted([*sweeps(room), *samples(room)], key=lambda item: item[0]))
    Path(sys.argv[4]).write_text(json.dumps(late))
