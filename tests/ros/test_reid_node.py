"""The reid node in a process of its own: people and IMU samples in, names, activities and frames out."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from despite_msgs.msg import ActivityArray, ImuAssignmentArray, PersonArray
from despite_msgs.srv import CalibrateWearer
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import Imu
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from despite_ros.limbs import LIMBS
from despite_ros.motion.wearers import load_wearers
from despite_ros.nodes.messages import header_of, people_to_message
from despite_ros.records import PeopleFrame, Person
from tests.encoders.made_up_model import write_model
from tests.ros.harness import PERIOD_NS, START_NS, Observer, node_process

pytestmark = pytest.mark.ros
NAMES = ("alice", "bob")


@pytest.fixture(scope="module")
def wearers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wearers") / "wearers.yaml"
    content = {name: {limb: {"topic": f"/{name}/{limb}/imu"} for limb in LIMBS} for name in NAMES}
    path.write_text(yaml.safe_dump({"wearers": content}))
    return path


@pytest.fixture(scope="module")
def parameters(wearers: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    model = write_model(tmp_path_factory.mktemp("model"))
    return f"nodes.wearers:={wearers}", f"encoders.model:={model}", "encoders.device:=cpu"


class Room:
    """Two people and two wearers as messages, tick by tick."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.answers = observer.listen(ImuAssignmentArray, "/despite/assignments")
        self.activities = observer.listen(ActivityArray, "/despite/activities")
        self.transforms = observer.listen(TFMessage, "/tf")
        self.people = observer.publisher(PersonArray, "/despite/people")
        self.imus = {
            (name, limb): observer.publisher(Imu, f"/{name}/{limb}/imu", reliable=False)
            for name in NAMES
            for limb in LIMBS
        }
        self.stamp_ns = START_NS

    def ready(self) -> None:
        """Wait for a reid node, and for its first answer."""
        self.observer.subscribed(self.people)
        del self.answers[:]
        self.observer.wait(lambda: self.ticked() and self.answers, 60.0)

    def tick(self) -> None:
        """One sweep and the IMU samples before it."""
        self.stamp_ns += PERIOD_NS
        for publisher in self.imus.values():
            for age in (60_000_000, 10_000_000):
                publisher.publish(imu_message(self.stamp_ns - age))
        self.observer.spin(0.03)
        self.people.publish(people_to_message(people_frame(self.stamp_ns)))
        self.observer.spin(0.03)

    def ticked(self) -> bool:
        """Tick; True, for use in conditions."""
        self.tick()
        return True

    def answered(self, ticks: int) -> ImuAssignmentArray:
        """Tick, waiting for every answer; the last one."""
        for _ in range(ticks):
            count = len(self.answers)
            self.tick()
            self.observer.wait(lambda count=count: len(self.answers) > count)  # type: ignore[misc]
        return self.answers[-1]


@pytest.fixture(scope="module")
def room(observer: Observer) -> Room:
    return Room(observer)


@pytest.fixture(scope="module")
def reid_node(domain: int, room: Room, parameters: tuple[str, ...]) -> Iterator[Room]:
    """The room with a reid node listening, one that was started after another had been killed."""
    with node_process(domain, "reid", *parameters) as first:
        room.ready()
        first.kill()
        first.wait()
    with node_process(domain, "reid", *parameters):
        room.ready()
        yield room


def people_frame(stamp_ns: int) -> PeopleFrame:
    rng = np.random.default_rng(stamp_ns)
    people = []
    for track_id in (3, 7):
        crop = rng.normal(0, (0.2, 0.2, 0.5), (256, 3)).astype(np.float32)
        place, velocity = np.array([track_id, 0, 0.9], np.float32), np.array([0, 1, 0], np.float32)
        size, covariance = np.array([0.5, 0.5, 1.8], np.float32), np.eye(4, dtype=np.float32)
        people.append(Person(track_id, place, size, velocity, covariance, 5.0, 256, crop - crop.mean(axis=0)))
    return PeopleFrame(stamp_ns, "map", tuple(people), {"people": 2}, {"ground": 1.0})


