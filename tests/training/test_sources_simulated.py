"""Sources of motion: packed files, BVH and AMASS, with simulated sensors."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from despite_ros.arrays import AnyArray, DoubleArray
from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.skeleton import BONE_INDEX, JOINT_INDEX, JOINTS, LINKS, Motion
from tests.simulation.test_captured import pack
from training.data import convert
from training.data.sources.amass import AmassSource, rest_joints
from training.data.sources.amass import _clip as read_amass
from training.data.sources.base import Item, Skip
from training.data.sources.bvh import BvhSource
from training.data.sources.bvh_file import parse
from training.data.sources.mocap import MocapSource
from training.data.sources.rig import to_motion
from training.data.store import SequenceStore

MOTION = made_up_motion(np.random.default_rng(8), 4.0)
BVH_NAMES = {
    "pelvis": "Hips", "spine1": "LowerBack", "spine2": "Spine", "spine3": "Spine1", "neck": "Neck",
    "head": "Head",
    **{f"{s[0].lower()}_{ours}": f"{s}{theirs}" for s in ("Left", "Right") for ours, theirs in (
        ("hip", "UpLeg"), ("knee", "Leg"), ("ankle", "Foot"), ("toe", "ToeBase"), ("collar", "Shoulder"),
        ("shoulder", "Arm"), ("elbow", "ForeArm"), ("wrist", "Hand"), ("hand", "FingerBase"),
    )},
}  # fmt: skip
BLENDER_NAMES = {
    "pelvis": "pelvis", "spine1": "spine", "spine2": "spine.001", "spine3": "spine.002", "neck": "neck",
    "head": "face",
    **{f"{s.lower()}_{ours}": f"{theirs}.{s}" for s in "LR" for ours, theirs in (
        ("hip", "thigh"), ("knee", "shin"), ("ankle", "foot"), ("toe", "ball"), ("collar", "shoulder"),
        ("shoulder", "upper_arm"), ("elbow", "forearm"), ("wrist", "palm"), ("hand", "fingers"),
    )},
}  # fmt: skip
Y_UP = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # our world → a BVH's (x left, y up, z forward)
CHILDREN = {joint: [link for link in LINKS if link.parent == joint] for joint in JOINTS}
PARENTS = {link.joint: link.parent for link in LINKS}
BONE_OF = {link.joint: link.bone for link in LINKS} | {link.parent: link.bone for link in reversed(LINKS)}
"""Joint → the bone that turns with it; of several the first, at ends the one before."""


def rest_frames(arms_down: float) -> dict[str, DoubleArray]:
    """Joint → its axes in a rest pose whose arms hang by `arms_down` rad."""
    rest: dict[str, DoubleArray] = {}
    for joint, bone in BONE_OF.items():
        arm = bone.split("_")[-1] in ("upperarm", "forearm", "hand")
        angle = (-arms_down if bone[0] == "l" else arms_down) * arm
        rest[joint] = Y_UP @ Rotation.from_euler("x", angle).as_matrix()
    return rest


def write_bvh(
    motion: Motion, path: Path, arms_down: float = 0.0, names: Mapping[str, str] = BVH_NAMES
) -> Path:
    """Our motion as a BVH of CMU's names, y up, centimetres."""
    rest = rest_frames(arms_down)
    lines = ["HIERARCHY"]
    order: list[str] = []

    def add(joint: str, offset: AnyArray, keyword: str) -> None:
        order.append(joint)
        x, y, z = 100 * offset
        channels = "6 Xposition Yposition Zposition" if keyword == "ROOT" else "3"
        lines.extend([f"{keyword} {names[joint]}", "{", f"OFFSET {x:.6f} {y:.6f} {z:.6f}"])
        lines.append(f"CHANNELS {channels} Zrotation Yrotation Xrotation")
        for link in CHILDREN[joint]:
            step = motion.joint(link.joint)[0] - motion.joint(joint)[0]
            add(link.joint, rest[joint] @ motion.rotation(link.bone)[0].T @ step, "JOINT")
        lines.extend([] if CHILDREN[joint] else ["End Site", "{", "OFFSET 0 0 1", "}"])
        lines.append("}")

    add("pelvis", np.zeros(3), "ROOT")
    turned = {joint: Y_UP @ motion.rotation(bone) @ rest[joint].T for joint, bone in BONE_OF.items()}
    columns = [100 * motion.joint("pelvis") @ Y_UP.T]
    for joint in order:
        above = turned[PARENTS[joint]].transpose(0, 2, 1) if joint in PARENTS else np.eye(3)
        columns.append(Rotation.from_matrix(above @ turned[joint]).as_euler("ZYX", degrees=True))
    rows = [" ".join(f"{value:.5f}" for value in row) for row in np.hstack(columns)]
    lines += ["MOTION", f"Frames: {motion.frames}", f"Frame Time: {1 / motion.rate:.8f}", *rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("names", [BVH_NAMES, BLENDER_NAMES])
@pytest.mark.parametrize("arms_down", [0.0, 0.9])
def test_a_bvh_gives_the_motion_back_whatever_its_rest_pose(
    tmp_path: Path, arms_down: float, names: dict[str, str]
) -> None:
    file = write_bvh(MOTION, tmp_path / "a.bvh", arms_down, names)
    found = to_motion(parse(file.read_text(), "a"), 0.0, "a")
    kept = [i for i, name in enumerate(JOINTS) if not name.endswith("hand")]
    lifted = MOTION.joints - [0, 0, MOTION.joints[..., 2].min()]
    np.testing.assert_allclose(found.joints[:, kept], lifted[:, kept], atol=0.01)
    np.testing.assert_allclose(found.rotations, MOTION.rotations, atol=2e-3)
    assert found.rate == pytest.approx(60.0)


def test_bvh_errors_name_the_joint_and_the_file(tmp_path: Path) -> None:
    text = write_bvh(MOTION.slice(0, 0.1), tmp_path / "a.bvh").read_text()
    with pytest.raises(UserError, match=r"b\.bvh: no joint recognised as l_knee"):
        to_motion(parse(text.replace("LeftLeg", "Strange"), "b.bvh"), 0.0, "b.bvh")
    with pytest.raises(UserError, match=r"c\.bvh: not a BVH file"):
        parse(text.replace("CHANNELS", "CANALS"), "c.bvh")


def test_bvh_people_are_folders_and_broken_files_are_told(tmp_path: Path) -> None:
    write_bvh(MOTION, tmp_path / "anna" / "walk_home.bvh")
    (tmp_path / "anna" / "broken.bvh").write_text("HIERARCHY")
    source = replace(BvhSource(tmp_path), dataset="mine", licence="CC0-1.0", group="validate")
    broken, item = source.items()
    assert isinstance(item, Item) and isinstance(broken, Skip) and "not a BVH file" in broken.reason
    record = source.read(item)
    assert record.info.person == "mine/anna" and record.info.group == "validate"
    assert record.info.spans[0].text == "walk home" and record.info.licence == "CC0-1.0"
    with pytest.raises(UserError, match="unknown group 'trian'"):
        replace(source, group="trian").read(item)


def write_amass(path: Path, poses: DoubleArray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    trans, dmpls = np.zeros((len(poses), 3)), np.zeros((len(poses), 8))
    np.savez(
        path, mocap_framerate=100.0, gender="male", betas=np.zeros(16), poses=poses, trans=trans, dmpls=dmpls
    )
    return path


def upright_poses(frames: int, rng: np.random.Generator) -> DoubleArray:
    """SMPL-H poses of someone upright whose joints turn at random."""
    poses = np.cumsum(rng.normal(0, 0.003, (frames, 156)), 0) + rng.normal(0, 0.4, 156)
    poses[:, :3] = [np.pi / 2, 0, 0]
    return poses


def write_body_model(folder: Path) -> dict[str, DoubleArray]:
    """A made-up body in SMPL-H's format, each joint being one vertex: x left, y up, z forward."""
    rng = np.random.default_rng(1)
    offsets = {
        "l_wrist": (0.25, 0, 0),
        "r_wrist": (-0.25, 0, 0),
        "l_ankle": (0, -0.4, 0),
        "r_ankle": (0, -0.4, 0),
    }
    rest: dict[str, DoubleArray] = {"pelvis": np.zeros(3)}
    for link in LINKS:
        rest[link.joint] = rest[link.parent] + offsets.get(link.joint, rng.normal(0, 0.1, 3))
    vertices = np.zeros((52, 3))
    for name, index in JOINT_INDEX.items():
        vertices[37 if name == "r_hand" else index] = rest[name]
    shapes = rng.normal(0, 0.01, (52, 3, 16))
    np.savez(folder / "male.npz", v_template=vertices, shapedirs=shapes, J_regressor=np.eye(52))
    return rest


def test_an_amass_t_pose_stands_upright_and_faces_minus_y(tmp_path: Path) -> None:
    poses = np.zeros((10, 156))
    poses[:, 0] = np.pi / 2
    motion = read_amass(str(write_amass(tmp_path / "CMU" / "07" / "07_01_poses.npz", poses)), "")
    facing = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(motion.rotations, np.broadcast_to(facing, (10, 15, 3, 3)), atol=1e-6)
    assert motion.person == "cmu/07"
    assert (motion.joint("head") - motion.joint("l_ankle"))[0, 2] > 1.0
    assert (motion.joint("l_wrist") - motion.joint("r_wrist"))[0, 0] > 0.8
    assert motion.joints[..., 2].min() == pytest.approx(0)


@pytest.mark.parametrize("with_model", [False, True])
def test_amass_bones_turn_with_their_joints(tmp_path: Path, with_model: bool) -> None:
    write_body_model(tmp_path)
    file = write_amass(tmp_path / "KIT" / "3" / "a.npz", upright_poses(20, np.random.default_rng(2)))
    motion = read_amass(str(file), str(tmp_path) if with_model else "")
    for bone, start, end, axis in (
        ("l_forearm", "l_elbow", "l_wrist", (0, 1, 0)),
        ("r_forearm", "r_elbow", "r_wrist", (0, -1, 0)),
        ("r_shank", "r_knee", "r_ankle", (0, 0, -1)),
    ):
        step = motion.joint(end) - motion.joint(start)
        direction = step / np.linalg.norm(step, axis=1, keepdims=True)
        np.testing.assert_allclose(motion.rotations[:, BONE_INDEX[bone]] @ axis, direction, atol=1e-5)


def test_the_body_model_gives_the_proportions(tmp_path: Path) -> None:
    rest = write_body_model(tmp_path)
    joints = rest_joints(tmp_path / "male.npz", np.zeros(16))
    np.testing.assert_allclose(joints, [rest[name] for name in JOINTS])
    assert np.abs(rest_joints(tmp_path / "male.npz", np.ones(16)) - joints).max() > 0.01
    with pytest.raises(UserError, match="not a body model"):
        rest_joints(tmp_path / "female.npz", np.zeros(16))


def test_amass_is_converted_and_sealed_people_are_not(tmp_path: Path) -> None:
    poses = upright_poses(400, np.random.default_rng(3))
    for subject in ("02", "07", "13"):
        write_amass(tmp_path / "data" / "CMU" / subject / f"{subject}_01_poses.npz", poses)
    write_amass(tmp_path / "data" / "KIT" / "3" / "short_poses.npz", poses[:50])
    convert.main(["amass", str(tmp_path / "data"), "--out", str(tmp_path / "store"), "--workers", "1"])
    store = SequenceStore.open(tmp_path / "store")
    assert {(item.info.person, item.info.group) for item in store.sequences} == {
        ("cmu/07", "train"), ("cmu/13", "validate"),
    }  # fmt: skip
    skipped = [json.loads(line) for line in (tmp_path / "store" / "skipped.jsonl").read_text().splitlines()]
    assert ["sealed" in line["reason"] for line in skipped] == [True, False]
    assert "shorter than one window" in skipped[1]["reason"]


def test_pieces_of_a_clip_lose_no_window(tmp_path: Path) -> None:
    source = replace(MocapSource(tmp_path), seconds=6.0)
    pieces = [item.payload for item in source.pieces(tmp_path, "a", "cmu/07", 21.3) if isinstance(item, Item)]
    starts = set()
    for begin, end in pieces:
        frames = int((end - begin - 0.2) * 10 + 1e-6) + 1
        starts |= {round(10 * begin) + 2 + i for i in range(frames - FRAMES + 1)}
    assert starts >= set(range(2, 213 - FRAMES + 1))
    assert all(end - begin <= 6.0 for begin, end in pieces)


def test_mocap_is_converted_the_same_by_any_number_of_workers(tmp_path: Path) -> None:
    for folder, subject in (("cmu", "07"), ("cmu", "c2s"), ("cmu", "10"), ("hdm05", "hdm05_bd")):
        pack(tmp_path / "mocap" / folder / f"{subject}.npz", MOTION, "07_01")
    (tmp_path / "mocap" / "cmu" / "99.npz").write_bytes(b"nothing")
    stores = []
    for workers in (1, 2):
        out = tmp_path / f"store{workers}"
        reasons = convert.convert(MocapSource(tmp_path / "mocap"), out, workers)
        stores.append(SequenceStore.open(out).sequences)
        assert sorted(reason.split("(")[0] for reason in reasons) == [
            "cmu/10 belongs to the sealed test set",
            "cmu/c2s: the subjects are not known, so no split could hold them apart",
            "not a packed motion capture file ",
        ]
    assert [item.info for item in stores[0]] == [item.info for item in stores[1]]
    assert [(item.info.person, item.info.group) for item in stores[0]] == [
        ("cmu/07", "train"),
        ("hdm05/bd", "test"),
    ]
    for one, two in zip(*stores, strict=True):
        np.testing.assert_array_equal(one.crops, two.crops)
        np.testing.assert_array_equal(one.imu, two.imu)
    assert stores[0][0].label_at(12) == "run"


def test_motion_files_without_motion_are_an_error(tmp_path: Path) -> None:
    for source in (MocapSource, BvhSource, AmassSource):
        with pytest.raises(UserError, match="in this folder or below"):
            list(source(tmp_path).items())
