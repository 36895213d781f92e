from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despite_ros.arrays import FloatArray
from despite_ros.errors import UserError
from despite_ros.motion.sampling import farthest_point_sample, make_crop
from despite_ros.simulation.skeleton import Span
from training.data.augment import NONE, PAPER, AugmentSettings, Pose, augment_imu, augment_points
from training.data.batches import UNLABELLED, BatchSource, gather
from training.data.store import CROP_STEP, SequenceInfo, SequenceStore, StoreWriter


def info(
    name: str, group: str = "train", kind: str = "made_up", spans: tuple[Span, ...] = ()
) -> SequenceInfo:
    return SequenceInfo(name, f"person {name}", "test", "MIT", group, kind, 0, 0, spans=spans)


def arrays(rng: np.random.Generator, frames: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    points = np.stack([make_crop(rng.normal(0, 0.3, (300, 3)).astype(np.float32)) for _ in range(frames)])
    imu = rng.normal(size=(frames, 48)).astype(np.float32)
    joints = rng.normal(size=(frames, 24, 3)).astype(np.float32)
    return points, imu, joints


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path / "store") as writer:
        writer.add(info("a", spans=(Span(0.0, 2.0, "walk", "a walk"),)), *arrays(rng, 30))
        writer.add(info("b", group="test"), *arrays(rng, 24))
        writer.add(info("short"), *arrays(rng, 10))
        writer.add(info("c"), *arrays(rng, 40))
    return tmp_path / "store"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    points, imu, joints = arrays(np.random.default_rng(1), 26)
    with StoreWriter(tmp_path) as writer:
        writer.add(info("a", spans=(Span(0.5, 1.0, "sit"),)), points, imu, joints)
    (found,) = SequenceStore.open(tmp_path).sequences
    assert np.abs(found.points(2) - points[2:26]).max() <= CROP_STEP / 2 + 1e-7
    np.testing.assert_array_equal(found.imu, imu)
    np.testing.assert_array_equal(found.skeleton(0), (joints - joints[:, :1])[:24])
    assert found.info.spans == (Span(0.5, 1.0, "sit"),)


def test_windows_are_views_and_never_cross_sequences(folder: Path) -> None:
    store = SequenceStore.open(folder)
    windows = store.windows()
    assert [int((windows.sequence == i).sum()) for i in range(4)] == [7, 1, 0, 17]
    assert all(
        store.sequences[s].info.frames >= t + 24 for s, t in zip(windows.sequence, windows.start, strict=True)
    )
    assert not store.sequences[0].crops.flags.owndata
    assert len(store.windows(stride=8)) == 1 + 1 + 3


def test_groups_stay_apart(folder: Path) -> None:
    store = SequenceStore.open(folder)
    assert [item.info.name for item in store.group("test").sequences] == ["b"]
    assert "b" not in {item.info.name for item in store.group("train").sequences}


def test_a_broken_run_is_continued(folder: Path) -> None:
    with (folder / "crops.i16").open("ab") as file:
        file.write(b"half a frame")
    with StoreWriter(folder) as writer:
        assert writer.names == {"a", "b", "short", "c"}
        points, imu, joints = arrays(np.random.default_rng(5), 24)
        writer.add(info("d"), points, imu, joints)
    last = SequenceStore.open(folder).sequences[-1]
    assert np.abs(last.points(0) - points).max() <= CROP_STEP


def test_a_missing_modality_is_named(tmp_path: Path) -> None:
    with StoreWriter(tmp_path) as writer:
        writer.add(info("a"), points=np.zeros((24, 256, 3), np.float32))
    (found,) = SequenceStore.open(tmp_path).sequences
    assert found.info.modalities == ("points",)
    assert not found.imu.any()


def test_errors_say_what_is_wrong(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match="not a sequence store"):
        SequenceStore.open(tmp_path)
    with StoreWriter(tmp_path / "other") as writer, pytest.raises(UserError, match="imu has shape"):
        writer.add(info("a"), imu=np.zeros((24, 47), np.float32))
    (folder / "imu.f32").write_bytes(b"")
    with pytest.raises(UserError, match="its sequences need"):
        SequenceStore.open(folder)


def test_labels_are_those_of_the_middle_of_the_window(folder: Path) -> None:
    store = SequenceStore.open(folder)
    batch = gather(store, store.windows(), ("imu",))
    assert batch.text[0] == "a walk"
    assert batch.activity[6] != UNLABELLED
    assert batch.activity[-1] == UNLABELLED
    assert batch.points is None


def source(store: SequenceStore, **changes: Any) -> BatchSource:
    values: dict[str, Any] = {"size": 6, "per_sequence": 2, "gap": 5, "settings": NONE, "seed": 3} | changes
    return BatchSource(store.group("train"), ("points", "imu"), **values)


def test_batches_follow_from_seed_and_step(folder: Path) -> None:
    store = SequenceStore.open(folder)
    once, again = (source(store, settings=AugmentSettings()).draw(7) for _ in range(2))
    assert once.points is not None and again.points is not None
    np.testing.assert_array_equal(once.points, again.points)
    assert once.imu is not None and again.imu is not None
    np.testing.assert_array_equal(once.imu, again.imu)
    other = source(store).draw(8)
    assert other.imu is not None and not np.array_equal(once.imu, other.imu)


def test_ranks_share_one_batch(folder: Path) -> None:
    store = SequenceStore.open(folder)
    whole = source(store).draw(1)
    parts = [source(store, rank=rank, world=2).draw(1) for rank in range(2)]
    found = np.concatenate([part.imu for part in parts if part.imu is not None])
    np.testing.assert_array_equal(found, whole.imu)


