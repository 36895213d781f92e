"""The people node: point clouds → /despite/people."""

from typing import Any

import numpy as np
from despite_msgs.msg import PersonArray
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.errors import UserError
from despite_ros.nodes.clouds import CloudInputs, check_inputs, input_topics
from despite_ros.nodes.markers import MarkerPublisher, box_markers
from despite_ros.nodes.messages import boxes_from_message, people_to_message, stamp_of
from despite_ros.nodes.monitor import Monitor
from despite_ros.nodes.parameters import declare_settings
from despite_ros.nodes.qos import KEPT_RESULTS, watch_requests
from despite_ros.nodes.story import people_story
from despite_ros.nodes.transforms import TransformListener
from despite_ros.nodes.warm_up import warm_up_people
from despite_ros.nodes.worker import NewestFirstWorker
from despite_ros.people.boxes import move_boxes
from despite_ros.people.clouds import decode_message
from despite_ros.people.segmenter import Segmenter
from despite_ros.records import PeopleFrame
from despite_ros.stamps import StampGuard
from despite_ros.transforms import TransformError

Inputs = tuple[Any, ...]
"""Clouds that belong together, and perhaps a Detection3DArray of the same time."""


class PeopleNode(Node):
    """Finds and follows people; thin: takes clouds, calls `Segmenter`, publishes.

    It subscribes last, once it is ready to work: whoever waits for the subscription waits for the node.
    """

    def __init__(self) -> None:
        super().__init__("people", automatically_declare_parameters_from_overrides=True)
        self.settings = declare_settings(self, ("people.", "nodes."))
        nodes = self.settings.nodes
        check_inputs(nodes)
        self._topics = ", ".join(input_topics(nodes))
        self.monitor = Monitor(self, nodes.latency_warning)
        self.segmenter = Segmenter(self.settings.people)
        self.stamps = StampGuard(nodes.time_jump)
        needs_transforms = bool(nodes.fixed_frame) or len(input_topics(nodes)) > 1
        self.transforms = TransformListener(self, self._complain_of_tf) if needs_transforms else None
        self.publisher = self.create_publisher(
            PersonArray,
            "despite/people",
            KEPT_RESULTS,
            event_callbacks=watch_requests(
                lambda line: self.monitor.fault("incompatible_qos", "despite/people", line)
            ),
        )
        self.markers = MarkerPublisher(self)
        self.get_logger().info("preparing; the first start compiles for some 20 s")
        warm_up_people(self.settings.people)
        self.worker = NewestFirstWorker(self._process, self.monitor.internal, "people")
        self.inputs = CloudInputs(self, nodes, self.monitor, self._offer)
        self.get_logger().info(f"listening to {self._topics}")

    def close(self) -> None:
        """End the worker thread; call after shutdown, before `destroy_node`."""
        self.worker.close()

    def _offer(self, inputs: Inputs) -> None:
        if self.worker.offer(inputs):
            for topic in self.settings.nodes.lidar_topics:
                self.monitor.lost(topic)

    def _process(self, inputs: Inputs) -> None:
        try:
            frame = self._people(inputs)
        except UserError as error:
            self.monitor.fault("cloud", self._topics, str(error))
        except TransformError as error:
            self.monitor.fault("transform", self._topics, str(error))
        else:
            if frame is not None:
                self._publish(frame)

    def _people(self, inputs: Inputs) -> PeopleFrame | None:
        """The people in clouds that belong together; the first one's frame and the latest stamp count."""
        clouds = [message for message in inputs if isinstance(message, PointCloud2)]
        stamp_ns = max(stamp_of(cloud.header) for cloud in clouds)
        if self.stamps.went_back(stamp_ns):
            self._start_anew()
        frame_id = clouds[0].header.frame_id
        parts = [self._points(cloud, frame_id) for cloud in clouds]
        points = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if not len(points):
            self.monitor.fault("empty_cloud", self._topics, "not a single valid point: is the LiDAR covered?")
        fixed = self.settings.nodes.fixed_frame
        pose = self._pose(fixed, frame_id, stamp_ns) if fixed and fixed != frame_id else None
        if len(inputs) > len(clouds):
            boxes = self._boxes(inputs[-1], frame_id)
            return self.segmenter.process_boxes(points, boxes, stamp_ns, pose, fixed or frame_id)
        return self.segmenter.process(points, stamp_ns, pose, fixed or frame_id)

    def _boxes(self, detections: Any, frame_id: str) -> DoubleArray:
        """B×7 in the frame `frame_id`."""
        boxes, source = boxes_from_message(detections), detections.header.frame_id
        if source in ("", frame_id):
            return boxes
        return move_boxes(boxes, self._pose(frame_id, source, stamp_of(detections.header)))

    def _points(self, cloud: PointCloud2, frame_id: str) -> FloatArray:
        """N×3 in the frame `frame_id`."""
        points = decode_message(cloud)
        if cloud.header.frame_id == frame_id:
            return points
        pose = self._pose(frame_id, cloud.header.frame_id, stamp_of(cloud.header)).astype(np.float32)
        return np.ascontiguousarray(points @ pose[:3, :3].T + pose[:3, 3])

    def _pose(self, target: str, source: str, stamp_ns: int) -> DoubleArray:
        assert self.transforms is not None
        return self.transforms.lookup(target, source, stamp_ns)

    def _start_anew(self) -> None:
        self.get_logger().warning("time went back: everything starts anew")
        self.segmenter.reset()
        if self.transforms is not None:
            self.transforms.clear_moving()

    def _publish(self, frame: PeopleFrame) -> None:
        self.publisher.publish(people_to_message(frame))
        if self.markers.wanted:
            self.markers.publish(box_markers(frame))
        self.monitor.processed(people_story(frame.counters), frame.counters, frame.latency_ms)

    def _complain_of_tf(self, link: str, line: str) -> None:
        self.monitor.fault("transform", link, line)
