"""AMASS motion (npz of SMPL-H poses): joints by forward kinematics, sensors simulated.

A file holds `poses` (F×156 or F×72 axis-angles, radians, of a joint in its parent's frame), `trans` (F×3 m),
`betas` (16), `gender` and `mocap_framerate`, in a world with z up; the rest pose is SMPL's T-pose (x left,
y up, z forward). Joint positions follow from a body model's file, which its licence lets nobody pass on:
`--models FOLDER` with `male.npz`, `female.npz` and `neutral.npz` (SMPL-H as it comes: `v_template`,
`shapedirs`, `J_regressor`, `kintree_table`). Without one, everybody gets a skeleton whose proportions are
drawn from their name, which carries the poses' rotations just the same.
"""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from despite_ros.arrays import AnyArray, DoubleArray, IntArray
from despite_ros.config import setting
from despite_ros.errors import UserError
from despite_ros.simulation.articulation import random_offsets
from despite_ros.simulation.skeleton import JOINT_INDEX, JOINTS, Motion, place_joints
from training.data.sources.base import Item, MotionSource, Record, Skip, person_of

BONE_JOINTS = [
    JOINT_INDEX[name]
    for name in (
        "pelvis", "spine3", "head", "l_shoulder", "r_shoulder", "l_elbow", "r_elbow", "l_wrist", "r_wrist",
        "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle",
    )
]  # fmt: skip
"""The joint whose frame each of BONES turns with."""
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)  # of SMPL's joints 0–21
BODY_TO_SMPL = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # forward, left, up → SMPL's rest axes
HANDS = (22, 37)  # SMPL-H's first finger joints stand for SMPL's hands
DATASETS = {"CMU": "cmu", "MPI_HDM05": "hdm05", "HDM05": "hdm05"}  # folder → data set as splits name it
LICENCE = "AMASS (non-commercial research)"


@dataclass(frozen=True)
class AmassSource(MotionSource):
    """AMASS files below DATASET/SUBJECT folders, with simulated LiDAR and IMUs."""

    models: str = setting("", "folder of SMPL-H body models (male.npz, ...); without: made-up proportions")

    def items(self) -> Iterator[Item | Skip]:
        """Pieces of every motion file.

        Raises:
            UserError: no motion files there.
        """
        files = sorted(file for file in self.path.rglob("*.npz") if file.stem != "shape")
        if not files:
            raise UserError(f"{self.path}: no AMASS files (DATASET/SUBJECT/*.npz) in this folder or below")
        for file in files:
            name = "/".join(file.relative_to(self.path).with_suffix("").parts)
            try:
                archive = np.load(file)
                duration = (len(archive["trans"]) - 1) / _rate(archive)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                yield Skip(name, str(file), f"not an AMASS motion file ({error})")
                continue
            yield from self.pieces(file, name, _person(file), duration)

    def read(self, item: Item) -> Record:
        """Simulate one piece of a file."""
        clip = _clip(item.file, self.models)
        return self.simulated(item, clip, self.group_for(clip.person))


@lru_cache(maxsize=1)
def _clip(file: str, models: str) -> Motion:
    archive, person = np.load(file), _person(Path(file))
    poses = np.asarray(archive["poses"], float)
    if poses.ndim != 2 or poses.shape[1] < 3 * len(PARENTS):
        raise UserError(f"{file}: `poses` has shape {poses.shape}, expected F×156 or F×72")
    frames = world_rotations(poses)
    rotations = np.ascontiguousarray(frames[:, BONE_JOINTS] @ BODY_TO_SMPL, np.float32)
    root = np.asarray(archive["trans"], float)
    if models:
        rest = rest_joints(_model_file(models, str(archive["gender"])), np.asarray(archive["betas"], float))
        joints = placed(root, frames, rest)
    else:
        offsets = random_offsets(np.random.default_rng(zlib.crc32(person.encode())))
        joints = np.asarray(place_joints(root.astype(np.float32), rotations, offsets), float)
    joints[..., 2] -= joints[..., 2].min()
    dataset = person.partition("/")[0]
    return Motion(
        joints.astype(np.float32), rotations, _rate(archive), (), Path(file).stem, person, dataset, LICENCE
    )


def world_rotations(poses: DoubleArray) -> DoubleArray:
    """Axis-angles F×≥66 → F×22×3×3, a joint's frame → world."""
    count = len(PARENTS)
    local = Rotation.from_rotvec(poses[:, : 3 * count].reshape(-1, 3)).as_matrix().reshape(-1, count, 3, 3)
    world = local.copy()
    for joint in range(1, count):
        world[:, joint] = world[:, PARENTS[joint]] @ local[:, joint]
    return np.asarray(world)


def placed(trans: DoubleArray, frames: DoubleArray, rest: DoubleArray) -> DoubleArray:
    """Forward kinematics: trans F×3, joint frames F×22×3×3, rest joints 24×3 (SMPL's axes) → F×24×3."""
    parents = (*PARENTS, JOINT_INDEX["l_wrist"], JOINT_INDEX["r_wrist"])
    joints = np.empty((len(trans), len(JOINTS), 3))
    joints[:, 0] = trans + rest[0]
    for joint in range(1, len(JOINTS)):
        parent = parents[joint]
        joints[:, joint] = joints[:, parent] + frames[:, parent] @ (rest[joint] - rest[parent])
    return joints


def rest_joints(model: Path, betas: DoubleArray) -> DoubleArray:
    """The 24 joints of a body in the rest pose, 24×3 metres, SMPL's axes.

    Raises:
        UserError: the file is no SMPL or SMPL-H model in npz form.
    """
    try:
        archive = np.load(model)
        shapes = archive["shapedirs"][..., : len(betas)]
        vertices = archive["v_template"] + shapes @ betas[: shapes.shape[-1]]
        joints = archive["J_regressor"] @ vertices
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{model}: not a body model with v_template, shapedirs and J_regressor as plain arrays ({error})"
        ) from error
    hands: IntArray = np.array(HANDS if len(joints) > len(JOINTS) else (22, 23))
    return np.asarray(joints[np.concatenate([np.arange(22), hands])], float)


def _model_file(models: str, gender: str) -> Path:
    gender = gender.strip("b'\"")
    chosen = Path(models) / f"{gender}.npz"
    return chosen if chosen.exists() else Path(models) / "neutral.npz"


def _rate(archive: AnyArray) -> float:
    return float(archive["mocap_framerate" if "mocap_framerate" in archive else "mocap_frame_rate"])


def _person(file: Path) -> str:
    folder = file.parent.parent.name
    return person_of(DATASETS.get(folder, folder), file.parent.name, file.stem)
