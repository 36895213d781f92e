"""What is wrong inside a recording costs the messages concerned, is counted, and said in words."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from despite_ros.bags.reader import Recording
from despite_ros.bags.replay import Replay
from despite_ros.bags.sightings import ReadingOptions
from despite_ros.cli import main
from despite_ros.motion.wearers import parse_wearers
from despite_ros.pipeline import Pipeline
from despite_ros.settings import Settings
from tests.bags.recordings import IMU, POINT_CLOUD, STEP_NS, cloud_message, imu_message, write_ros2
from tests.encoders.made_up_model import write_model
from tests.fake_encoders import FakeEncoders

STORE = get_typestore(Stores.ROS2_JAZZY)
CLOUDS, IMUS = "/lidar/points", "/alice/left_forearm/imu"
WEARERS = {"wearers": {"alice": {"left_forearm": {"topic": IMUS}}}}
SWEEPS = 10
Message = tuple[str, str, bytes]  # topic, type, serialised


def cloud(index: int, stamp_ns: int | None = None, frame: str = "lidar", **changes: Any) -> bytes:
    """A good cloud but for the changes."""
    message: Any = cloud_message(STORE, (index + 1) * STEP_NS if stamp_ns is None else stamp_ns)
    message = dataclasses.replace(message, **changes)
    message.header.frame_id = frame
    return bytes(STORE.serialize_cdr(message, POINT_CLOUD))


def good(index: int) -> list[Message]:
    sample = bytes(STORE.serialize_cdr(imu_message(STORE, (index + 1) * STEP_NS - 10), IMU))
    return [(IMUS, IMU, sample), (CLOUDS, POINT_CLOUD, cloud(index))]


def every_other(wrong: Callable[[int], list[Message]]) -> Callable[[int], list[Message]]:
    return lambda index: wrong(index) if index % 2 else good(index)


def only_clouds(**changes: Any) -> Callable[[int], list[Message]]:
    return every_other(lambda index: [(CLOUDS, POINT_CLOUD, cloud(index, **changes))])


NAN = np.full(300, np.nan, np.float32).view(np.uint8)
TEXT = "std_msgs/msg/String"
# what is wrong → (messages of a sweep, sweeps that are processed, kind of fault, how often)
DAMAGES: dict[str, tuple[Callable[[int], list[Message]], int, str, int]] = {
    "absurd width": (only_clouds(width=2**31), 5, "cloud", 5),
    "absurd width and height": (only_clouds(width=2**32 - 1, height=2**32 - 1), 5, "cloud", 5),
    "no size of a point": (only_clouds(point_step=0, row_step=0, height=2**20), 5, "cloud", 5),
    "no fields": (only_clouds(fields=[]), 5, "cloud", 5),
    "no data": (only_clouds(data=np.zeros(0, np.uint8)), 5, "cloud", 5),
    "only NaN": (only_clouds(data=NAN), 10, "empty_cloud", 5),
    "repeated stamps": (only_clouds(stamp_ns=STEP_NS), 5, "cloud", 5),
    "no transform": (only_clouds(frame="elsewhere"), 5, "transform", 5),
    "undecodable cloud": (
        every_other(lambda i: [(CLOUDS, POINT_CLOUD, bytes(range(4 + i)))]),
        5,
        "undecodable",
        5,
    ),
    "undecodable sample": (lambda i: [(IMUS, IMU, b"\0\1\0\0abc"), good(i)[1]], 10, "undecodable", 10),
    "topic of another type": (
        lambda i: [(IMUS, TEXT, bytes(STORE.serialize_cdr(STORE.types[TEXT]("x"), TEXT))), good(i)[1]],
        10,
        "imu_topic",
        1,
    ),
}


def write(path: Path, messages: Callable[[int], list[Message]]) -> Path:
    """A bag folder of `SWEEPS` sweeps, each with the messages that are given for it."""
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections: dict[str, Any] = {}
        for index in range(SWEEPS):
            for topic, kind, data in messages(index):
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
                writer.write(connections[topic], (index + 1) * STEP_NS, data)
    return path


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_rest_is_processed(damage: str, tmp_path: Path) -> None:
    messages, sweeps, kind, count = DAMAGES[damage]
    wearers = parse_wearers(WEARERS, "test")
    with Recording(write(tmp_path / "bag", messages)) as recording:
        pipeline = Pipeline(Settings(), wearers, FakeEncoders())  # type: ignore[arg-type]
        replay = Replay(recording, pipeline, ReadingOptions(wearers))
        assert len(list(replay.sweeps())) == sweeps
        faults = (recording.faults, replay.faults, pipeline.reidentifier.faults)
    assert sum(found.counts[kind] for found in faults) == count
    lines = [line for found in faults for line in found.lines]
    assert any(CLOUDS in line or IMUS in line for line in lines)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--truth", "no_people.jsonl"], "expected 'people'"),
        (["--truth", "no_place.jsonl"], "name, x, y, z and points"),
        (["--truth", "binary.jsonl"], "expected a JSON object"),
        (["--truth", "."], "expected one JSON object a line"),
        (["--out", "binary.jsonl"], "cannot be the folder"),
        (["--fixed-frame", "map"], "not one sweep could be processed"),
        (["--lidar", "/nowhere"], "no PointCloud2 topic '/nowhere'"),
        (["--rate", "nan"], "expected 'max'"),
    ],
)
def test_what_cannot_be_done_ends_with_one_line(
    words: list[str],
    reason: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("no_people.jsonl").write_text('{"stamp_ns": 1, "people": 3}\n')
    Path("no_place.jsonl").write_text('{"stamp_ns": 1, "people": [{"name": "x"}]}\n')
    Path("binary.jsonl").write_bytes(b"\xff\xfe\0\n")
    write_ros2(Path("bag"))
    assert main(["replay", "bag", "--out", "out", "--model", str(model), "--device", "cpu", *words]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("despite replay:") and reason in last


def test_the_truth_of_an_earlier_run_is_not_taken_for_this_one_s(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "truth.jsonl").write_text('{"stamp_ns": 1, "people": []}\n')
    bag = write_ros2(tmp_path / "bag")
    assert main(["replay", str(bag), "--out", str(out), "--model", str(model), "--device", "cpu"]) == 0
    assert not (out / "truth.jsonl").exists()
