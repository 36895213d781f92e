import os
from pathlib import Path

import pytest
from rosbags.rosbag2 import StoragePlugin

from despite_ros.bags.message import IMU, POINT_CLOUD
from despite_ros.bags.reader import Recording
from despite_ros.errors import UserError
from tests.bags.recordings import write_ros1, write_ros2


def stamps(path: Path, kind: str = POINT_CLOUD) -> list[int]:
    with Recording(path) as recording:
        return [message.stamp_ns for message in recording.messages(recording.of_type(kind))]


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_ros2_recordings_are_read_in_order(tmp_path: Path, plugin: StoragePlugin) -> None:
    path = write_ros2(tmp_path / "bag", plugin=plugin)
    assert stamps(path) == [100_000_000 * (i + 1) for i in range(10)]
    assert len(stamps(path, IMU)) == 20


def test_ros1_bag_is_read(tmp_path: Path) -> None:
    assert len(stamps(write_ros1(tmp_path / "old.bag"))) == 10


def test_topics_come_with_type_and_count(tmp_path: Path) -> None:
    with Recording(write_ros2(tmp_path / "bag")) as recording:
        assert recording.topics["/lidar/points"] == (POINT_CLOUD, 10)
        assert recording.duration_s == pytest.approx(0.98, abs=0.01)


def test_storage_file_without_its_folder(tmp_path: Path) -> None:
    (file,) = write_ros2(tmp_path / "bag").glob("*.mcap")
    assert len(stamps(file)) == 10


def test_split_recording_without_index_is_read_file_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "split"
    folder.mkdir()
    for part in range(2):
        (file,) = write_ros2(tmp_path / f"bag{part}").glob("*.mcap")
        file.rename(folder / f"part_{part}.mcap")
    assert len(stamps(folder)) == 20


def cut(tmp_path: Path, keep: float) -> Path:
    (file,) = write_ros2(tmp_path / "bag", sweeps=2000).glob("*.mcap")
    os.truncate(file, int(file.stat().st_size * keep))
    return file


def test_interrupted_recording_is_read_up_to_the_break(tmp_path: Path) -> None:
    with Recording(cut(tmp_path, 0.7)) as recording:
        messages = list(recording.messages(["/lidar/points"]))
        assert 100 < len(messages) < 2000
        assert "cut off in the middle of a record" in recording.breaks[0]


def test_damage_in_the_middle_ends_reading_with_a_reason(tmp_path: Path) -> None:
    (file,) = write_ros2(tmp_path / "bag", sweeps=2000).glob("*.mcap")
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 2)
        stream.write(b"\xff" * 5000)
    with Recording(file) as recording:
        messages = list(recording.messages(["/lidar/points"]))
        assert len(messages) < 2000
        assert recording.breaks


def test_huge_sparse_file_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "huge.mcap"
    with path.open("wb") as stream:
        stream.write(b"\x89MCAP0\r\n")
        stream.truncate(10 * 2**30)
    with pytest.raises(UserError, match="damaged at byte 8"):
        Recording(path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.mcap", b"", "the file is empty"),
        ("text.mcap", b"hello world, this is no recording", "not an MCAP file"),
        ("text.db3", b"hello world, this is no recording", "cannot be read"),
        ("text.bag", b"hello world, this is no recording", "cannot be read"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=reason):
        Recording(tmp_path / name)


def test_missing_and_empty_folders_say_what_would_be_right(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give a bag folder"):
        Recording(tmp_path / "nothing")
    with pytest.raises(UserError, match=r"expected metadata\.yaml"):
        Recording(tmp_path)
