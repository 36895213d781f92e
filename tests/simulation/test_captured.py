from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from despite_ros.errors import UserError
from despite_ros.simulation.captured import (
    load_captured,
    load_folder,
    mirror,
    mix,
    person_name,
    resize,
    retime,
)
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.skeleton import BONES, JOINTS, LINKS, Motion

MOTION = made_up_motion(np.random.default_rng(8), 2.0)


def second_differences(values: np.ndarray) -> np.ndarray:
    """F×D int16 → D×F, modulo 2¹⁶, so that two cumulative sums give the values back."""
    once = np.diff(values, axis=0, prepend=np.zeros((1, values.shape[1]), np.int16))
    return np.diff(once, axis=0, prepend=np.zeros((1, values.shape[1]), np.int16)).T.astype(np.int16)


def pack(path: Path, motion: Motion, trial: str = "07_01", activity: str = "jog") -> Path:
    """A file in the format that `captured` documents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    root = motion.joint("pelvis")
    joints = np.round((motion.joints - root[:, None]) * 1e4).astype(np.int16).reshape(motion.frames, -1)
    xyzw = Rotation.from_matrix(motion.rotations.reshape(-1, 3, 3)).as_quat()
    wxyz = np.round(xyzw[:, [3, 0, 1, 2]] * 32767).astype(np.int16).reshape(motion.frames, -1)
    arrays: dict[str, Any] = {
        f"{trial}/root": root,
        f"{trial}/joints_d2": second_differences(joints),
        f"{trial}/quat_d2": second_differences(wxyz),
    }
    np.savez(path, fps=60, joint_names=JOINTS, bone_names=BONES, **arrays)
    (path.parent / "index.csv").write_text(f"trial,description,activity\n{trial},runs a bit,{activity}\n")
    return path


def test_a_packed_motion_reads_back(tmp_path: Path) -> None:
    (motion,) = load_captured(pack(tmp_path / "cmu_walkrunjump" / "cmu_07.npz", MOTION))
    np.testing.assert_allclose(motion.joints, MOTION.joints, atol=1e-4)
    np.testing.assert_allclose(motion.rotations, MOTION.rotations, atol=3e-4)
    assert (motion.name, motion.person, motion.source, motion.licence) == ("07_01", "cmu/07", "cmu", "CMU")
    assert motion.label_at(1.0) == "run"
    assert motion.activities[0].text == "runs a bit"


def test_one_person_has_one_name_and_unknown_people_are_left_out(tmp_path: Path) -> None:
    assert person_name("cmu", "07") == person_name("cmu_walkrunjump", "cmu_07") == ("cmu", "cmu/07")
    assert person_name("reactidle", "react_003") == ("reactidle", "reactidle/003")
    assert person_name("hdm05", "hdm05_bd") == ("hdm05", "hdm05/bd")
    assert person_name("bandai_ds2", "bandai_ds2_active") == ("bandai_ds2", "bandai_ds2/active")
    pack(tmp_path / "cmu" / "c2s.npz", MOTION)
    with pytest.raises(UserError, match="no motion capture"):
        list(load_folder(tmp_path))
    pack(tmp_path / "cmu" / "07.npz", MOTION, activity="climb")
    assert [motion.label_at(1.0) for motion in load_folder(tmp_path)] == [""]


def test_a_damaged_file_and_a_missing_index_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"x\.npz: not a packed motion capture file"):
        list(load_captured(tmp_path / "x.npz"))
    path = pack(tmp_path / "y.npz", MOTION)
    (tmp_path / "index.csv").unlink()
    with pytest.raises(UserError, match=r"index\.csv"):
        list(load_captured(path))


def test_the_mirror_of_the_mirror_is_the_motion() -> None:
    once = mirror(MOTION)
    np.testing.assert_allclose(once.joint("l_wrist"), MOTION.joint("r_wrist") * (1, -1, 1), atol=1e-6)
    np.testing.assert_allclose(mirror(once).joints, MOTION.joints, atol=1e-6)
    np.testing.assert_allclose(mirror(once).rotations, MOTION.rotations, atol=1e-6)
    for link in LINKS:  # bones still carry their joints
        step = once.joint(link.joint) - once.joint(link.parent)
        local = np.einsum("fji,fj->fi", once.rotation(link.bone), step)
        assert np.ptp(local, axis=0).max() < 1e-4


def test_retiming_follows_the_same_path() -> None:
    fast = retime(MOTION, 2.0)
    assert fast.duration == pytest.approx(MOTION.duration / 2)
    np.testing.assert_allclose(fast.joints, MOTION.joints[::2], atol=1e-5)
    np.testing.assert_allclose(fast.rotations, MOTION.rotations[::2], atol=1e-4)


def test_a_mixed_limb_moves_as_the_other_and_keeps_its_length() -> None:
    other = made_up_motion(np.random.default_rng(9), 3.0)
    mixed = mix(MOTION, other, ["l_arm"])
    assert mixed.frames == MOTION.frames
    relative = mixed.rotation("chest").swapaxes(1, 2) @ mixed.rotation("l_forearm")
    theirs = (other.rotation("chest").swapaxes(1, 2) @ other.rotation("l_forearm"))[: mixed.frames]
    np.testing.assert_allclose(relative, theirs, atol=1e-5)
    np.testing.assert_array_equal(mixed.joint("r_wrist"), MOTION.joint("r_wrist"))
    for motion in (mixed, MOTION):
        lengths = np.linalg.norm(motion.joint("l_wrist") - motion.joint("l_elbow"), axis=1)
        assert np.ptp(lengths) < 1e-4
    np.testing.assert_allclose(resize(MOTION, 1.1).joints, MOTION.joints * 1.1, rtol=1e-6)
