"""Sources of recordings, on small files in their exact formats."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from despite_ros.arrays import AnyArray
from despite_ros.errors import UserError
from despite_ros.limbs import unpack_channels
from despite_ros.simulation.skeleton import JOINT_INDEX
from training.data.batches import gather
from training.data.convert import convert
from training.data.sources.babel import CLASSES, file_key, spans_of
from training.data.sources.base import Item, resampled
from training.data.sources.hmpear import HmpearSource
from training.data.sources.lipd import LipdSource
from training.data.sources.msr_action3d import ACTIONS, MsrAction3dSource
from training.data.sources.unpickling import read_npz_objects, read_pickle
from training.data.sources.utd_mhad import KINECT, UtdMhadSource, wrist_channels
from training.data.store import SequenceStore
from training.tasks.recognition import LabelledWindows

RNG = np.random.default_rng(0)
Reduced = tuple[Callable[..., object], tuple[object, ...]]
Released = tuple[Path, str]  # the folders of LIPD and BABEL


class Evil:
    def __reduce__(self) -> Reduced:
        return (Path.touch, (Path("executed"),))


class EvilArray:
    def __reduce__(self) -> Reduced:
        return (np.load, ("x.npy",))


# --- pickles -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_pickled_arrays_tensors_and_containers_are_read(tmp_path: Path, protocol: int) -> None:
    array, tensor = np.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 4)[:, 1:]
    content = {
        "a": [array, np.float32(2.5), "text", None],
        "b": {"t": tensor, "o": np.array([np.ones(2), np.ones(3)], object)},
    }
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content, protocol))
    found = read_pickle(tmp_path / "x.pkl")
    np.testing.assert_array_equal(found["a"][0], array)
    np.testing.assert_array_equal(found["b"]["t"], tensor.numpy())
    assert found["a"][1:] == [2.5, "text", None]
    assert [len(part) for part in found["b"]["o"]] == [2, 3]


def test_nothing_pickled_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for evil, name in ((Evil(), "touch|getattr"), (EvilArray(), "numpy.*load"), (eval, "builtins.eval")):
        (tmp_path / "x.pkl").write_bytes(pickle.dumps([evil]))
        with pytest.raises(UserError, match=rf"x\.pkl: the pickle asks for `.*({name})"):
            read_pickle(tmp_path / "x.pkl")
    np.savez(tmp_path / "x.npz", point_clouds=np.array([Evil(), None], object))
    with pytest.raises(UserError, match="the pickle asks for"):
        read_npz_objects(tmp_path / "x.npz", "point_clouds")
    assert not (tmp_path / "executed").exists()


def test_a_pickle_hidden_in_a_tensor_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hidden = pickle.dumps(Evil())

    class Storage:
        def __reduce__(self) -> Reduced:
            return (torch.storage._load_from_bytes, (hidden,))

    (tmp_path / "x.pkl").write_bytes(pickle.dumps(Storage()))
    with pytest.raises(UserError):
        read_pickle(tmp_path / "x.pkl")
    assert not (tmp_path / "executed").exists()


def test_damaged_and_missing_pickles_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(np.arange(100))[:60])
    with pytest.raises(UserError, match="damaged"):
        read_pickle(tmp_path / "x.pkl")
    with pytest.raises(UserError, match="cannot be read"):
        read_pickle(tmp_path / "y.pkl")


# --- BABEL ---------------------------------------------------------------------------------------------


def label(raw: str, start: float | None = None, end: float | None = None) -> dict[str, object]:
    times = {} if start is None else {"start_t": start, "end_t": end}
    return {"raw_label": raw, "proc_label": raw, "act_cat": [raw], **times}


def test_frame_labels_become_spans_and_gaps_none() -> None:
    labels = [
        label("walk", 0, 1.0),
        label("transition", 1.0, 1.5),
        label("waves both arms", 1.5, 3.0),
        label("", 3, 4),
    ]
    entry = {"dur": 4.0, "seq_ann": {"labels": [label("all of it")]}, "frame_ann": {"labels": labels}}
    walk, wave = spans_of(entry, 40, 10.0)
    assert (walk.start_s, walk.end_s, walk.label, walk.text) == (0.0, 0.9, "walk", "walk")
    assert (wave.start_s, wave.end_s, wave.label, wave.text) == (1.5, 2.9, "", "waves both arms")


def test_of_overlapping_labels_the_last_counts() -> None:
    labels = [label("walk", 0, 2.0), label("turn", 0.5, 1.0)]
    entry = {"dur": 2.0, "seq_ann": {"labels": []}, "frame_ann": {"labels": labels}}
    assert [span.text for span in spans_of(entry, 20, 10.0)] == ["walk", "turn", "walk"]


def test_captions_are_joined_with_spaces() -> None:
    entry = {
        "dur": 2.0,
        "seq_ann": {"labels": [label("walk"), label("run"), label("transition")]},
        "frame_ann": None,
    }
    (span,) = spans_of(entry, 20, 10.0)
    assert span.text == "walk and run" and span.label == ""
    assert (span.start_s, span.end_s) == (0.0, 1.9)


def test_files_find_each_other_whatever_their_spaces() -> None:
    assert file_key("ACCAD/ACCAD/Female1General_c3d/A1 - Stand_poses.npz") == file_key(
        "ACCAD/ACCAD/Female1General_c3d/A1_-_Stand_stageii"
    )
    assert len(set(CLASSES)) == 29


# --- LIPD ----------------------------------------------------------------------------------------------


def lipd_frame(path: str, points: AnyArray, root: Path) -> dict[str, object]:
    file = root / path.removeprefix("./")
    file.parent.mkdir(parents=True, exist_ok=True)
    points.astype("<f4").tofile(file)
    orientations = np.stack([np.full(9, sensor, np.float32) for sensor in range(6)])
    accelerations = np.stack([np.full(3, 10 * sensor, np.float32) for sensor in range(6)])
    return {
        "pc": path, "imu_ori": orientations, "imu_acc": accelerations,
        "gt_joint": np.arange(72, dtype=np.float32), "gt": np.zeros(72, np.float32),
    }  # fmt: skip


@pytest.fixture
def lipd(tmp_path: Path) -> Released:
    """A small LIPD as released: CMU subjects 07 and 02, LIPD's own training and test parts."""
    root = tmp_path / "LIPD"
    root.mkdir()

    def part(name: str, *prefixes: str) -> None:
        entries = [
            lipd_frame(f"{prefix}/{i:05d}.bin", RNG.normal(3, 0.3, (100 if i else 0, 3)), root)
            for prefix in prefixes
            for i in range(30)
        ]
        (root / name).write_bytes(pickle.dumps(entries))

    part("CMU.pkl", "./CMU/a/b/07/07_01_stageii", "./CMU/a/b/02/02_01_stageii", "./CMU/a/b/08/08_01_stageii")
    part("LIPD_train.pkl", "./LIPD/a/s1/walks")
    part("LIPD_test.pkl", "./LIPD/a/s2/sits")
    babel = tmp_path / "babel"
    babel.mkdir()
    for split, subject, text in (("train", "07", "walk"), ("val", "08", "jump")):
        path = f"CMU/CMU/{subject}/{subject}_01_poses.npz"
        entry = {"feat_p": path, "dur": 3.05, "seq_ann": {"labels": [label(text)]}, "frame_ann": None}
        (babel / f"{split}.json").write_text(json.dumps({"1": entry}))
    return root, str(babel)


