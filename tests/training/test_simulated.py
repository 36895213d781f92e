from pathlib import Path

import numpy as np
import pytest

from despite_ros.errors import UserError
from despite_ros.limbs import LIMBS, unpack_channels
from despite_ros.simulation.imu import PERFECT
from despite_ros.simulation.made_up import made_up_motion
from tests.simulation.known_motions import LIMB_BONES
from training.data.simulated import Job, clips_of, fill, imu_channels, main, make, simulate_sequence
from training.data.split import TEST, TRAIN, VALIDATE, group_of
from training.data.store import SequenceStore


def test_people_are_in_one_group_only() -> None:
    assert not set(TRAIN) & set(VALIDATE) | set(TRAIN) & set(TEST) | set(VALIDATE) & set(TEST)
    assert {group_of("cmu/07"), group_of("cmu/13"), group_of("cmu/05")} == {"train", "validate", "test"}
    assert group_of("hdm05/bd") == group_of("bandai_ds2/active") == "test"
    assert group_of("cmu/02") == group_of("cmu/c2s") == ""


def test_a_sequence_follows_from_its_number_alone() -> None:
    job = Job("made_up", 3, "train", seed=5, seconds=3.0)
    (info, once), (_, again) = make(job), make(job)
    np.testing.assert_array_equal(once.crops, again.crops)
    np.testing.assert_array_equal(once.imu, again.imu)
    assert info.group == "train"
    assert once.crops.shape[1:] == (256, 3)
    assert len(once.crops) == len(once.imu) == len(once.joints)


def test_perfect_imus_report_the_bones_orientation() -> None:
    rng = np.random.default_rng(2)
    motion = made_up_motion(rng, 3.0)
    stamps = np.arange(0.5, 2.5, 0.1)
    rotations, _ = unpack_channels(imu_channels(motion, stamps, PERFECT, rng))
    frames = np.rint(stamps * motion.rate).astype(int)
    for place, limb in enumerate(LIMBS):
        true = motion.rotation(LIMB_BONES[limb])[frames]
        cosine = (np.einsum("tij,tij->t", rotations[:, place], true) - 1) / 2
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 8  # clock offset up to 30 ms


def test_everybody_is_seen() -> None:
    rng = np.random.default_rng(4)
    found = simulate_sequence(made_up_motion(rng, 3.0), rng)
    assert found.crops[0].any()
    assert np.abs(found.crops).max() < 3.0


def test_filling_is_resumed_and_does_not_depend_on_workers(tmp_path: Path) -> None:
    jobs = [Job(kind, i, "train", 1, 2.8) for i in range(2) for kind in ("made_up", "parametric")]
    assert fill(tmp_path / "a", jobs[:3], workers=1) == 3
    assert fill(tmp_path / "a", jobs, workers=2) == 1
    assert fill(tmp_path / "b", jobs, workers=1) == 4
    for left, right in zip(
        SequenceStore.open(tmp_path / "a").sequences,
        SequenceStore.open(tmp_path / "b").sequences,
        strict=True,
    ):
        assert left.info == right.info
        np.testing.assert_array_equal(left.crops, right.crops)


def test_captured_motion_needs_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="no motion capture files"):
        clips_of(str(tmp_path), "train")
    assert main([str(tmp_path / "out"), "--captured", "1", "--mocap", str(tmp_path), "--workers", "1"]) == 2
    assert "no motion capture files" in capsys.readouterr().err