def imu_message(stamp_ns: int, **changes: float) -> Imu:
    message = Imu(header=header_of(stamp_ns, "imu"))
    message.orientation.w = changes.get("w", 1.0)
    message.linear_acceleration.z = changes.get("z", 9.81)
    message.orientation_covariance[0] = changes.get("covariance", 0.0)
    return message


def test_a_node_restarted_after_a_kill_answers_every_sweep(reid_node: Room) -> None:
    answer = reid_node.answered(3)
    assert answer.header.frame_id == "map"
    assert answer.header == header_of(reid_node.stamp_ns, "map")
    assert [item.wearer for item in answer.assignments] == list(NAMES) == list(answer.wearers)
    assert list(answer.track_ids) == [3, 7] and len(answer.similarity) == 4
    assert "encode" in answer.stages and len(answer.latency) == len(answer.stages)


def test_full_windows_have_similarities_and_activities(reid_node: Room) -> None:
    answer = reid_node.answered(26)
    assert all(math.isfinite(value) for value in answer.similarity)
    activities = reid_node.activities[-1]
    assert {item.track_id for item in activities.activities} <= {3, 7}
    assert all(len(item.scores) == len(activities.labels) for item in activities.activities)


def test_markers_come_when_somebody_looks(reid_node: Room) -> None:
    markers = reid_node.observer.listen(MarkerArray, "/despite/markers")
    reid_node.observer.wait(lambda: reid_node.ticked() and markers)
    assert {marker.id for marker in markers[-1].markers} == {3, 7}


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"w": 0.0}, "imu_without_orientation"),
        ({"covariance": -1.0}, "imu_without_orientation"),
        ({"z": math.nan}, "imu_not_finite"),
    ],
)
def test_wrong_samples_are_counted(reid_node: Room, changes: dict[str, float], fault: str) -> None:
    observer = reid_node.observer
    before = observer.faults("reid").get(fault, 0)
    reid_node.imus["alice", "left_shank"].publish(imu_message(reid_node.stamp_ns + 20_000_000, **changes))
    reid_node.answered(2)
    observer.wait(lambda: observer.faults("reid").get(fault, 0) > before)


def test_calibration_is_written_to_the_wearers_file(reid_node: Room, wearers: Path) -> None:
    observer = reid_node.observer
    client = observer.node.create_client(CalibrateWearer, "/despite/calibrate")
    observer.wait(client.service_is_ready)
    reid_node.answered(15)
    wrong = client.call_async(CalibrateWearer.Request(wearer="nobody", pose="t_pose"))
    observer.wait(wrong.done)
    assert not wrong.result().success and "alice" in wrong.result().message
    right = client.call_async(CalibrateWearer.Request(wearer="alice", pose="t_pose", seconds=1.0, save=True))
    observer.wait(right.done)
    assert right.result().success, right.result().message
    assert set(right.result().limbs) == set(LIMBS)
    assert load_wearers(wearers)[0].name == "alice"


def test_silent_sensors_are_named(reid_node: Room) -> None:
    observer, name = reid_node.observer, "reid: /bob/left_shank/imu"
    observer.wait(lambda: observer.diagnostics[name].level == DiagnosticStatus.ERROR)
    reid_node.answered(2)
    observer.wait(lambda: observer.diagnostics[name].level == DiagnosticStatus.OK)


def test_a_looping_bag_starts_anew(reid_node: Room) -> None:
    reid_node.answered(3)
    reid_node.stamp_ns -= 100 * PERIOD_NS
    assert reid_node.answered(3).header == header_of(reid_node.stamp_ns, "map")
    observer = reid_node.observer
    observer.wait(lambda: {"time_back", "imu_time_back"} <= set(observer.faults("reid")))


def test_diagnostics_tell_where_every_wearer_is(reid_node: Room) -> None:
    observer = reid_node.observer
    reid_node.answered(2)
    observer.wait(
        lambda: {"wearer.alice", "wearer.bob"} <= {v.key for v in observer.diagnostics["reid"].values}
    )
