"""The skeleton that every motion is told on: 24 joints (SMPL's order) and 15 bones with orientations.

A bone's frame is the identity when the person stands in the T-pose facing +x: x forward, y left,
z up. So a left forearm points from elbow to wrist along its own +y, a right one along its own −y,
a shank from knee to ankle along its own −z.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from despite_ros.arrays import AnyArray, FloatArray

JOINTS = (
    "pelvis", "l_hip", "r_hip", "spine1", "l_knee", "r_knee", "spine2", "l_ankle", "r_ankle", "spine3",
    "l_toe", "r_toe", "neck", "l_collar", "r_collar", "head", "l_shoulder", "r_shoulder",
    "l_elbow", "r_elbow", "l_wrist", "r_wrist", "l_hand", "r_hand",
)  # fmt: skip
BONES = (
    "pelvis", "chest", "head", "l_upperarm", "r_upperarm", "l_forearm", "r_forearm", "l_hand", "r_hand",
    "l_thigh", "r_thigh", "l_shank", "r_shank", "l_foot", "r_foot",
)  # fmt: skip
JOINT_INDEX: Mapping[str, int] = {name: index for index, name in enumerate(JOINTS)}
BONE_INDEX: Mapping[str, int] = {name: index for index, name in enumerate(BONES)}
MOTION_RATE = 60.0  # frames a second


class Link(NamedTuple):
    """A joint hangs on `parent`, at a constant offset in the frame of `bone`."""

    joint: str
    parent: str
    bone: str


def _side(side: str) -> tuple[Link, ...]:
    return (
        Link(f"{side}_hip", "pelvis", "pelvis"),
        Link(f"{side}_knee", f"{side}_hip", f"{side}_thigh"),
        Link(f"{side}_ankle", f"{side}_knee", f"{side}_shank"),
        Link(f"{side}_toe", f"{side}_ankle", f"{side}_foot"),
        Link(f"{side}_collar", "spine3", "chest"),
        Link(f"{side}_shoulder", f"{side}_collar", "chest"),
        Link(f"{side}_elbow", f"{side}_shoulder", f"{side}_upperarm"),
        Link(f"{side}_wrist", f"{side}_elbow", f"{side}_forearm"),
        Link(f"{side}_hand", f"{side}_wrist", f"{side}_hand"),
    )


LINKS = (
    Link("spine1", "pelvis", "pelvis"),
    Link("spine2", "spine1", "chest"),
    Link("spine3", "spine2", "chest"),
    Link("neck", "spine3", "chest"),
    Link("head", "neck", "head"),
    *_side("l"),
    *_side("r"),
)
"""The tree of joints, parents before children; the pelvis is its root."""


class Span(NamedTuple):
    """What is done from `start_s` to `end_s` (seconds): a label of ACTIVITIES or "", and free text."""

    start_s: float
    end_s: float
    label: str
    text: str = ""


@dataclass(frozen=True)
class Motion:
    """A body in motion, in a world with z up and the floor at z = 0.

    joints: F×24×3 metres, order of `JOINTS`. rotations: F×15×3×3 bone → world, order of `BONES`.
    rate: frames a second. activities: spans in time order. person: who moved, as used by data splits.
    """

    joints: FloatArray
    rotations: FloatArray
    rate: float = MOTION_RATE
    activities: tuple[Span, ...] = ()
    name: str = ""
    person: str = ""
    source: str = ""
    licence: str = ""

    @property
    def frames(self) -> int:
        """Number of frames F."""
        return len(self.joints)

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last."""
        return (self.frames - 1) / self.rate

    def joint(self, name: str) -> FloatArray:
        """F×3 path of a joint, metres."""
        return self.joints[:, JOINT_INDEX[name]]

    def rotation(self, name: str) -> FloatArray:
        """F×3×3 orientation of a bone."""
        return self.rotations[:, BONE_INDEX[name]]

    def rotate(self, yaw: float) -> "Motion":
        """Turned about the world's vertical axis by `yaw` radians."""
        turn = yaw_matrix(yaw)
        return self.moved(self.joints @ turn.T, turn @ self.rotations)

    def translate(self, offset: ArrayLike) -> "Motion":
        """Moved by `offset` (3 metres, or F×3 for one offset a frame)."""
        step = np.asarray(offset, np.float32)
        return self.moved(self.joints + np.expand_dims(step, -2), self.rotations)

    def slice(self, start_s: float, end_s: float) -> "Motion":
        """The frames from `start_s` to `end_s` seconds (both included), with time starting at 0 again."""
        first = max(0, round(start_s * self.rate))
        last = min(self.frames - 1, round(end_s * self.rate))
        shift = first / self.rate
        spans = (
            span._replace(start_s=max(0.0, span.start_s - shift), end_s=min(end_s, span.end_s) - shift)
            for span in self.activities
            if span.end_s > shift and span.start_s < end_s
        )
        kept = slice(first, last + 1)
        return replace(
            self, joints=self.joints[kept], rotations=self.rotations[kept], activities=tuple(spans)
        )

    def label_at(self, seconds: float) -> str:
        """The activity's label at a time, "" where there is none. Of overlapping spans the last counts."""
        found = [span.label for span in self.activities if span.start_s <= seconds <= span.end_s]
        return found[-1] if found else ""

    def moved(self, joints: AnyArray, rotations: AnyArray) -> "Motion":
        """The same motion with other joints and rotations (cast to contiguous float32)."""
        return replace(
            self,
            joints=np.ascontiguousarray(joints, np.float32),
            rotations=np.ascontiguousarray(rotations, np.float32),
        )


def yaw_matrix(yaw: float) -> FloatArray:
    """3×3 rotation about z by `yaw` radians."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], np.float32)


def heading(motion: Motion, frame: int) -> float:
    """The direction (radians, world) that the pelvis faces in one frame: its x axis, seen from above.

    Where the pelvis points up or down (lying), its z axis tells: feet to head, or the other way round.
    """
    facing = motion.rotations[frame, BONE_INDEX["pelvis"]]
    forward = facing[:2, 0] if np.hypot(*facing[:2, 0]) > 0.3 else -np.sign(facing[2, 0]) * facing[:2, 2]
    return float(np.arctan2(forward[1], forward[0]))


def place_joints(root: FloatArray, rotations: FloatArray, offsets: Mapping[str, FloatArray]) -> FloatArray:
    """Forward kinematics: root F×3 and rotations F×15×3×3 → joints F×24×3.

    offsets: joint → constant offset from its parent (3 metres) in the frame of its link's bone.
    """
    joints = np.empty((len(root), len(JOINTS), 3), np.float32)
    joints[:, 0] = root
    for link in LINKS:
        step = rotations[:, BONE_INDEX[link.bone]] @ np.asarray(offsets[link.joint], np.float32)
        joints[:, JOINT_INDEX[link.joint]] = joints[:, JOINT_INDEX[link.parent]] + step
    return joints
