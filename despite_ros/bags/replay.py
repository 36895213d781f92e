"""Run the nodes' own pipeline over a recording, without ROS."""

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
from despite_ros.people.clouds import decode
from despite_ros.pipeline import Pipeline
from despite_ros.records import PeopleFrame, ReidFrame
from despite_ros.stamps import StampGuard
from despite_ros.transforms import STATIC_STAMP, TransformBuffer, TransformError, moved


@dataclass(frozen=True)
class ReplayedSweep:
    """One sweep's outcome.

    points: N×3, the LiDAR's frame. pose: 4×4 LiDAR → fixed frame, None where they are the same.
    recorded_ns: when its (last) cloud was recorded.
    """

    points: FloatArray
    people: PeopleFrame
    reid: ReidFrame
    pose: DoubleArray | None
    recorded_ns: int


class Replay:
    """One pass over a recording.

    lidar_topics: empty for all PointCloud2 topics. fixed_frame: empty for the LiDAR's own frame
    (of the first topic, where there are several). rate: times real time, 0 for as fast as possible.

    Raises:
        UserError: no cloud topic, or a topic asked for that the recording lacks.
    """

    def __init__(
        self,
        recording: Recording,
        pipeline: Pipeline,
        wearers: tuple[Wearer, ...],
        lidar_topics: tuple[str, ...] = (),
        fixed_frame: str = "",
        rate: float = 0.0,
        time_jump: float = NodeSettings.time_jump,
    ) -> None:
        self.recording = recording
        self.lidar_topics = lidar_topics or tuple(recording.of_type(POINT_CLOUD))
        self.faults = Faults()
        self.frame_id = fixed_frame
        self.elapsed_ns = 0
        self._pipeline = pipeline
        self._rate = rate
        self._sensors = {s.topic: (w.name, limb) for w in wearers for limb, s in w.sensors.items()}
        self._check_topics(lidar_topics)
        self._stamps = StampGuard(time_jump)
        self._transforms = TransformBuffer()
        self._fusion = CloudFusion(self.lidar_topics)

    @property
    def imu_topics(self) -> tuple[str, ...]:
        """The wearers' topics that the recording holds."""
        return tuple(topic for topic in self._sensors if topic in self.recording.of_type(IMU))

    def sweeps(self) -> Iterator[ReplayedSweep]:
        """Results in the order of the recording."""
        wanted = {*self.lidar_topics, *self.imu_topics, *self.recording.of_type(TRANSFORMS)}
        first_ns, begun = None, time.monotonic()
        for message in self.recording.messages(wanted):
            first_ns = message.recorded_ns if first_ns is None else first_ns
            self.elapsed_ns = message.recorded_ns - first_ns
            if self._rate > 0:
                time.sleep(max(0.0, begun + self.elapsed_ns / 1e9 / self._rate - time.monotonic()))
            if message.type == POINT_CLOUD:
                sweep = self._cloud(message)
                if sweep is not None:
                    yield sweep
            elif message.type == IMU:
                self._imu(message)
            elif message.type == TRANSFORMS:
                self._transform(message)
        for _ in range(self._fusion.unmatched):
            self.faults.note("unmatched", "clouds", "no cloud of the other LiDARs near the stamp")

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

    def _cloud(self, message: BagMessage) -> ReplayedSweep | None:
        cloud, frame = message.content, message.content.header.frame_id
        self.frame_id = self.frame_id or frame
        try:
            points = decode(
                cloud.fields,
                cloud.point_step,
                cloud.row_step,
                cloud.width,
                cloud.height,
                cloud.is_bigendian,
                cloud.data,
            )
            pose = None
            if frame != self.frame_id:
                pose = self._transforms.lookup(self.frame_id, frame, message.stamp_ns)
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
        outcome = self._pipeline.cloud(fused[1], fused[0], pose, self.frame_id)
        return ReplayedSweep(fused[1], *outcome, pose, message.recorded_ns) if outcome else None

    def _imu(self, message: BagMessage) -> None:
        wearer, limb = self._sensors[message.topic]
        self._pipeline.imu(wearer, limb, *message.content)

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