def test_windows_of_one_sequence_lie_apart(folder: Path) -> None:
    store = SequenceStore.open(folder)
    for step in range(20):
        windows = source(store).choose(np.random.default_rng(step))
        for first, second in windows.start.reshape(-1, 2):
            assert second - first >= 5


def test_batches_of_one_source_hold_it_alone(tmp_path: Path) -> None:
    """All sources as often, however many sequences each has."""
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path) as writer:
        for k in range(12):
            made = info(f"{k}")
            writer.add(replace(made, source="few" if k < 2 else "many"), *arrays(rng, 40))
    store = SequenceStore.open(tmp_path)
    drawn = source(store, single_source=1.0)
    chosen = [drawn.choose(np.random.default_rng(step)).sequence for step in range(40)]
    found = [{drawn.store.sequences[i].info.source for i in windows} for windows in chosen]
    assert all(len(sources) == 1 for sources in found)
    assert 8 < sum(sources == {"few"} for sources in found) < 32


def test_no_augmentation_changes_nothing(folder: Path) -> None:
    rng = np.random.default_rng(0)
    batch = source(SequenceStore.open(folder)).draw(0)
    pose = Pose.draw(len(batch), NONE, rng)
    assert batch.points is not None and batch.imu is not None
    np.testing.assert_allclose(augment_points(batch.points, pose, NONE, rng), batch.points, atol=2e-4)
    np.testing.assert_allclose(augment_imu(batch.imu, pose, NONE, rng), batch.imu, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_varied_crops_are_crops(seed: int) -> None:
    """Mean removed (but for foreign noise), anchors first in sampling order, repeated from the first row."""
    rng = np.random.default_rng(seed)
    points, _, _ = arrays(rng, 24)
    kind = AugmentSettings(
        point_noise=0.0, scale_low=1.0, scale_high=1.0, sparsity=1.0, occlusion=0.5, missed=0.5
    )
    varied = augment_points(points[None], Pose.draw(1, kind, rng), kind, rng)[0]
    assert varied.shape == points.shape
    for crop in varied:
        unique = np.unique(crop, axis=0)
        assert np.abs(unique.mean(0)).max() < 1e-4
        repeats = np.flatnonzero((crop == crop[0]).all(1))
        kept = repeats[1] if len(repeats) > 1 else len(crop)
        order = farthest_point_sample(crop[:kept], min(8, kept))
        np.testing.assert_array_equal(order, np.arange(len(order)))


def test_sparsity_leaves_as_few_points_as_asked_for() -> None:
    crops = np.random.default_rng(1).normal(0.0, 0.3, (64, 24, 256, 3)).astype(np.float32)
    settings = replace(NONE, turn=False, sparsity=1.0, sparsest=8.0)
    rng = np.random.default_rng(2)
    thin = augment_points(crops, Pose.draw(64, settings, rng), settings, rng)
    left = np.array([[len(np.unique(crop, axis=0)) for crop in window] for window in thin]).mean(axis=1)
    assert left.min() < 16 and left.max() > 120


def test_points_and_imu_turn_and_mirror_together() -> None:
    """A limb along which points lie stays along them, whatever the turn."""
    rng = np.random.default_rng(0)
    kind = replace(NONE, turn=True, mirror=0.5)
    count = 16
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    left = np.linalg.qr(np.column_stack([axis, rng.normal(size=(3, 2))]))[0]
    left *= np.sign(np.linalg.det(left))
    imu = np.zeros((count, 24, 48), np.float32)
    imu[..., :9] = imu[..., 9:18] = left.ravel()
    imu[..., 36:39] = imu[..., 39:42] = axis
    line = make_crop((np.linspace(-0.5, 0.5, 256)[:, None] * axis).astype(np.float32))
    points = np.broadcast_to(line, (count, 24, 256, 3)).copy()
    pose = Pose.draw(count, kind, rng)
    assert 0 < pose.mirrored.sum() < count
    turned = augment_points(points, pose, kind, rng)
    channels = augment_imu(imu, pose, kind, rng)
    along = channels[:, 0, :9].reshape(-1, 3, 3)[:, :, 0]
    direction = turned[:, 0] / np.maximum(np.linalg.norm(turned[:, 0], axis=-1, keepdims=True), 1e-9)
    assert (np.abs(np.einsum("bni,bi->bn", direction, along)).max(1) > 0.999).all()
    cosine = np.einsum("bi,bi->b", channels[:, 0, 36:39], along)
    np.testing.assert_allclose(np.abs(cosine), 1.0, atol=1e-5)
    rotations = channels[:, 0, :9].reshape(-1, 3, 3)
    np.testing.assert_allclose(np.linalg.det(rotations), 1.0, atol=1e-5)


def test_missing_sensors_are_zero_everywhere() -> None:
    rng = np.random.default_rng(0)
    imu = np.ones((64, 24, 48), np.float32)
    kind = AugmentSettings(sensor_dropout=1.0)
    channels = augment_imu(imu, Pose.draw(64, kind, rng), kind, rng)
    present = np.abs(channels[:, :, :36].reshape(64, 24, 4, 9)).sum((1, 3)) > 0
    accelerating = np.abs(channels[:, :, 36:].reshape(64, 24, 4, 3)).sum((1, 3)) > 0
    np.testing.assert_array_equal(present, accelerating)
    assert set(present.sum(1)) == {1, 2, 3}


def test_the_papers_augmentation_stays_in_its_bounds() -> None:
    rng = np.random.default_rng(0)
    points = np.zeros((32, 24, 256, 3), np.float32)
    varied = augment_points(points, Pose.draw(32, PAPER, rng), PAPER, rng)
    assert np.abs(varied).max() < (0.3 + 6 * 0.005) * 1.5
    assert np.abs(varied.mean((1, 2))).max() > 0.1
