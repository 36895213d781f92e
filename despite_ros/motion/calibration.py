"""Mounts and heading from standing still for a few seconds in a known pose, facing along world x."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from scipy.spatial.transform import Rotation

from despite_ros.arrays import AnyArray, DoubleArray
from despite_ros.errors import UserError
from despite_ros.motion.rotations import matrices, yaw
from despite_ros.motion.wearers import Wearer

POSES = ("t_pose", "n_pose")
SECONDS = 3.0
LEAST_SAMPLES = 20
STILLEST = np.radians(5.0)  # largest deviation from the mean orientation that counts as still
COMMON = np.radians(45.0)  # headings of one wearer's sensors closer than this are one heading


def bone_rotation(limb: str, pose: str) -> DoubleArray:
    """Bone → world, 3×3, of a limb in a pose facing world x. In the T-pose all are the identity."""
    if pose == "n_pose" and limb.endswith("forearm"):
        side = -1.0 if limb.startswith("left") else 1.0  # an arm lowered from the T-pose turns about x
        return np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -side], [0.0, side, 0.0]])
    return np.eye(3)


def calibrate(wearer: Wearer, orientations: Mapping[str, AnyArray], pose: str) -> Wearer:
    """The wearer with mounts and heading as they show in a still pose.

    orientations: limb → N×4 xyzw, sensor → IMU world, while standing in `pose` facing world x. Sensors
    without samples keep what they have.

    One pose shows heading and the mount's turn about the vertical only together: each sensor's heading
    is the one that leaves its mount nearest to the present one; sensors that nearly agree share the mean
    (one compass, or one reference), and the mounts take the rest.

    Raises:
        UserError: unknown pose, no samples, or the wearer moved.
    """
    if pose not in POSES:
        raise UserError(f"unknown pose '{pose}'; known are {', '.join(POSES)}")
    if not orientations:
        raise UserError(f"no sensor of '{wearer.name}' is heard; check its topics")
    standing = {limb: still_rotation(rows, f"{wearer.name}.{limb}") for limb, rows in orientations.items()}
    poses = {limb: bone_rotation(limb, pose) for limb in standing}
    mounts = {limb: matrices(np.asarray(wearer.sensors[limb].mount)) for limb in standing}
    headings = {
        limb: _heading(np.linalg.multi_dot([standing[limb], mounts[limb].T, poses[limb].T]))
        for limb in standing
    }
    common = float(np.angle(np.mean(np.exp(1j * np.array(list(headings.values()))))))
    if all(abs(np.angle(np.exp(1j * (heading - common)))) < COMMON for heading in headings.values()):
        headings = dict.fromkeys(headings, common)
    sensors = dict(wearer.sensors)
    for limb, heading in headings.items():
        mount = Rotation.from_matrix(poses[limb].T @ yaw(heading) @ standing[limb])
        x, y, z, w = (round(float(value), 6) for value in mount.as_quat(canonical=True))
        sensors[limb] = replace(sensors[limb], mount=(x, y, z, w), heading=round(heading, 6))
    return replace(wearer, sensors=sensors)


def still_rotation(orientations: AnyArray, where: str) -> DoubleArray:
    """Mean rotation 3×3 of N×4 xyzw.

    Raises:
        UserError: too few samples, or they differ too much for somebody who stands still.
    """
    if len(orientations) < LEAST_SAMPLES:
        raise UserError(
            f"{where}: {len(orientations)} samples while standing, at least {LEAST_SAMPLES} needed"
        )
    rotations = Rotation.from_quat(orientations)
    mean = rotations.mean()
    moved = float((mean.inv() * rotations).magnitude().max())
    if moved > STILLEST:
        raise UserError(
            f"{where}: moved by {np.degrees(moved):.0f}° while calibrating, at most "
            f"{np.degrees(STILLEST):.0f}° are still; stand still for {SECONDS:.0f} s and call again"
        )
    return np.asarray(mean.as_matrix(), np.float64)


def save_wearer(path: str | Path, wearer: Wearer) -> None:
    """Write one wearer's mounts and headings into a wearers file; all else in it stays, comments too.

    Raises:
        UserError: the file cannot be read or written, or does not have these sensors.
    """
    yaml = YAML()
    try:
        content = yaml.load(Path(path))
        for limb, sensor in wearer.sensors.items():
            entry = content["wearers"][wearer.name][limb]
            entry["mount"] = list(sensor.mount)
            entry["heading"] = sensor.heading
        with Path(path).open("w") as file:
            yaml.dump(content, file)
    except (OSError, KeyError, TypeError, YAMLError) as error:
        raise UserError(
            f"{path}: calibration of '{wearer.name}' cannot be written there ({error})"
        ) from error


def _heading(turned: DoubleArray) -> float:
    """Heading h for which Rz(h) · turned is nearest to the identity, radians."""
    return float(np.arctan2(turned[0, 1] - turned[1, 0], turned[0, 0] + turned[1, 1]))
