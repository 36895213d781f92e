"""MSR-Action3D, HMPEAR and UTD-MHAD, on small files in their exact formats."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from despite_ros.arrays import AnyArray
from despite_ros.limbs import unpack_channels
from despite_ros.simulation.skeleton import JOINT_INDEX
from training.data.convert import convert
from training.data.sources.base import resampled
from training.data.sources.hmpear import HmpearSource
from training.data.sources.msr_action3d import ACTIONS, MsrAction3dSource
from training.data.sources.utd_mhad import KINECT, UtdMhadSource, wrist_channels
from training.data.store import SequenceStore

RNG = np.random.default_rng(0)


def depth_maps(frames: int) -> AnyArray:
    """Someone 0.5 m wide and 1 m tall, 2.8 m before a camera of 320×240 pixels and focal length 280."""
    maps = np.zeros((frames, 240, 320), "<u4")
    maps[:, 70:170, 135:185] = 2800
    return maps


def write_msr(folder: Path) -> Path:
    folder.mkdir()
    maps = depth_maps(26)
    head = np.array([26, 320, 240], "<u4")
    (folder / "a02_s06_e01_sdepth.bin").write_bytes(head.tobytes() + maps.tobytes())
    row, column = np.nonzero(maps[0])
    cloud = np.stack([(column - 160) * 10, (row - 120) * 10, np.full(len(row), 2800)], -1)
    ragged = np.empty(26, object)
    ragged[:] = [cloud[i:] for i in range(26)]
    np.savez_compressed(folder / "a20_s05_e03_sdepth.npz", point_clouds=ragged)
    np.savez_compressed(folder / "a01_s01_e01_sdepth.npz", point_clouds=np.stack([cloud] * 26))
    np.savez_compressed(folder / "readme.npz", point_clouds=0)
    return folder


def test_msr_action3d_is_read_from_points_and_from_depth_maps(tmp_path: Path) -> None:
    reasons = convert(MsrAction3dSource(write_msr(tmp_path / "msr")), tmp_path / "store", 1)
    assert list(reasons) == ["not named aAA_sSS_eEE with an action of 1 to 20"]
    found = {item.info.name: item for item in SequenceStore.open(tmp_path / "store").sequences}
    assert {name[13:]: item.info.group for name, item in found.items()} == {
        "a01_s01_e01": "train", "a02_s06_e01": "test", "a20_s05_e03": "train",
    }  # fmt: skip
    for item in found.values():
        points = item.points(0)
        assert points.shape == (24, 2048, 3)
        np.testing.assert_allclose(np.ptp(points[0], axis=0), [0.0, 0.49, 0.99], atol=0.03)
    assert found["msr_action3d/a20_s05_e03"].label_at(12) == ACTIONS[19] == "pick up and throw"


def test_a_cut_off_depth_file_is_skipped(tmp_path: Path) -> None:
    head = np.array([9, 320, 240], "<u4")
    (tmp_path / "a02_s06_e01_sdepth.bin").write_bytes(head.tobytes() + depth_maps(1).tobytes())
    (reason,) = convert(MsrAction3dSource(tmp_path), tmp_path / "store", 1)
    assert "are not frames × columns × rows" in reason


def test_hmpear_people_stand_upright(tmp_path: Path) -> None:
    person = np.column_stack(
        [RNG.uniform(-0.2, 0.2, 700), RNG.uniform(-0.9, 0.9, 700), RNG.normal(8, 0.05, 700)]
    )
    entry = {"seqname": "0401_zjf_action_01", "action": 7, "human_pc": [person[i:] for i in range(25)]}
    (tmp_path / "label").mkdir()
    (tmp_path / "label" / "train_act.pkl").write_bytes(pickle.dumps([entry, {"seqname": "x"}]))
    (tmp_path / "label" / "test_act.pkl").write_bytes(
        pickle.dumps({0: entry | {"seqname": "0402_abc_action_01"}})
    )
    reasons = convert(HmpearSource(tmp_path), tmp_path / "store", 1)
    assert list(reasons) == ["no `seqname`, `action` and `human_pc`"]
    train, test = SequenceStore.open(tmp_path / "store").sequences
    assert (train.info.person, train.info.group, train.label_at(12)) == ("hmpear/zjf", "train", "7")
    assert (test.info.person, test.info.group) == ("hmpear/abc", "test")
    points = train.points(0)
    assert points.shape == (24, 1024, 3)
    assert np.ptp(points[0, :, 2]) > 1.7 and np.ptp(points[0, :, 1]) < 0.45


def test_frames_are_resampled_to_ten_a_second() -> None:
    np.testing.assert_array_equal(resampled(41, 20.0), np.arange(0, 41, 2))
    frames = resampled(60, 16.0)
    assert np.abs(frames / 16.0 - np.arange(len(frames)) / 10).max() <= 0.5 / 16


def test_a_wrist_at_rest_is_level_and_free_of_gravity() -> None:
    imu = np.tile(np.array([0.6, 0.0, 0.8, 0, 0, 0], np.float32), (200, 1))
    rotations, accelerations = unpack_channels(wrist_channels(imu, 50.0, np.arange(0, 200, 5.0)))
    np.testing.assert_allclose(rotations[:, 3] @ [0.6, 0, 0.8], np.tile([0, 0, 1], (40, 1)), atol=1e-3)
    assert np.abs(accelerations).max() < 0.02
    assert not rotations[:, :3].any()


def test_a_turning_wrist_turns_as_fast_as_its_gyroscope_says() -> None:
    imu = np.tile(np.array([0, 0, 1.0, 0, 0, 45.0], np.float32), (200, 1))
    rotations, _ = unpack_channels(wrist_channels(imu, 50.0, np.arange(0, 200, 5.0)))
    heading = np.unwrap(np.arctan2(rotations[:, 3, 1, 0], rotations[:, 3, 0, 0]))
    assert heading[30] - heading[0] == pytest.approx(np.radians(45) * 3.0, rel=0.02)


def write_utd(folder: Path) -> Path:
    folder.mkdir()
    rows = ["key,subject,action,name,trial,frames,imu_samples,fps,imu_site"]
    for subject in (1, 5, 6, 7):
        arrays: dict[str, Any] = {
            "point_unit_m": 0.004,
            "imu_hz": 50.0,
            "actions": np.array([f"action_{i}" for i in range(1, 28)]),
        }
        for action in (3, 22):
            key = f"a{action}_s{subject}_t1"
            arrays[f"{key}/points"] = RNG.normal(0, 60, (60, 256, 3)).astype(np.int16)
            arrays[f"{key}/imu"] = np.tile(np.array([0, 0, 1, 0, 0, 0], np.float32), (150, 1))
            arrays[f"{key}/skel"] = RNG.normal(0, 1, (60, 20, 3)).astype(np.float16)
            rows.append(f"{key},{subject},{action},action_{action},1,60,150,20.0,x")
        np.savez(folder / f"s{subject}.npz", **arrays)
    (folder / "index.csv").write_text("\n".join(rows))
    return folder


def test_utd_mhad_is_split_by_subject_and_its_sealed_people_are_refused(tmp_path: Path) -> None:
    reasons = convert(UtdMhadSource(write_utd(tmp_path / "utd")), tmp_path / "store", 1)
    assert reasons == {"utd_mhad/7 belongs to the sealed test set": 2}
    found = {item.info.name: item for item in SequenceStore.open(tmp_path / "store").sequences}
    assert [item.info.group for item in found.values()] == ["train"] * 2 + ["validate"] * 2 + ["test"] * 2
    wrist, thigh = found["utd_mhad/a3_s1_t1"], found["utd_mhad/a22_s1_t1"]
    assert wrist.info.modalities == ("points", "imu", "skeleton")
    assert thigh.info.modalities == ("points", "skeleton")
    assert wrist.info.frames == 30 and wrist.label_at(29) == "action_3"


def test_kinect_joints_find_their_names() -> None:
    assert set(KINECT) < set(JOINT_INDEX) and len(set(KINECT)) == 20