def test_lipd_sensors_are_reordered_and_points_centred(lipd: Released) -> None:
    root, _ = lipd
    source = LipdSource(root)
    records = [source.read(item) for item in source.items() if isinstance(item, Item)]
    record = next(record for record in records if record.info.name == "CMU/07/07_01_stageii")
    assert record.points is not None and record.imu is not None and record.joints is not None
    rotations, accelerations = unpack_channels(record.imu)
    np.testing.assert_array_equal(rotations[0, :, 0, 0], [2, 3, 0, 1])
    np.testing.assert_array_equal(accelerations[0, :, 0], [20, 30, 0, 10])
    assert not record.points[0].any()
    assert record.points.shape == (30, 256, 3)
    assert np.abs(np.unique(record.points[1], axis=0).mean(0)).max() < 1e-5
    np.testing.assert_array_equal(record.joints[0].ravel(), np.arange(72))


def split_by(
    version: int, root: Path, babel: str, out: Path
) -> tuple[dict[str, tuple[str, list[str]]], list[str]]:
    """Group and texts of each sequence, and why others are none."""
    reasons = convert(replace(LipdSource(root), babel=babel, version=version), out, 1)
    found = {
        item.info.name: (item.info.group, [s.text for s in item.info.spans])
        for item in SequenceStore.open(out).sequences
    }
    return found, list(reasons)


def test_version_1_is_split_as_lipd_says(lipd: Released, tmp_path: Path) -> None:
    found, reasons = split_by(1, *lipd, tmp_path / "store")
    assert found == {
        "CMU/07/07_01_stageii": ("train", ["walk"]),
        "CMU/08/08_01_stageii": ("train", ["jump"]),
        "LIPD_train/s1/walks": ("train", []),
        "eLIPD/s2/sits": ("test", []),
    }
    assert reasons == ["cmu/02 belongs to the sealed test set"]


