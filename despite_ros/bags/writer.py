"""Write a simulated scene as a recording: ROS 2 MCAP, the truth about it, and its wearers file.

Topics: `/lidar/points`, `/<wearer>/<limb>/imu`, and `/tf_static` or, where the LiDAR moves, `/tf`, from
frame `map` to frame `lidar`. Sweeps are stamped with their end.
"""

import heapq
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer

from despite_ros.arrays import DoubleArray
from despite_ros.bags.message import IMU, POINT_CLOUD, TRANSFORMS
from despite_ros.bags.sensor_messages import STORE, cloud_message, imu_message, transform_message
from despite_ros.errors import UserError
from despite_ros.simulation.imu import ImuSamples
from despite_ros.simulation.scene import Scene, Sweep

CLOUD_TOPIC = "/lidar/points"
LIDAR_FRAME, FIXED_FRAME = "lidar", "map"
RECORDING, TRUTH, WEARERS, POINT_PEOPLE = "recording.mcap", "truth.jsonl", "wearers.yaml", "point_people.npz"
_ENDLESS = QosTime(2147483647, 4294967295)
LATCHED = Qos(
    QosHistory.KEEP_LAST, 1, QosReliability.RELIABLE, QosDurability.TRANSIENT_LOCAL, _ENDLESS, _ENDLESS,
    QosLiveliness.AUTOMATIC, _ENDLESS, False,
)  # fmt: skip
"""What `ros2 bag play` must offer /tf_static with for late subscribers."""
TF_STEP_NS = 20_000_000  # a moving LiDAR's pose is told 50 times a second, and at every sweep's stamp


def imu_topic(wearer: str, limb: str) -> str:
    """The topic of a wearer's IMU."""
    return f"/{wearer}/{limb}/imu"


def write_recording(
    scene: Scene,
    directory: str | Path,
    point_people: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Write recording.mcap (with metadata.yaml), truth.jsonl and wearers.yaml; returns the directory.

    The directory is itself a bag. truth.jsonl has one line a sweep: {"stamp_ns", "people": [{"name",
    "wearer", "x", "y", "z", "points", "activity"}]}, metres in the LiDAR's frame. point_people: also write
    point_people.npz: `names`, and under each stamp (as text) an index into them for every point, −1 for
    none. progress: called with the number of each sweep written.

    Raises:
        UserError: the directory holds a recording already, or cannot be written to.
    """
    directory = _prepared(Path(directory))
    owners: dict[str, Any] = {"names": np.array([person.name for person in scene.people])}
    with (
        Writer(directory / "recording", version=9, storage_plugin=StoragePlugin.MCAP) as bag,
        (directory / TRUTH).open("w") as truth,
    ):
        streams = _Streams(bag, scene)
        for sweep in scene.sweeps():
            streams.up_to(sweep.stamp_ns, sweep.sensor_pose)
            streams.cloud(sweep)
            truth.write(json.dumps(scene.truth(sweep)) + "\n")
            if point_people:
                owners[str(sweep.stamp_ns)] = sweep.person_index.astype(np.int8)
            if progress:
                progress(sweep.index + 1)
    for file in (directory / "recording").iterdir():
        file.rename(directory / file.name)
    (directory / "recording").rmdir()
    (directory / WEARERS).write_text(
        yaml.safe_dump(wearers_of(scene), sort_keys=False, default_flow_style=None)
    )
    if point_people:
        np.savez_compressed(directory / POINT_PEOPLE, **owners)
    return directory


def wearers_of(scene: Scene) -> dict[str, Any]:
    """The content of the scene's wearers file."""
    return {
        "wearers": {
            person.wearer: {
                limb: {"topic": imu_topic(person.wearer, limb), "mount": list(mount), "time_offset": 0.0}
                for limb, mount in person.mounts.items()
            }
            for person in scene.people
            if person.wearer is not None
        }
    }


class _Streams:
    """The topics of one scene, written in order of time."""

    def __init__(self, bag: Writer, scene: Scene) -> None:
        self._bag, self._scene = bag, scene
        self._cloud = bag.add_connection(CLOUD_TOPIC, POINT_CLOUD, typestore=STORE)
        name = "/tf" if scene.path.moving else "/tf_static"
        kept = () if scene.path.moving else (LATCHED,)
        self._tf = bag.add_connection(name, TRANSFORMS, typestore=STORE, offered_qos_profiles=kept)
        self._imu = self._imu_messages()
        self._next_imu = next(self._imu, None)
        self._told_ns = scene.start_ns
        if not scene.path.moving:
            self._transform(scene.start_ns, scene.path.at(0))

    def up_to(self, stamp_ns: int, pose: DoubleArray) -> None:
        """Write what happens up to a stamp: IMU samples, and the moving sensor's poses."""
        if self._scene.path.moving:
            while self._told_ns < stamp_ns:
                seconds = (self._told_ns - self._scene.start_ns) / 1e9
                self._samples(self._told_ns)
                self._transform(self._told_ns, self._scene.path.at(seconds))
                self._told_ns += TF_STEP_NS
            self._transform(stamp_ns, pose)
            self._told_ns = stamp_ns + TF_STEP_NS
        self._samples(stamp_ns)

    def cloud(self, sweep: Sweep) -> None:
        """Write a sweep."""
        self._write(self._cloud, sweep.stamp_ns, cloud_message(sweep, LIDAR_FRAME))

    def _samples(self, stamp_ns: int) -> None:
        while self._next_imu is not None and self._next_imu[0] <= stamp_ns:
            stamp, connection, data = self._next_imu
            self._bag.write(connection, stamp, data)
            self._next_imu = next(self._imu, None)

    def _transform(self, stamp_ns: int, pose: DoubleArray) -> None:
        self._write(self._tf, stamp_ns, transform_message(stamp_ns, pose, FIXED_FRAME, LIDAR_FRAME))

    def _imu_messages(self) -> Iterator[tuple[int, Connection, Any]]:
        """(stamp, connection, serialised message) of all IMUs in order of time."""
        streams = []
        for wearer, limbs in self._scene.imu().items():
            for limb, samples in limbs.items():
                topic = imu_topic(wearer, limb)
                connection = self._bag.add_connection(topic, IMU, typestore=STORE)
                streams.append(_serialised(connection, samples, topic.strip("/").removesuffix("/imu")))
        yield from heapq.merge(*streams, key=lambda item: item[0])

    def _write(self, connection: Connection, stamp_ns: int, message: Any) -> None:
        self._bag.write(connection, stamp_ns, STORE.serialize_cdr(message, connection.msgtype))


def _serialised(
    connection: Connection, samples: ImuSamples, frame: str
) -> Iterator[tuple[int, Connection, Any]]:
    for index, stamp in enumerate(samples.stamps_ns.tolist()):
        message = imu_message(samples, index, frame)
        yield stamp, connection, STORE.serialize_cdr(message, connection.msgtype)


def _prepared(directory: Path) -> Path:
    held = [name for name in (RECORDING, "recording", TRUTH, WEARERS) if (directory / name).exists()]
    if held:
        raise UserError(f"{directory}: holds '{held[0]}' already; name a new folder")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{directory}: cannot be made ({error.strerror}); name a folder to write to"
        ) from error
    return directory
