"""Captured motion: reading the packed motion capture files, and varying a clip.

A file holds one person: `fps`, `joint_names`, `bone_names` and, for each trial T, `T/root` (F×3 float32
pelvis path, metres, z up), `T/joints_d2` (72×F int16) and `T/quat_d2` (60×F int16): second differences in
time, modulo 2¹⁶, of the 24×3 joint offsets from the pelvis (0.1 mm) and of the 15×4 bone quaternions
(wxyz, bone → world, 1/32767). `index.csv` beside the files tells what is done in each trial.
"""

import csv
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from despite_ros.activities import ACTIVITIES
from despite_ros.arrays import AnyArray, FloatArray, IntArray
from despite_ros.errors import UserError
from despite_ros.simulation.contacts import settle
from despite_ros.simulation.skeleton import BONE_INDEX, BONES, JOINT_INDEX, JOINTS, LINKS, Motion, Span

LICENCES = {"cmu": "CMU", "reactidle": "MIT", "hdm05": "CC-BY-SA-3.0", "bandai_ds2": "CC-BY-NC-4.0"}
"""Data set → licence of its motion (SPDX where there is one; CMU: free for all uses, not to be resold)."""
SAME_LABEL = {
    "jog": "run", "stand_idle": "stand", "pickup_bend": "bend", "lie_fall": "lie", "throw_ball": "throw",
    "raise_hand": "reach",
}  # fmt: skip
"""Labels of index.csv → ACTIVITIES, where they differ."""
UNKNOWN_PERSON = (
    "c2s"  # clips of a CMU collection whose subjects are not told: no split could hold them apart
)
CHAINS = {"arm": ("upperarm", "forearm", "hand"), "leg": ("thigh", "shank", "foot")}


