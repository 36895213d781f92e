"""Markers for RViz and Foxglove: boxes with numbers, and names once they are known."""

from collections.abc import Iterable, Mapping

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Vector3
from rclpy.node import Node
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from despite_ros.nodes.messages import header_of, people_to_message
from despite_ros.nodes.qos import RESULTS
from despite_ros.records import NOBODY, PeopleFrame, ReidFrame

LIFETIME = Duration(nanosec=500_000_000)  # a marker that is not renewed goes away
TEXT_HEIGHT = 0.25  # m
NAMED, UNNAMED = (0.2, 0.8, 0.3), (0.6, 0.6, 0.6)


class MarkerPublisher:
    """Publishes markers while somebody looks."""

    def __init__(self, node: Node) -> None:
        self._publisher = node.create_publisher(MarkerArray, "despite/markers", RESULTS)

    @property
    def wanted(self) -> bool:
        """Whether anybody subscribes."""
        return bool(self._publisher.get_subscription_count() > 0)

    def publish(self, markers: Iterable[Marker]) -> None:
        """Publish the markers of one sweep."""
        self._publisher.publish(MarkerArray(markers=list(markers)))


def box_markers(frame: PeopleFrame) -> list[Marker]:
    """A translucent box per person; people that this sweep missed are paler."""
    header = header_of(frame.stamp_ns, frame.frame_id)
    markers = []
    for person, message in zip(frame.people, people_to_message(frame).people, strict=True):
        marker = Marker(header=header, ns="boxes", id=person.track_id, type=Marker.CUBE, lifetime=LIFETIME)
        marker.pose.position = message.pose.position
        marker.scale = message.size
        marker.color = _color(UNNAMED, 0.4 if person.observed else 0.15)
        markers.append(marker)
    return markers


def name_markers(people: PeopleFrame, reid: ReidFrame) -> list[Marker]:
    """A text above every person: name and confidence where known, else the track; and the activity."""
    header = header_of(people.stamp_ns, people.frame_id)
    names = {item.track_id: item for item in reid.assignments if item.track_id != NOBODY}
    activities = {item.track_id: item.label for item in reid.activities}
    markers = []
    for person in people.people:
        assignment = names.get(person.track_id)
        who = f"{assignment.wearer} {assignment.confidence:.0%}" if assignment else f"#{person.track_id}"
        marker = Marker(
            header=header, ns="names", id=person.track_id, type=Marker.TEXT_VIEW_FACING, lifetime=LIFETIME
        )
        x, y, z = map(float, person.position)
        marker.pose.position.x, marker.pose.position.y = x, y
        marker.pose.position.z = z + float(person.size[2]) / 2 + TEXT_HEIGHT
        marker.scale = Vector3(z=TEXT_HEIGHT)
        marker.color = _color(NAMED if assignment else UNNAMED, 1.0)
        marker.text = _lines(who, activities, person.track_id)
        markers.append(marker)
    return markers


def _lines(who: str, activities: Mapping[int, str], track_id: int) -> str:
    return f"{who}\n{activities[track_id]}" if track_id in activities else who


def _color(rgb: tuple[float, float, float], alpha: float) -> ColorRGBA:
    red, green, blue = rgb
    return ColorRGBA(r=red, g=green, b=blue, a=alpha)
