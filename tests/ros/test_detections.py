"""Another detector's boxes replace the search for people; without them the node finds people by itself."""

from typing import Any

import numpy as np
import pytest
from despite_msgs.msg import PersonArray
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from sensor_msgs.msg import PointCloud2

from despite_ros.arrays import FloatArray
from despite_ros.nodes.messages import boxes_from_message, header_of
from tests.ros.harness import PERIOD_NS, START_NS, Observer, cloud_message, node_process

pytestmark = pytest.mark.ros
pytest.importorskip("message_filters", reason="comes with a ROS install, not on PyPI")
vision = pytest.importorskip("vision_msgs.msg", reason="comes with a ROS install, not on PyPI")

CENTRE = (3.0, 1.0, -0.6)  # metres, of a carton that nobody would take for a person
SIZE = (0.8, 0.8, 0.6)


def scene(rng: np.random.Generator) -> FloatArray:
    """A floor 1 m below the sensor, and the carton."""
    floor = np.column_stack([rng.uniform(-8, 8, (6000, 2)), np.full(6000, -1.0)])
    carton = np.array(CENTRE) + (rng.random((400, 3)) - 0.5) * np.array(SIZE) * 0.95
    return np.concatenate([floor, carton]).astype(np.float32)


def boxes(stamp_ns: int) -> Any:
    turn = Quaternion(z=np.sin(np.pi / 8), w=np.cos(np.pi / 8))
    centre = Pose(position=Point(x=CENTRE[0], y=CENTRE[1], z=CENTRE[2]), orientation=turn)
    box = vision.BoundingBox3D(center=centre, size=Vector3(x=1.2, y=1.2, z=0.8))
    header = header_of(stamp_ns, "lidar")
    return vision.Detection3DArray(header=header, detections=[vision.Detection3D(header=header, bbox=box)])


def test_boxes_are_read_with_their_heading() -> None:
    found = boxes_from_message(boxes(0))
    np.testing.assert_allclose(found, [[*CENTRE, 1.2, 1.2, 0.8, np.pi / 4]], atol=1e-9)


def test_boxes_say_where_people_are_and_a_silent_detector_is_done_without(
    domain: int, observer: Observer
) -> None:
    frames = observer.listen(PersonArray, "/despite/people")
    lidar = observer.publisher(PointCloud2, "/points", reliable=False)
    detector = observer.publisher(vision.Detection3DArray, "/detections")
    rng, stamp_ns = np.random.default_rng(0), START_NS

    def sweep(detected: bool) -> PersonArray | None:
        """The answer to a sweep, or the last one."""
        nonlocal stamp_ns
        stamp_ns += PERIOD_NS
        lidar.publish(cloud_message(scene(rng), stamp_ns))
        observer.spin(0.03)  # a detector needs a while
        if detected:
            detector.publish(boxes(stamp_ns))
        observer.spin(0.07)
        return frames[-1] if frames else None

    def looked_for(count: str, detected: bool) -> bool:
        frame = sweep(detected)
        return frame is not None and count in frame.counters

    with node_process(domain, "people", "nodes.detections_topic:=/detections"):
        observer.subscribed(lidar)
        observer.subscribed(detector)
        observer.wait(lambda: looked_for("boxes", True) and len(frames[-1].people) == 1, 60.0)
        person = frames[-1].people[0]
        place = person.pose.position
        np.testing.assert_allclose((place.x, place.y), CENTRE[:2], atol=0.2)  # of the body, not of its front
        assert 350 < person.points <= 400
        observer.spin(0.7)
        observer.wait(lambda: looked_for("clusters", False), 30.0)