def load_captured(path: str | Path) -> Iterator[Motion]:
    """The motions of one person's file, in order of their trials' names.

    Raises:
        UserError: the file or its index.csv is missing, or it is not a packed motion capture file.
    """
    path = Path(path)
    try:
        archive = np.load(path)
        trials = sorted({key.split("/")[0] for key in archive.files if "/" in key})
        joint_names, bone_names = tuple(archive["joint_names"]), tuple(archive["bone_names"])
    except (OSError, ValueError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a packed motion capture file ({error})") from error
    if joint_names != JOINTS or bone_names != BONES:
        raise UserError(f"{path}: its joints or bones are not those of despite_ros.simulation.skeleton")
    notes = _index(path.parent / "index.csv")
    for trial in trials:
        yield _motion(archive, trial, notes.get(trial, {}), path)


def load_folder(folder: str | Path) -> Iterator[Motion]:
    """The motions of all files below a folder whose person is known, in order of the files' paths.

    Raises:
        UserError: there is no packed motion capture file, or one cannot be read.
    """
    files = sorted(path for path in Path(folder).rglob("*.npz") if path.stem != UNKNOWN_PERSON)
    if not files:
        raise UserError(f"{folder}: no motion capture files (*.npz) in this folder or below")
    for path in files:
        yield from load_captured(path)


def person_name(folder: str, subject: str) -> tuple[str, str]:
    """Folder and subject as stored → (data set, person as splits name them).

    One person has one name wherever the files lie: `cmu/07` for subject `07` of folder `cmu` and for
    subject `cmu_07` of folder `cmu_walkrunjump`.
    """
    dataset = next((name for name in LICENCES if folder.startswith(name)), folder)
    for prefix in (dataset, "react"):
        subject = subject.removeprefix(f"{prefix}_")
    return dataset, f"{dataset}/{subject}"


def mirror(motion: Motion) -> Motion:
    """Left and right exchanged, seen in a mirror that is the world's x-z plane."""
    flip = np.array([1, -1, 1], np.float32)
    joints = motion.joints[:, _swapped(JOINTS)] * flip
    rotations = motion.rotations[:, _swapped(BONES)] * np.outer(flip, flip)
    return motion.moved(joints, rotations)


def retime(motion: Motion, factor: float) -> Motion:
    """The same path `factor` times as fast, at the same rate, by cubic splines."""
    times = np.arange(motion.frames)
    wanted = np.arange(int((motion.frames - 1) / factor) + 1) * factor
    joints = CubicSpline(times, motion.joints)(wanted)
    quaternions = (
        Rotation.from_matrix(motion.rotations.reshape(-1, 3, 3)).as_quat().reshape(-1, len(BONES), 4)
    )
    turned = np.cumsum(np.sum(quaternions[1:] * quaternions[:-1], -1, keepdims=True) < 0, 0) % 2
    quaternions[1:] *= 1 - 2 * turned
    rotations = Rotation.from_quat(CubicSpline(times, quaternions)(wanted).reshape(-1, 4)).as_matrix()
    spans = (
        span._replace(start_s=span.start_s / factor, end_s=span.end_s / factor) for span in motion.activities
    )
    moved = motion.moved(joints, rotations.reshape(-1, len(BONES), 3, 3))
    return replace(moved, activities=tuple(spans))


def resize(motion: Motion, factor: float) -> Motion:
    """A body `factor` times as tall doing the same; heights above the floor and paths grow alike."""
    return motion.moved(motion.joints * np.float32(factor), motion.rotations)


def mix(motion: Motion, other: Motion, limbs: Sequence[str]) -> Motion:
    """`motion` with whole limbs (of `l_arm`, `r_arm`, `l_leg`, `r_leg`) moving as in `other`.

    A limb keeps its pose relative to the chest or the pelvis, and the length that it has in `motion`. With
    another's legs the body goes where they carry it (`settle`), on a level floor.
    The shorter of the two ends the result, which has no activity where the motions' labels differ.
    """
    frames = min(motion.frames, other.frames)
    joints, rotations = motion.joints[:frames].copy(), motion.rotations[:frames].copy()
    for limb in limbs:
        side, kind = limb.split("_")
        trunk = BONE_INDEX["chest" if kind == "arm" else "pelvis"]
        change = rotations[:, trunk] @ other.rotations[:frames, trunk].transpose(0, 2, 1)
        for bone in CHAINS[kind]:
            name = f"{side}_{bone}"
            rotations[:, BONE_INDEX[name]] = change @ other.rotations[:frames, BONE_INDEX[name]]
            _follow(motion, name, joints, rotations)
    if any(limb.endswith("leg") for limb in limbs):
        joints = settle(joints, motion.rate)
    return replace(motion.moved(joints, rotations), activities=_common(motion, other, frames))


def _follow(motion: Motion, bone: str, joints: FloatArray, rotations: FloatArray) -> None:
    """Put the joints at the end of a re-oriented bone in place, in `joints`."""
    for link in LINKS:
        if link.bone == bone:
            child, parent = JOINT_INDEX[link.joint], JOINT_INDEX[link.parent]
            step = motion.joints[: len(joints), child] - motion.joints[: len(joints), parent]
            old = motion.rotations[: len(joints), BONE_INDEX[bone]]
            local = np.einsum("fji,fj->fi", old, step)
            joints[:, child] = joints[:, parent] + np.einsum(
                "fij,fj->fi", rotations[:, BONE_INDEX[bone]], local
            )


def _common(motion: Motion, other: Motion, frames: int) -> tuple[Span, ...]:
    end = (frames - 1) / motion.rate
    labels = {span.label for span in (*motion.activities, *other.activities)}
    return (Span(0.0, end, labels.pop()),) if len(labels) == 1 else ()


def _swapped(names: tuple[str, ...]) -> IntArray:
    other = {"l": "r", "r": "l"}
    return np.array([names.index(other[n[0]] + n[1:] if n[1] == "_" else n) for n in names])


def _motion(archive: AnyArray, trial: str, notes: dict[str, str], path: Path) -> Motion:
    root = archive[f"{trial}/root"].astype(np.float32)
    joints = _undo_differences(archive[f"{trial}/joints_d2"]).reshape(-1, len(JOINTS), 3) * np.float32(1e-4)
    wxyz = _undo_differences(archive[f"{trial}/quat_d2"]).reshape(-1, 4)
    rotations = Rotation.from_quat(wxyz[:, [1, 2, 3, 0]]).as_matrix().reshape(-1, len(BONES), 3, 3)
    rate = float(archive["fps"])
    label = notes.get("activity", "")
    label = SAME_LABEL.get(label, label)
    end = (len(root) - 1) / rate
    span = Span(0.0, end, label if label in ACTIVITIES else "", notes.get("description", ""))
    dataset, person = person_name(path.parent.name, path.stem)
    return Motion(
        np.ascontiguousarray(joints + root[:, None], np.float32),
        np.ascontiguousarray(rotations, np.float32),
        rate, (span,), trial, person, dataset, LICENCES.get(dataset, "unknown"),
    )  # fmt: skip


def _undo_differences(second: AnyArray) -> FloatArray:
    """D×F int16 second differences modulo 2¹⁶ → F×D float32."""
    whole = np.cumsum(np.cumsum(second, 1, dtype=np.int16), 1, dtype=np.int16)
    return whole.T.astype(np.float32)


def _index(path: Path) -> dict[str, dict[str, str]]:
    try:
        with path.open(newline="") as file:
            return {row["trial"]: row for row in csv.DictReader(file)}
    except (OSError, KeyError) as error:
        raise UserError(f"{path}: needed beside the motion files, one row a trial ({error})") from error
