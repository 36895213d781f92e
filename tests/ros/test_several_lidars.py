"""Two LiDARs put together by their extrinsics; one of them may fall silent."""

import numpy as np
import pytest
from despite_msgs.msg import PersonArray
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import PointCloud2
from tf2_msgs.msg import TFMessage

from despite_ros.nodes.qos import STATIC_TRANSFORMS
from tests.ros.harness import PERIOD_NS, START_NS, Observer, cloud_message, node_process, room_points, seen

pytestmark = pytest.mark.ros
pytest.importorskip("message_filters", reason="comes with a ROS install, not on PyPI")
OFFSET = 10.0  # m; the rear LiDAR stands here along x of the front one


def extrinsics() -> TFMessage:
    transform = TransformStamped(child_frame_id="rear")
    transform.header.frame_id = "front"
    transform.transform.translation.x = OFFSET
    transform.transform.rotation.w = 1.0
    return TFMessage(transforms=[transform])


def points_in(frame: PersonArray) -> int:
    """Points of the sweep that people were looked for in."""
    return int(frame.counts[list(frame.counters).index("points")])


def test_two_lidars_see_one_room(domain: int, observer: Observer) -> None:
    frames = observer.listen(PersonArray, "/despite/people")
    tf = observer.node.create_publisher(TFMessage, "/tf_static", STATIC_TRANSFORMS)
    tf.publish(extrinsics())
    topics = ("/front/points", "/rear/points")
    publishers = [observer.publisher(PointCloud2, topic, reliable=False) for topic in topics]
    stamp_ns = START_NS

    def sweep(lidars: int) -> bool:
        nonlocal stamp_ns
        stamp_ns += PERIOD_NS
        points = room_points(stamp_ns // PERIOD_NS)
        shifted = points - np.array([OFFSET, 0, 0], np.float32)
        clouds = ((points[::2], "front"), (shifted[1::2], "rear"))
        for publisher, (part, frame) in list(zip(publishers, clouds, strict=True))[:lidars]:
            publisher.publish(cloud_message(part, stamp_ns, frame))
        observer.spin(0.1)
        return bool(frames and seen(frames[-1]))

    with node_process(domain, "people", "nodes.lidar_topics:=[/front/points,/rear/points]"):
        for publisher in publishers:
            observer.subscribed(publisher)
        whole = len(room_points(0))
        observer.wait(lambda: sweep(2) and points_in(frames[-1]) > 0.9 * whole, 60.0)
        assert frames[-1].header.frame_id == "front"
        observer.spin(0.7)
        del frames[:]
        observer.wait(lambda: sweep(1), 30.0)
        assert points_in(frames[-1]) < 0.6 * whole