def test_version_2_is_split_as_babel_says_and_is_the_recognition_task(lipd: Released, tmp_path: Path) -> None:
    root, babel = lipd
    (Path(babel) / "train.json").write_text(
        json.dumps({"1": {"feat_p": "CMU/CMU/07/07_01_poses.npz", "dur": 9.0, "seq_ann": {"labels": []}}})
    )
    found, reasons = split_by(2, root, babel, tmp_path / "store")
    assert found == {
        "CMU/08/08_01_stageii": ("test", ["jump"]),
        "LIPD_train/s1/walks": ("train", []),
        "eLIPD/s2/sits": ("train", []),
    }
    assert "in neither of BABEL's splits, or of another length there" in reasons
    test = LabelledWindows.of(SequenceStore.open(tmp_path / "store").group("test"))
    assert test.classes == ("jump",) and len(test.labels) == 7
    with pytest.raises(UserError, match="--babel FOLDER"):
        list(replace(LipdSource(root), version=2).items())


def test_the_text_of_a_window_is_that_of_its_13th_frame(lipd: Released, tmp_path: Path) -> None:
    root, babel = lipd
    labels = [label("walk", 0, 1.5), label("run", 1.5, 3.05)]
    entry = {
        "feat_p": "CMU/CMU/07/07_01_poses.npz",
        "dur": 3.05,
        "seq_ann": {"labels": []},
        "frame_ann": {"labels": labels},
    }
    (Path(babel) / "train.json").write_text(json.dumps({"1": entry}))
    convert(replace(LipdSource(root), babel=babel), tmp_path / "store", 1)
    store = SequenceStore.open(tmp_path / "store")
    batch = gather(store, store.windows(), ("imu",))
    assert batch.text[:7] == ("walk",) * 3 + ("run",) * 4
    assert set(batch.text[14:]) == {""}


def test_the_authors_packed_sequences_are_read(tmp_path: Path) -> None:
    points = RNG.normal(0, 0.3, (30, 100, 3)).astype(np.float32)
    tiled = np.concatenate([points, points, points[:, :56]], axis=1)
    imu = RNG.normal(size=(30, 48)).astype(np.float32)
    sequence = {name: torch.tensor(value) for name, value in (
        ("PCD", tiled), ("IMU", imu), ("gt_joint", np.zeros((30, 72))), ("gt", np.zeros((30, 72))),
    )}  # fmt: skip
    (tmp_path / "LIPD_SEQUENCES_256p.pkl").write_bytes(
        pickle.dumps({"eTC": {"s1": {"walking1_stageii": sequence}}})
    )
    source = LipdSource(tmp_path / "LIPD_SEQUENCES_256p.pkl")
    (item,) = source.items()
    assert isinstance(item, Item)
    record = source.read(item)
    assert record.points is not None and record.imu is not None
    assert record.info.name == "eTC/s1/walking1_stageii" and record.info.group == "test"
    np.testing.assert_array_equal(record.imu, imu)
    for crop, cloud in zip(record.points, points, strict=True):
        np.testing.assert_array_equal(crop[0], cloud[0])
        kept = {tuple(point) for point in crop}
        lost = {tuple(point) for point in cloud} - kept
        assert kept <= {tuple(point) for point in cloud}
        assert all(np.dot(point, point) <= 1e-3 for point in lost)  # never sampled, as inside the network


def test_missing_lipd_files_are_told(tmp_path: Path, lipd: Released) -> None:
    with pytest.raises(UserError, match=r"none of LIPD's files"):
        list(LipdSource(tmp_path).items())
    root, _ = lipd
    next((root / "LIPD").rglob("00003.bin")).unlink()
    reasons = convert(LipdSource(root), tmp_path / "store", 1)
    assert any("not the points of a frame" in reason for reason in reasons)


# --- MSR-Action3D and HMPEAR -----------------------------------------------------------------------------


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
    span = found["msr_action3d/a20_s05_e03"].span_at(12)
    assert span and span.label == ACTIONS[19] == "pick up and throw"


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
    assert (train.info.person, train.info.group) == ("hmpear/zjf", "train")
    assert [span.label for span in train.info.spans] == ["7"]
    assert (test.info.person, test.info.group) == ("hmpear/abc", "test")
    points = train.points(0)
    assert points.shape == (24, 1024, 3)
    assert np.ptp(points[0, :, 2]) > 1.7 and np.ptp(points[0, :, 1]) < 0.45


# --- UTD-MHAD --------------------------------------------------------------------------------------------


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
    span = wrist.span_at(29)
    assert wrist.info.frames == 30 and span and span.label == "action_3"


def test_kinect_joints_find_their_names() -> None:
    assert set(KINECT) < set(JOINT_INDEX) and len(set(KINECT)) == 20
