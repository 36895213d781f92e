from pathlib import Path

import numpy as np
import pytest

from despite_ros.bags.view import Target, Viewer
from despite_ros.records import Activity, Assignment, PeopleFrame, Person, ReidFrame, State


def test_sweeps_are_written_to_a_file(tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="needs the extra 'view'")
    viewer = Viewer(Target(tmp_path / "new" / "scene.rrd"))
    person = Person(
        3, np.array([2, 0, 0.9], np.float32), np.array([0.5, 0.5, 1.8], np.float32), np.zeros(3, np.float32),
        np.eye(4, dtype=np.float32), 1.0, 200, np.zeros((256, 3), np.float32),
    )  # fmt: skip
    named = Assignment("alice", 3, 0.6, 0.97, 0.5, State.ASSIGNED)
    reid = ReidFrame(0, ("alice",), (3,), np.ones((1, 1), np.float32), (named,), (Activity(3, "walk", 0.9),))
    for sweep in range(5):
        people = PeopleFrame(sweep * 100_000_000, "lidar", (person,))
        points = np.random.default_rng(sweep).normal(size=(1000, 3)).astype(np.float32)
        viewer.cloud(points, people.stamp_ns, np.eye(4))
        viewer.people(people, reid)
    viewer.cloud(np.zeros((0, 3), np.float32), 10**9)
    viewer.people(PeopleFrame(10**9, "lidar", ()), reid)
    viewer.close()
    assert (tmp_path / "new" / "scene.rrd").stat().st_size > 10_000
