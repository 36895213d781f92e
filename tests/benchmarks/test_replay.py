from itertools import islice
from pathlib import Path

import pytest

from benchmarks.replay import Looped, huge_file
from despite_ros.bags.message import IMU, POINT_CLOUD
from despite_ros.bags.reader import Recording
from tests.bags.recordings import write_ros2

SWEEPS = 4


@pytest.fixture
def room(tmp_path: Path) -> Path:
    bag = write_ros2(tmp_path / "bag", sweeps=SWEEPS)
    (file,) = bag.glob("*.mcap")
    return file.rename(tmp_path / "recording.mcap").parent


def test_a_loop_goes_on_in_time(room: Path) -> None:
    with Looped(room / "recording.mcap") as looped:
        for kind in (POINT_CLOUD, IMU):
            messages = list(islice(looped.messages(looped.of_type(kind)), 3 * SWEEPS))
            stamps = [message.stamp_ns for message in messages]
            assert len(set(stamps)) == 3 * SWEEPS
            assert stamps == sorted(stamps)


def test_a_hole_behind_a_recording_takes_nothing_from_it(room: Path, tmp_path: Path) -> None:
    huge = huge_file(room, tmp_path / "huge.mcap", size=10 * 2**30)
    assert huge.stat().st_blocks * 512 < 2**20
    with Recording(room / "recording.mcap") as whole, Recording(huge) as recording:
        expected = [message.stamp_ns for message in whole.messages(whole.topics)]
        assert [message.stamp_ns for message in recording.messages(recording.topics)] == expected
        assert any("damaged at byte" in line for line in recording.breaks)
