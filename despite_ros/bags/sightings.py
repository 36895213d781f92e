"""The reading half of a replay: a recording's messages → the people of its sweeps, and IMU samples."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.bags.fusion import CloudFusion
from despite_ros.bags.message import IMU, POINT_CLOUD, TRANSFORMS, BagMessage
from despite_ros.bags.reader import Recording
from despite_ros.errors import UserError
from despite_ros.motion.faults import Faults
from despite_ros.motion.wearers import Wearer
from despite_ros.nodes.settings import NodeSettings
from despite_ros.people.clouds import decode_message
from despite_ros.people.segmenter import Segmenter
from despite_ros.records import PeopleFrame
from despite_ros.stamps import StampGuard
from despite_ros.transforms import STATIC_STAMP, TransformBuffer, TransformError, moved

MOST_SAMPLES = 10_000  # that wait for a sweep


@dataclass(frozen=True)
class ReadingOptions:
    """What to read, and how.

    lidar_topics: empty for all PointCloud2 topics. fixed_frame: empty for the LiDAR's own frame
    (of the first topic, where there are several). rate: times real time, 0 for as fast as possible.
    """

    wearers: tuple[Wearer, ...] = ()
    lidar_topics: tuple[str, ...] = ()
    fixed_frame: str = ""
    rate: float = 0.0
    time_jump: float = NodeSettings.time_jump


@dataclass(frozen=True)
class Sweep:
    """A sweep's people. points: N×3, the LiDAR's frame. pose: 4×4 LiDAR → fixed frame, None if the same."""

    points: FloatArray
    people: PeopleFrame
    pose: DoubleArray | None


@dataclass(frozen=True)
class Sighting:
    """IMU samples in recorded order, and the sweep after them.

    sensors: whose each sample is, counted wearer by wearer. samples: serialised sensor_msgs/Imu.
    sweep: None where there are many samples before the next. recorded_ns: of the last message.
    elapsed_ns: since the first one. frame_id: of positions.
    """

    sensors: tuple[int, ...]
    samples: tuple[bytes, ...]
    sweep: Sweep | None
    recorded_ns: int
    elapsed_ns: int
    frame_id: str


class Sightings:
    """One pass over a recording. faults: what was wrong with its messages.

    Raises:
        UserError: no cloud topic, or a topic asked for that the recording lacks.
    """

    def __init__(self, recording: Recording, segmenter: Segmenter, options: ReadingOptions) -> None:
        self.recording = recording
        self.faults = Faults()
        self.lidar_topics = options.lidar_topics or tuple(recording.of_type(POINT_CLOUD))
        self._segmenter = segmenter
        self._options = options
        self._frame_id = options.fixed_frame
        topics = [sensor.topic for wearer in options.wearers for sensor in wearer.sensors.values()]
        self._sensors = {topic: number for number, topic in enumerate(topics)}
        self._check_topics(options.lidar_topics)
        self._stamps = StampGuard(options.time_jump)
        self._transforms = TransformBuffer()
        self._fusion = CloudFusion(self.lidar_topics)

    @property
    def imu_topics(self) -> tuple[str, ...]:
        """The wearers' topics that the recording holds."""
        return tuple(topic for topic in self._sensors if topic in self.recording.of_type(IMU))

    def __iter__(self) -> Iterator[Sighting]:
        """In the order of the recording."""
        samples: list[tuple[int, bytes]] = []
        first_ns, recorded_ns, begun = None, 0, time.monotonic()
        for message in self._messages():
            recorded_ns = message.recorded_ns
            first_ns = recorded_ns if first_ns is None else first_ns
            self._wait((recorded_ns - first_ns) / 1e9, begun)
            sweep = None
            if message.type == POINT_CLOUD:
                sweep = self._cloud(message)
            elif message.type == IMU:
                samples.append((self._sensors[message.topic], message.content))
            elif message.type == TRANSFORMS:
                self._transform(message)
            if sweep is not None or len(samples) == MOST_SAMPLES:
                yield self._sighting(samples, sweep, recorded_ns, recorded_ns - first_ns)
                samples.clear()
        for _ in range(self._fusion.unmatched):
            self.faults.note("unmatched", "clouds", "no cloud of the other LiDARs near the stamp")
        if first_ns is not None:
            yield self._sighting(samples, None, recorded_ns, recorded_ns - first_ns)

    def _sighting(
        self, samples: list[tuple[int, bytes]], sweep: Sweep | None, recorded_ns: int, elapsed_ns: int
    ) -> Sighting:
        sensors = tuple(number for number, _ in samples)
        return Sighting(
            sensors, tuple(data for _, data in samples), sweep, recorded_ns, elapsed_ns, self._frame_id
        )

    def _messages(self) -> Iterator[BagMessage]:
        wanted = {*self.lidar_topics, *self.imu_topics, *self.recording.of_type(TRANSFORMS)}
        return self.recording.messages(wanted)

    def _wait(self, elapsed_s: float, begun: float) -> None:
        if self._options.rate > 0:
            time.sleep(max(0.0, begun + elapsed_s / self._options.rate - time.monotonic()))

    def _check_topics(self, asked: tuple[str, ...]) -> None:
        for topic in asked:
            if topic not in self.recording.of_type(POINT_CLOUD):
                has = ", ".join(self.recording.of_type(POINT_CLOUD)) or "none"
                raise UserError(
                    f"{self.recording.path}: no PointCloud2 topic '{topic}'; the recording has: {has}"
                )
        if not self.lidar_topics:
            kinds = ", ".join(f"{n} ({k})" for n, (k, _) in self.recording.topics.items()) or "nothing"
            raise UserError(
                f"{self.recording.path}: no sensor_msgs/PointCloud2 topic; the recording holds: {kinds}"
            )
        for topic in self._sensors:
            kind, _ = self.recording.topics.get(topic, ("not in the recording", 0))
            if kind != IMU:
                self.faults.note("imu_topic", topic, f"{kind}; the wearers file expects {IMU}")

    def _cloud(self, message: BagMessage) -> Sweep | None:
        cloud, frame = message.content, message.content.header.frame_id
        self._frame_id = self._frame_id or frame
        try:
            points = decode_message(cloud)
            pose = None
            if frame != self._frame_id:
                pose = self._transforms.lookup(self._frame_id, frame, message.stamp_ns)
        except UserError as error:
            self.faults.note("cloud", message.topic, str(error))
            return None
        except TransformError as error:
            self.faults.note("transform", message.topic, str(error))
            return None
        if not len(points):
            self.faults.note("empty_cloud", message.topic, "cloud without a single valid point")
        if pose is not None and len(self.lidar_topics) > 1:
            points, pose = moved(points, pose), None
        fused = self._fusion.add(message.topic, message.stamp_ns, points)
        if fused is None:
            return None
        try:
            self._stamps.went_back(fused[0])
        except UserError as error:
            self.faults.note("cloud", message.topic, str(error))
            return None
        people = self._segmenter.process(fused[1], fused[0], pose, self._frame_id)
        return None if people is None else Sweep(fused[1], people, pose)

    def _transform(self, message: BagMessage) -> None:
        static = message.topic.endswith("tf_static")
        for item in message.content.transforms:
            stamp_ns = item.header.stamp.sec * 1_000_000_000 + item.header.stamp.nanosec
            try:
                self._transforms.set(
                    item.header.frame_id,
                    item.child_frame_id,
                    STATIC_STAMP if static else stamp_ns,
                    np.array(_numbers(item.transform.translation, "xyz")),
                    np.array(_numbers(item.transform.rotation, "xyzw")),
                )
            except ValueError as error:
                self.faults.note("transform", item.child_frame_id, str(error))


def _numbers(value: Any, names: str) -> tuple[float, ...]:
    return tuple(float(getattr(value, name)) for name in names)
