"""Any rig's motion on the 24 joints and 15 bones.

A rig's joints are recognised by their names (`ALIASES`); what it lacks is put between its neighbours. A
bone's frame is calibrated on the rig's rest pose, whatever that is: the bone's rest direction is where
it points in the T-pose, turned the shortest way.
"""

import re
from collections.abc import Mapping

import numpy as np
from scipy.spatial.transform import Rotation

from despite_ros.arrays import DoubleArray
from despite_ros.errors import UserError
from despite_ros.simulation.skeleton import BONE_INDEX, BONES, JOINT_INDEX, JOINTS, Motion
from training.data.sources.bvh_file import Bvh

_SIDED = {
    "hip": ("upleg", "thigh", "hip", "hipjoint", "upperleg"),
    "knee": ("leg", "shin", "knee", "lowleg", "lowerleg", "calf"),
    "ankle": ("ankle", "foot"),
    "toe": ("toebase", "toe", "toes", "foot"),
    "shoulder": ("arm", "shldr", "uparm", "upperarm", "shoulder"),
    "collar": ("collar", "clavicle", "collarbone", "shoulder"),
    "elbow": ("forearm", "elbow", "lowarm", "lowerarm"),
    "wrist": ("wrist", "hand"),
}
ALIASES: Mapping[str, tuple[str, ...]] = {
    "pelvis": ("hips", "hip", "pelvis", "root"),
    "spine1": ("lowerback", "spine", "abdomen", "spine1", "chest"),
    "spine2": ("spine", "spine1", "spine001", "spine2", "chest", "chest2"),
    "spine3": ("spine1", "spine2", "spine002", "spine3", "chest", "chest2", "chest3", "upperchest"),
    "neck": ("neck", "neck1"),
    "head": ("head",),
    **{
        f"{side[0]}_{joint}": tuple(
            form for name in names for form in (side + name, side[0] + name, name + side, name + side[0])
        )
        for side in ("left", "right")
        for joint, names in _SIDED.items()
    },
}
"""Joint → names that rigs give it: letters and digits, lower case, without prefix (`mixamorig:`)."""
ABOVE = {"head": "neck", **{f"{s}_{joint}": f"{s}_{above}" for s in "lr" for joint, above in (
    ("wrist", "elbow"), ("toe", "ankle"),
)}}  # fmt: skip
"""Joints at ends, and the one whose first child they are where a rig calls them something else."""
ENDS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
NEEDED = ("pelvis", "head", *(f"{side}_{joint}" for side in "lr" for joint in ENDS))
BONE_ENDS: Mapping[str, tuple[str, str, tuple[float, float, float]]] = {
    f"{s}_{bone}": (start, end, axis)
    for s, y in (("l", 1.0), ("r", -1.0))
    for bone, start, end, axis in (
        ("upperarm", f"{s}_shoulder", f"{s}_elbow", (0.0, y, 0.0)),
        ("forearm", f"{s}_elbow", f"{s}_wrist", (0.0, y, 0.0)),
        ("hand", f"{s}_elbow", f"{s}_wrist", (0.0, y, 0.0)),
        ("thigh", f"{s}_hip", f"{s}_knee", (0.0, 0.0, -1.0)),
        ("shank", f"{s}_knee", f"{s}_ankle", (0.0, 0.0, -1.0)),
    )
}
"""Limb's bone → its ends and where it points in the T-pose; other bones keep the rest pose's axes."""
BONE_JOINT = {
    "pelvis": "pelvis", "chest": "spine3", "head": "head",
    **{f"{s}_{bone}": f"{s}_{joint}" for s in "lr" for bone, joint in (
        ("upperarm", "shoulder"), ("forearm", "elbow"), ("hand", "wrist"), ("thigh", "hip"),
        ("shank", "knee"), ("foot", "ankle"),
    )},
}  # fmt: skip
TRUNK = ("spine3", "spine2", "spine1", "pelvis")  # the chest's orientation is that of the first one there
UNITS = (1.0, 0.0254, 0.0254 / 0.45, 0.01, 0.001)  # m, inch, CMU's, cm, mm
LEG = 0.82  # metres from hip to ankle of a middling adult, by which the unit is recognised


def to_motion(bvh: Bvh, unit: float, where: str) -> Motion:
    """A rig's motion on the 24 joints and 15 bones, metres, z up, lowest joint on the floor.

    unit: metres of one unit, 0 to recognise it.

    Raises:
        UserError: the rig lacks a joint that cannot be put in; `where` names the file.
    """
    found = _recognise(bvh, where)
    rest = _rest(bvh)
    axes = _rest_axes({name: rest[index] for name, index in found.items()})
    scale = unit or _unit(rest[[found[joint] for joint in ("l_hip", "l_knee", "l_ankle")]])
    world = _upright(axes)
    paths = {name: bvh.positions[:, index] @ world.T * scale for name, index in found.items()}
    rotations = np.empty((len(bvh.positions), len(BONES), 3, 3))
    for index, bone in enumerate(BONES):
        joint = next(found[name] for name in (BONE_JOINT[bone], *TRUNK) if name in found)
        rotations[:, index] = world @ bvh.rotations[:, joint] @ axes @ _tilt(bone, rest @ axes, found)
    joints = _filled(paths, rotations)
    joints[..., 2] -= joints[..., 2].min()
    return Motion(joints.astype(np.float32), rotations.astype(np.float32), bvh.rate)


