"""The people node in a process of its own: what it makes of good and of bad clouds."""

from collections.abc import Iterator

import numpy as np
import pytest
from despite_msgs.msg import PersonArray
from diagnostic_msgs.msg import DiagnosticStatus
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import PointCloud2, PointField

from tests.ros.harness import (
    PERIOD_NS,
    ROOM,
    START_NS,
    Observer,
    cloud_message,
    node_process,
    process,
    room_points,
    seen,
)

pytestmark = pytest.mark.ros


@pytest.fixture(scope="module")
def people_node(domain: int) -> Iterator[None]:
    with node_process(domain, "people", "nodes.lidar_reliability:=reliable"):
        yield


class Lidar:
    """Publishes the room sweep by sweep, with what is wrong in between."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.frames = observer.listen(PersonArray, "/despite/people")
        self.publisher = observer.publisher(PointCloud2, "/points")
        observer.subscribed(self.publisher)
        observer.wait(lambda: observer.node.count_publishers("/despite/people"))
        self.stamp_ns = START_NS
        while not self.frames:  # the first clouds may be lost while the two find each other
            self.stamp_ns += PERIOD_NS
            self.publish(cloud_message(room_points(0), self.stamp_ns))

    def publish(self, message: PointCloud2) -> None:
        self.publisher.publish(message)
        self.observer.spin(0.06)

    def sweeps(self, count: int) -> list[PersonArray]:
        """Publish good sweeps and wait for the answer to each; the answers."""
        before = len(self.frames)
        for _ in range(count):
            self.stamp_ns += PERIOD_NS
            self.answered(cloud_message(room_points(self.stamp_ns // PERIOD_NS), self.stamp_ns))
        return self.frames[before:]

    def answered(self, message: PointCloud2) -> None:
        answers = len(self.frames)
        self.publisher.publish(message)
        self.observer.wait(lambda: len(self.frames) > answers)


@pytest.fixture(scope="module")
def lidar(observer: Observer, people_node: None) -> Lidar:
    return Lidar(observer)


def test_people_are_followed(lidar: Lidar) -> None:
    frames = lidar.sweeps(12)
    assert len(frames) >= 10
    last = frames[-1]
    assert last.header.frame_id == "lidar"
    stamp_ns = last.header.stamp.sec * 10**9 + last.header.stamp.nanosec
    assert 0 <= lidar.stamp_ns - stamp_ns <= 200_000_000  # a busy machine may skip the newest
    assert seen(last)
    for person in (person for person in last.people if person.points):
        crop = person.crop.reshape(256, 3)
        assert np.abs(crop.mean(axis=0)).max() < 0.1
        assert 0.5 < person.size.z < 2.2
    assert {"points", "people"} <= set(last.counters) and sum(last.latency) > 0
    tracks = [{person.track_id for person in frame.people} for frame in frames[-3:]]
    assert tracks[0] & tracks[1] & tracks[2]


def wrong_clouds(stamp_ns: int) -> dict[str, tuple[PointCloud2, str]]:
    """What is wrong → (a cloud, the kind of fault that is counted)."""
    points = room_points(0)
    good = cloud_message(points, stamp_ns)
    nan = np.full_like(points, np.nan)
    no_z = [*good.fields[:2], PointField(name="intensity", offset=8, datatype=7, count=1)]
    integers = [PointField(name=name, offset=4 * i, datatype=5, count=1) for i, name in enumerate("xyz")]
    return {
        "no z": (cloud_message(points, stamp_ns, fields=no_z), "cloud"),
        "integer fields": (cloud_message(points, stamp_ns, fields=integers), "cloud"),
        "no points": (cloud_message(points[:0], stamp_ns), "empty_cloud"),
        "all NaN": (cloud_message(nan, stamp_ns), "empty_cloud"),
        "truncated": (cloud_message(points, stamp_ns, data=good.data[:-7]), "cloud"),
        "short point_step": (cloud_message(points, stamp_ns, point_step=8), "cloud"),
        "repeated stamp": (cloud_message(points, stamp_ns - PERIOD_NS), "cloud"),
        "older stamp": (cloud_message(points, stamp_ns - 3 * PERIOD_NS), "cloud"),
    }


@pytest.mark.parametrize("wrong", wrong_clouds(0))
def test_wrong_clouds_are_counted_and_nothing_else_is_lost(lidar: Lidar, wrong: str) -> None:
    assert seen(lidar.sweeps(6)[-1])
    observer = lidar.observer
    observer.wait(lambda: "people" in observer.diagnostics)
    cloud, kind = wrong_clouds(lidar.stamp_ns + PERIOD_NS)[wrong]
    before = observer.faults("people").get(kind, 0)
    lidar.stamp_ns += PERIOD_NS
    lidar.publish(cloud)
    observer.wait(lambda: observer.faults("people").get(kind, 0) > before)
    assert seen(lidar.sweeps(3)[-1])


@pytest.mark.parametrize("datatype, order", [("<f8", "little"), (">f4", "big"), (">f8", "big")])
def test_other_number_formats_are_read(lidar: Lidar, datatype: str, order: str) -> None:
    size = np.dtype(datatype).itemsize
    for _ in range(4):
        lidar.stamp_ns += PERIOD_NS
        points = room_points(lidar.stamp_ns // PERIOD_NS)
        message = cloud_message(points, lidar.stamp_ns, is_bigendian=order == "big", point_step=3 * size)
        message.row_step = 3 * size * len(points)
        message.fields = [
            PointField(name=name, offset=size * i, datatype=7 if size == 4 else 8, count=1)
            for i, name in enumerate("xyz")
        ]
        message.data = points.astype(datatype).tobytes()
        lidar.answered(message)
        assert seen(lidar.frames[-1])


def test_diagnostics_tell_what_became_of_a_sweep(lidar: Lidar) -> None:
    lidar.sweeps(3)
    statuses = lidar.observer.diagnostics
    lidar.observer.wait(lambda: "clusters →" in statuses["people"].message)
    assert any(item.key == "rate_hz" for item in statuses["people: /points"].values)


def test_a_publisher_that_does_not_fit_is_reported(lidar: Lidar) -> None:
    observer = lidar.observer
    publisher = observer.publisher(PointCloud2, "/points", reliable=False)  # the node asks for reliable ones
    observer.wait(lambda: observer.faults("people").get("incompatible_qos"))
    observer.node.destroy_publisher(publisher)
    assert lidar.sweeps(2)


def test_settings_are_not_changed_while_it_runs(lidar: Lidar) -> None:
    observer = lidar.observer
    client = observer.node.create_client(SetParameters, "/people/set_parameters")
    observer.wait(client.service_is_ready)
    rate = Parameter(name="people.rate", value=ParameterValue(type=ParameterType.PARAMETER_DOUBLE))
    answer = client.call_async(SetParameters.Request(parameters=[rate]))
    observer.wait(answer.done)
    (result,) = answer.result().results
    assert not result.successful and "read-only" in result.reason
    assert lidar.sweeps(2)


def test_a_looping_bag_starts_anew(lidar: Lidar) -> None:
    before = lidar.sweeps(8)[-1]
    lidar.stamp_ns -= 100 * PERIOD_NS
    after = lidar.sweeps(8)[-1]
    assert seen(after)
    assert after.header.stamp.sec < before.header.stamp.sec
    assert max(person.age for person in after.people) < 1.0


def test_a_killed_lidar_is_reported_and_comes_back(domain: int, lidar: Lidar) -> None:
    observer, frames, name = lidar.observer, lidar.frames, "people: /points"
    del frames[:]
    with process(domain, *ROOM) as source:
        observer.wait(lambda: frames and seen(frames[-1]))
        source.kill()
        source.wait()
        took = observer.wait(lambda: observer.diagnostics[name].level == DiagnosticStatus.ERROR, 5.0)
    assert took < 1.0
    assert "silent" in observer.diagnostics[name].message
    del frames[:]
    with process(domain, *ROOM):
        observer.wait(lambda: observer.diagnostics[name].level == DiagnosticStatus.OK)
        observer.wait(lambda: frames and seen(frames[-1]))
