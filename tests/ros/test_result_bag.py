"""`despite replay --bag`: what the results file says is also in the bag, as the nodes' messages."""

import json
from pathlib import Path

import numpy as np
import pytest

from despite_ros.bags.reader import Recording
from despite_ros.bags.writer import write_recording
from despite_ros.cli import main
from despite_ros.simulation.scene import random_scene
from tests.encoders.made_up_model import write_model

pytestmark = pytest.mark.ros
TOPICS = ("/despite/people", "/despite/assignments", "/despite/activities")


def test_results_are_written_as_topics_beside_the_recording(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    room = write_recording(random_scene(np.random.default_rng(3), 2, 1, 0, 3.5, "vlp16"), tmp_path / "room")
    words = ["replay", str(room), "--wearers", str(room / "wearers.yaml"), "--device", "cpu"]
    words += ["--model", str(write_model(tmp_path / "model")), "--out", str(tmp_path / "out"), "--bag"]
    assert main(words) == 0
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    with Recording(tmp_path / "room_despite") as recording:
        assert set(recording.topics) == set(TOPICS)
        found = {topic: list(recording.messages([topic])) for topic in TOPICS}
    for topic in TOPICS:
        assert [message.stamp_ns for message in found[topic]] == [line["stamp_ns"] for line in lines]
    for line, people, names in zip(lines, found[TOPICS[0]], found[TOPICS[1]], strict=True):
        tracks = [person.track_id for person in people.content.people]
        assert tracks == [person["track_id"] for person in line["people"]]
        assert list(names.content.wearers) == line["similarity"]["wearers"] == ["alice"]
    assert any(message.content.people for message in found[TOPICS[0]])
    assert any(message.content.activities for message in found[TOPICS[2]])
    assert main(words) == 2