def _recognise(bvh: Bvh, where: str) -> dict[str, int]:
    """Our joint → index in the file. Names are given away in the order of `ALIASES`, each once."""
    plain = {
        re.sub("[^a-z0-9]", "", name.split(":")[-1].lower()): i for i, name in enumerate(bvh.names) if name
    }
    found: dict[str, int] = {}
    for joint, names in ALIASES.items():
        choices = [plain[name] for name in names if name in plain and plain[name] not in found.values()]
        if choices:
            found[joint] = choices[0]
    for joint, above in ABOVE.items():
        if joint not in found and found.get(above) in bvh.parents:
            found[joint] = bvh.parents.index(found[above])
    if missing := [name for name in NEEDED if name not in found]:
        raise UserError(f"{where}: no joint recognised as {', '.join(missing)} among {', '.join(plain)}")
    return found


def _unit(leg: DoubleArray) -> float:
    """The unit of UNITS by which a leg (hip, knee, ankle; 3×3) comes nearest to a grown person's."""
    length = float(np.linalg.norm(np.diff(leg, axis=0), axis=1).sum())
    return UNITS[int(np.argmin(np.abs(np.log(np.array(UNITS) * max(length, 1e-9) / LEG))))]


def _rest(bvh: Bvh) -> DoubleArray:
    """Positions J×3 with all rotations zero, the root at the origin."""
    rest = np.zeros_like(bvh.offsets)
    for joint, parent in enumerate(bvh.parents):
        if parent >= 0:
            rest[joint] = rest[parent] + bvh.offsets[joint]
    return rest


def _rest_axes(rest: Mapping[str, DoubleArray]) -> DoubleArray:
    """Columns: forward, left and up of the rest pose in the file's axes; up is the file's nearest axis."""
    trunk = rest["head"] - (rest["l_ankle"] + rest["r_ankle"]) / 2
    up = np.zeros(3)
    up[np.abs(trunk).argmax()] = np.sign(trunk[np.abs(trunk).argmax()])
    left = rest["l_hip"] - rest["r_hip"]
    left = left - up * (left @ up)
    left /= np.linalg.norm(left)
    return np.column_stack([np.cross(left, up), left, up])


def _upright(axes: DoubleArray) -> DoubleArray:
    """File's axes → a world with z up: the cyclic exchange of axes that takes the rest pose's up to z."""
    shift = 2 - int(np.abs(axes[:, 2]).argmax())
    world = np.roll(np.eye(3), shift, axis=0)
    return world if (world @ axes[:, 2])[2] > 0 else np.diag([1.0, -1.0, -1.0]) @ world


def _tilt(bone: str, rest: DoubleArray, found: Mapping[str, int]) -> DoubleArray:
    """Bone → its joint, in the rest pose told in forward-left-up: the shortest turn from the T-pose."""
    if bone not in BONE_ENDS:
        return np.eye(3)
    start, end, axis = BONE_ENDS[bone]
    direction = rest[found[end]] - rest[found[start]]
    direction = direction / np.linalg.norm(direction)
    cross = np.cross(axis, direction)
    sine = float(np.linalg.norm(cross))
    turn = cross / max(sine, 1e-12) * np.arctan2(sine, np.dot(axis, direction))
    return np.asarray(Rotation.from_rotvec(turn).as_matrix())


def _filled(paths: dict[str, DoubleArray], rotations: DoubleArray) -> DoubleArray:
    """All 24 joints F×24×3: those that a rig lacks are put where they lie in a middling body."""
    pelvis, head = paths["pelvis"], paths["head"]
    shoulders = (paths["l_shoulder"] + paths["r_shoulder"]) / 2
    neck = paths.setdefault("neck", 0.75 * shoulders + 0.25 * head)
    for name, share in (("spine1", 0.2), ("spine2", 0.45), ("spine3", 0.65)):
        paths.setdefault(name, pelvis + share * (neck - pelvis))
    for side in ("l", "r"):
        breast = (neck + paths["spine3"]) / 2
        paths.setdefault(f"{side}_collar", 0.4 * paths[f"{side}_shoulder"] + 0.6 * breast)
        hand, foot = (rotations[:, BONE_INDEX[f"{side}_{bone}"]] for bone in ("hand", "foot"))
        reach = np.array([0.0, 0.085 if side == "l" else -0.085, 0.0])
        paths[f"{side}_hand"] = paths[f"{side}_wrist"] + hand @ reach
        paths.setdefault(f"{side}_toe", paths[f"{side}_ankle"] + foot @ np.array([0.13, 0.0, -0.05]))
    joints = np.empty((len(pelvis), len(JOINTS), 3))
    for name, path in paths.items():
        joints[:, JOINT_INDEX[name]] = path
    return joints
