"""BVH files: parsed, with forward kinematics done."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from despite_ros.arrays import DoubleArray
from despite_ros.errors import UserError


@dataclass(frozen=True)
class Bvh:
    """A parsed file. parents: −1 for the root. offsets: J×3, in the file's unit. End sites have no name.

    positions: F×J×3 in the file's unit and axes. rotations: F×J×3×3, joint → file's axes.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: DoubleArray
    positions: DoubleArray
    rotations: DoubleArray
    rate: float


def parse(text: str, where: str) -> Bvh:
    """The text of a BVH file, with forward kinematics done.

    Raises:
        UserError: it is not BVH; `where` names the file.
    """
    try:
        words = text.split()
        cut = words.index("MOTION")
        names, parents, offsets, channels = _hierarchy(words[1:cut])
        frames, rate = length_of(text)
        values = np.array(words[words.index("Time:", cut) + 2 :], float)[: frames * sum(map(len, channels))]
        values = values.reshape(frames, -1)
    except (ValueError, IndexError, KeyError) as error:
        raise UserError(f"{where}: not a BVH file ({error})") from error
    positions, rotations = _kinematics(parents, offsets, channels, values)
    return Bvh(tuple(names), tuple(parents), offsets, positions, rotations, rate)


def _kinematics(
    parents: Sequence[int], offsets: DoubleArray, channels: Sequence[Sequence[str]], values: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Values F×C of all joints' channels → positions F×J×3 and rotations F×J×3×3."""
    frames = len(values)
    positions = np.empty((frames, len(parents), 3))
    rotations = np.empty((frames, len(parents), 3, 3))
    columns = iter(range(values.shape[1]))
    for joint, parent in enumerate(parents):
        step, turn = np.broadcast_to(offsets[joint], (frames, 3)).copy(), Rotation.identity(frames)
        for channel in channels[joint]:
            value = values[:, next(columns)]
            axis = "XYZ".index(channel[0])
            if channel.endswith("position"):
                step[:, axis] = value
            else:
                turn = turn * Rotation.from_rotvec(np.radians(value)[:, None] * np.eye(3)[axis])
        above = rotations[:, parent] if parent >= 0 else np.eye(3)
        start = positions[:, parent] if parent >= 0 else np.zeros(3)
        positions[:, joint] = start + (above @ step[..., None])[..., 0]
        rotations[:, joint] = above @ turn.as_matrix()
    return positions, rotations


def length_of(text: str) -> tuple[int, float]:
    """Frames and frames a second of a BVH file's text.

    Raises:
        ValueError, IndexError: it is not BVH.
    """
    words = text[text.index("MOTION") :].split(maxsplit=7)
    if words[1] != "Frames:" or words[3:5] != ["Frame", "Time:"]:
        raise ValueError("no `Frames:` and `Frame Time:` after MOTION")
    return int(words[2]), 1.0 / float(words[5])


def _hierarchy(words: Sequence[str]) -> tuple[list[str], list[int], DoubleArray, list[list[str]]]:
    """The words between HIERARCHY and MOTION → names, parents, offsets J×3 and channels of each joint."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[str]] = []
    above = [-1]
    at = 0
    while at < len(words):
        word = words[at]
        if word in ("ROOT", "JOINT", "End"):
            names.append("" if word == "End" else words[at + 1])
            parents.append(above[-1])
            channels.append([])
            at += 2
        elif word == "{":
            above.append(len(names) - 1)
            at += 1
        elif word == "}":
            above.pop()
            at += 1
        elif word == "OFFSET":
            offsets.append([float(value) for value in words[at + 1 : at + 4]])
            at += 4
        elif word == "CHANNELS":
            count = int(words[at + 1])
            channels[-1] = list(words[at + 2 : at + 2 + count])
            at += 2 + count
        else:
            raise ValueError(f"unexpected word '{word}'")
    return names, parents, np.array(offsets), channels
