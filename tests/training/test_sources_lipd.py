"""LIPD with BABEL's descriptions, on small files in their exact formats."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from despite_ros.arrays import AnyArray
from despite_ros.errors import UserError
from despite_ros.limbs import unpack_channels
from training.data.batches import gather
from training.data.convert import convert
from training.data.sources.babel import CLASSES, file_key, spans_of
from training.data.sources.base import Item
from training.data.sources.lipd import LipdSource
from training.data.store import SequenceStore
from training.tasks.recognition import LabelledWindows

RNG = np.random.default_rng(0)
Released = tuple[Path, str]  # the folders of LIPD and BABEL


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
