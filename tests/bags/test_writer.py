import json
from pathlib import Path

import numpy as np
import pytest

from despite_ros.bags.message import IMU, POINT_CLOUD, TRANSFORMS
from despite_ros.bags.reader import Recording
from despite_ros.bags.writer import CLOUD_TOPIC, imu_topic, write_recording
from despite_ros.cli import main
from despite_ros.errors import UserError
from despite_ros.motion.cdr import decode_imu
from despite_ros.motion.wearers import load_wearers
from despite_ros.people.clouds import decode
from despite_ros.simulation.scene import Scene, random_scene


def scene(moving: bool) -> Scene:
    return random_scene(np.random.default_rng(1), 2, 1, 1, seconds=1.5, sensor="vlp16", moving=moving)


@pytest.mark.parametrize("moving", [False, True])
def test_a_recording_reads_back(tmp_path: Path, moving: bool) -> None:
    simulated = scene(moving)
    write_recording(simulated, tmp_path / "bag", point_people=True)
    sweeps = {sweep.stamp_ns: sweep for sweep in simulated.sweeps()}
    truth = [json.loads(line) for line in (tmp_path / "bag" / "truth.jsonl").read_text().splitlines()]
    assert truth == [simulated.truth(sweep) for sweep in sweeps.values()]
    owners = np.load(tmp_path / "bag" / "point_people.npz")
    with Recording(tmp_path / "bag") as recording:
        assert recording.breaks == []
        assert recording.of_type(TRANSFORMS) == ["/tf" if moving else "/tf_static"]
        assert recording.topics[CLOUD_TOPIC] == (POINT_CLOUD, 15)
        messages = list(recording.messages(list(recording.topics)))
    stamps = [message.recorded_ns for message in messages]
    assert stamps == sorted(stamps)
    clouds = [message.content for message in messages if message.topic == CLOUD_TOPIC]
    assert len(clouds) == len(sweeps) == 15
    for message in clouds:
        stamp = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
        layout = (message.point_step, message.row_step, message.width, message.height, message.is_bigendian)
        np.testing.assert_array_equal(decode(message.fields, *layout, message.data), sweeps[stamp].cloud)
        np.testing.assert_array_equal(owners[str(stamp)], sweeps[stamp].person_index)


def test_the_wearers_file_names_the_imus_and_how_they_are_mounted(tmp_path: Path) -> None:
    simulated = scene(False)
    write_recording(simulated, tmp_path)
    wearers = load_wearers(tmp_path / "wearers.yaml")
    assert [wearer.name for wearer in wearers] == ["alice", "carol"]
    with Recording(tmp_path) as recording:
        for wearer, person in zip(wearers, (simulated.people[0], simulated.people[2]), strict=True):
            for limb, sensor in wearer.sensors.items():
                assert sensor.topic == imu_topic(wearer.name, limb)
                assert recording.topics[sensor.topic][0] == IMU
                np.testing.assert_allclose(sensor.mount, person.mounts[limb], atol=1e-5)
        (first, *_) = recording.messages([imu_topic("alice", "left_shank")])
    sample = simulated.imu()["alice"]["left_shank"]
    assert first.recorded_ns == sample.stamps_ns[0]
    np.testing.assert_allclose(
        decode_imu(first.content).linear_acceleration, sample.specific_force[0], rtol=1e-6
    )


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    write_recording(scene(False), tmp_path)
    with pytest.raises(UserError, match=r"holds 'recording\.mcap' already"):
        write_recording(scene(False), tmp_path)


def test_the_command_writes_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--people", "2", "--wearers", "1", "--seconds", "1", "--sensor", "vlp16", "--json"]
    assert main(["simulate", "--out", str(tmp_path / "made"), *flags]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["sweeps"] == 10
    assert summary["people"] == ["alice", "bob"]
    assert (tmp_path / "made" / "recording.mcap").exists()
    assert main(["simulate", "--out", str(tmp_path / "made"), *flags]) == 2
    assert main(["simulate", "--out", str(tmp_path / "other"), "--motions", str(tmp_path), *flags]) == 2
    assert "no motion capture files" in capsys.readouterr().err
