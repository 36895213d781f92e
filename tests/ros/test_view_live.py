"""`despite view live` beside nodes: clouds and people end up in the viewer's file."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from despite_msgs.msg import ActivityArray, ImuAssignmentArray, PersonArray
from sensor_msgs.msg import PointCloud2

from despite_ros.nodes.messages import activities_to_message, assignments_to_message, people_to_message
from despite_ros.records import Activity, Assignment, PeopleFrame, Person, ReidFrame, State
from tests.ros.harness import PERIOD_NS, START_NS, Observer, cloud_message, process, room_points

pytest.importorskip("rerun", reason="needs the extra 'view'")
pytestmark = pytest.mark.ros


def found(stamp_ns: int) -> tuple[PeopleFrame, ReidFrame]:
    """One person, called alice."""
    size, zeros = np.array([0.5, 0.5, 1.8], np.float32), np.zeros(3, np.float32)
    crop = np.zeros((256, 3), np.float32)
    person = Person(3, zeros, size, zeros, np.eye(4, dtype=np.float32), 1.0, 200, crop)
    named = Assignment("alice", 3, 0.6, 0.97, 0.5, State.ASSIGNED)
    similarity = np.ones((1, 1), np.float32)
    reid = ReidFrame(stamp_ns, ("alice",), (3,), similarity, (named,), (Activity(3, "walk", 0.9),))
    return PeopleFrame(stamp_ns, "lidar", (person,)), reid


def test_clouds_and_people_are_drawn(domain: int, observer: Observer, tmp_path: Path) -> None:
    clouds = observer.publisher(PointCloud2, "/front/points")
    results = {
        kind: observer.publisher(kind, f"/despite/{name}")
        for name, kind in (
            ("people", PersonArray),
            ("assignments", ImuAssignmentArray),
            ("activities", ActivityArray),
        )
    }
    file = tmp_path / "live.rrd"
    sweeps = itertools.count()

    def drawn() -> bool:
        stamp_ns = START_NS + next(sweeps) % 5 * PERIOD_NS  # time goes back again and again
        people, reid = found(stamp_ns)
        clouds.publish(cloud_message(room_points(0), stamp_ns))
        clouds.publish(cloud_message(room_points(0), stamp_ns, point_step=3))
        results[PersonArray].publish(people_to_message(people))
        results[ImuAssignmentArray].publish(assignments_to_message(reid, "lidar"))
        results[ActivityArray].publish(activities_to_message(reid, "lidar", ["walk"]))
        observer.spin(0.1)
        return file.exists() and file.stat().st_size > 2 * room_points(0).nbytes

    with process(domain, "-m", "despite_ros.cli", "view", "live", "--save", str(file)) as viewer:
        for publisher in (clouds, *results.values()):
            observer.subscribed(publisher)
        observer.wait(drawn, 60.0)
    assert viewer.returncode == 0
    command = [sys.executable, "-m", "rerun", "rrd", "print", str(file)]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert all(path in printed for path in ("/world/cloud/front/points", "/world/people", "/world/trails"))
