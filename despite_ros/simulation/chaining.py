"""Motions one after the other, by one body: aligned where they meet, and blended."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.simulation.contacts import RADII
from despite_ros.simulation.noise import ease
from despite_ros.simulation.skeleton import BONES, LINKS, Motion, heading, place_joints, yaw_matrix

STANDING = 0.05  # quantile of the lowest joint's height that is taken for the floor; below are faults
BLEND = 0.5  # seconds during which one motion turns into the next


def offsets_of(motion: Motion) -> dict[str, FloatArray]:
    """The skeleton of a motion, as `place_joints` takes it: median offsets of joints from their parents."""
    offsets = {}
    for link in LINKS:
        step = motion.joint(link.joint) - motion.joint(link.parent)
        offsets[link.joint] = np.median(np.einsum("fji,fj->fi", motion.rotation(link.bone), step), axis=0)
    return offsets


def retarget(motion: Motion, offsets: Mapping[str, FloatArray]) -> Motion:
    """The same movement by another body, on the floor.

    The path of the pelvis scales with the length of the legs. Rigs differ in where the pelvis is above
    the hips, so heights are set anew: as a whole, that the body stands on the floor when it is lowest.
    """
    scale = _leg(offsets) / _leg(offsets_of(motion))
    joints = place_joints(motion.joint("pelvis") * np.float32(scale), motion.rotations, offsets)
    joints[..., 2] -= np.quantile((joints[..., 2] - RADII).min(axis=1), STANDING)
    return motion.moved(joints, motion.rotations)


def steer(motion: Motion, angle: float) -> Motion:
    """The motion's path bent evenly, by `angle` radians in total (left is positive)."""
    yaws = angle * ease(np.linspace(0, 1, motion.frames))
    turns = np.stack([yaw_matrix(yaw) for yaw in yaws])
    root = motion.joint("pelvis")
    steps = np.einsum("fij,fj->fi", turns[1:], np.diff(root, axis=0))
    path = root[:1] + np.concatenate([np.zeros((1, 3), np.float32), np.cumsum(steps, axis=0)])
    bent = path[:, None] + np.einsum("fij,fkj->fki", turns, motion.joints - root[:, None])
    return motion.moved(bent, turns[:, None] @ motion.rotations)


def chain(first: Motion, second: Motion, blend_s: float = BLEND) -> Motion:
    """`first`, then `second` moved to where and turned to how `first` ends.

    The last `blend_s` seconds of the one pass into the first of the other, so that the result is that
    much shorter than both. Both must have the same skeleton, which is kept.
    """
    overlap = min(round(blend_s * first.rate) + 1, first.frames, second.frames)
    middle = overlap // 2
    second = second.rotate(heading(first, first.frames - overlap + middle) - heading(second, middle))
    shift = first.joints[first.frames - overlap + middle, 0] - second.joints[middle, 0]
    second = second.translate(shift * np.array([1, 1, 0], np.float32))
    share = ease(np.linspace(0, 1, overlap))
    tail, head = first.rotations[-overlap:], second.rotations[:overlap]
    rotations = _between(tail, head, share)
    weight = share[:, None].astype(np.float32)
    root = (1 - weight) * first.joints[-overlap:, 0] + weight * second.joints[:overlap, 0]
    joints = place_joints(root, rotations, offsets_of(first.slice(0, 0)))
    start = (first.frames - overlap) / first.rate
    spans = [span._replace(end_s=min(span.end_s, start + blend_s / 2)) for span in first.activities]
    spans += [
        s._replace(start_s=max(s.start_s, blend_s / 2) + start, end_s=s.end_s + start)
        for s in second.activities
        if s.end_s > blend_s / 2
    ]
    whole = first.moved(
        np.concatenate([first.joints[:-overlap], joints, second.joints[overlap:]]),
        np.concatenate([first.rotations[:-overlap], rotations, second.rotations[overlap:]]),
    )
    return replace(whole, activities=tuple(spans))


def _between(start: FloatArray, end: FloatArray, share: DoubleArray) -> FloatArray:
    """F×15×3×3 on the shortest way from `start` to `end` by `share` (F)."""
    turn = Rotation.from_matrix((start.swapaxes(-1, -2) @ end).reshape(-1, 3, 3)).as_rotvec()
    part = Rotation.from_rotvec(turn * np.repeat(share, len(BONES))[:, None]).as_matrix()
    return (start @ part.reshape(start.shape)).astype(np.float32)


def _leg(offsets: Mapping[str, FloatArray]) -> float:
    lengths = [np.linalg.norm(offsets[f"{side}_{joint}"]) for side in "lr" for joint in ("knee", "ankle")]
    return float(sum(lengths)) / 2
