"""UTD-MHAD (Chen, Jafari, Kehtarnavaz, ICIP 2015): 27 actions, a depth camera's points and one real IMU.

`sN.npz`, one a subject, with `KEY/points` (F×256×3 int16 in steps of `point_unit_m`, x away from the camera,
y left, z up), `KEY/imu` (N×6 at `imu_hz`: specific force in g and degrees/s, both in the sensor's frame) and
`KEY/skel` (F×20×3 m, the Kinect's joints); KEY is `aA_sS_tT`; `index.csv` tells frames a second. Frame f of
F belongs to the IMU's sample f/F·N. Resampled to 10 Hz by the nearest frames.

The IMU sits on the right wrist for actions 1 to 21: it fills the right forearm's channels, the other limbs
stay absent. It delivers no orientation and nobody stood still to calibrate it, so gyroscope and accelerometer
are fused as the runtime does: tilt is right, heading starts at zero, and the sensor's axes stand in for the
bone's. For actions 22 to 27 it sits on the thigh, which has no channels: those have no IMU here.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from despite_ros.arrays import AnyArray, FloatArray, IntArray
from despite_ros.errors import UserError
from despite_ros.limbs import LIMBS, POINTS, pack_channels
from despite_ros.motion.imu import GRAVITY, limb_channels
from despite_ros.motion.orientation import OrientationFilter
from despite_ros.motion.settings import MotionSettings
from despite_ros.simulation.skeleton import JOINT_INDEX, JOINTS
from training.data.sources.base import (
    Item,
    Record,
    Skip,
    Source,
    crops,
    distinct,
    resampled,
    sequence_info,
    whole,
)
from training.data.split import group_of, sealed

KEY = re.compile(r"a(\d+)_s(\d+)_t(\d+)")
KINECT = (
    "head", "neck", "spine2", "pelvis", "l_shoulder", "l_elbow", "l_wrist", "l_hand", "r_shoulder", "r_elbow",
    "r_wrist", "r_hand", "l_hip", "l_knee", "l_ankle", "l_toe", "r_hip", "r_knee", "r_ankle", "r_toe",
)  # fmt: skip
"""Our names of the Kinect's 20 joints, in its order; "neck" is its centre of the shoulders."""
LAST_WRIST_ACTION = 21
LIMB = "right_forearm"
UNTURNED = np.array([0.0, 0.0, 0.0, 1.0])


@dataclass(frozen=True)
class UtdMhadSource(Source):
    """UTD-MHAD packed one npz a subject, with index.csv."""

    def items(self) -> Iterator[Item | Skip]:
        """Every recording; the payload is its subject, action and frames a second.

        Raises:
            UserError: no index.csv there.
        """
        try:
            with (self.path / "index.csv").open(newline="") as file:
                rows = list(csv.DictReader(file))
        except OSError as error:
            raise UserError(f"{self.path}: index.csv of UTD-MHAD is needed here ({error})") from error
        for row in rows:
            person, file_name = f"utd_mhad/{row['subject']}", str(self.path / f"s{row['subject']}.npz")
            if refusal := sealed(person):
                yield Skip(row["key"], file_name, refusal)
            else:
                payload = (person, int(row["action"]), float(row["fps"]))
                yield Item(f"utd_mhad/{row['key']}", file_name, payload)

    def read(self, item: Item) -> Record:
        """Read one recording."""
        person, action, rate = item.payload
        archive, key = _archive(item.file), item.name.split("/")[1]
        try:
            points, imu, skeleton = (archive[f"{key}/{name}"] for name in ("points", "imu", "skel"))
        except KeyError as error:
            raise UserError(f"{item.file}: {error.args[0]}") from error
        frames = resampled(len(points), rate)
        clouds = [distinct(points[frame]) * float(archive["point_unit_m"]) for frame in frames]
        channels = None
        if action <= LAST_WRIST_ACTION:
            channels = wrist_channels(imu, float(archive["imu_hz"]), frames / len(points) * len(imu))
        label = str(archive["actions"][action - 1])
        info = sequence_info(
            item.name,
            person,
            "utd_mhad",
            "none stated; cite Chen, Jafari, Kehtarnavaz, ICIP 2015",
            group_of(person),
            spans=whole(len(frames), label, label.replace("_", " ")),
        )
        return Record(info, crops(clouds, POINTS), channels, kinect_joints(skeleton[frames]))


def wrist_channels(imu: FloatArray, rate: float, samples: AnyArray) -> FloatArray:
    """IMU N×6 (g, degrees/s) at `rate` a second → T×48 at `samples` (T, fractions of a sample)."""
    force, velocity = imu[:, :3] * GRAVITY, np.radians(imu[:, 3:])
    stamps: IntArray = np.rint(np.arange(len(imu)) / rate * 1e9).astype(np.int64)
    fusion = OrientationFilter(MotionSettings().fusion_gain)
    orientation = np.array(
        [fusion.update(int(t), w, f) for t, w, f in zip(stamps, velocity, force, strict=True)]
    )
    targets = np.rint(samples / rate * 1e9).astype(np.int64)
    turned, accelerated = limb_channels(stamps, orientation, force, UNTURNED, targets)
    rotations = np.zeros((len(targets), len(LIMBS), 3, 3), np.float32)
    accelerations = np.zeros((len(targets), len(LIMBS), 3), np.float32)
    rotations[:, LIMBS.index(LIMB)], accelerations[:, LIMBS.index(LIMB)] = turned, accelerated
    return pack_channels(rotations, accelerations)


def kinect_joints(skeleton: AnyArray) -> FloatArray:
    """The Kinect's joints T×20×3 → T×24×3; those that it lacks are put between their neighbours."""
    joints = np.zeros((len(skeleton), len(JOINTS), 3), np.float32)
    for index, name in enumerate(KINECT):
        joints[:, JOINT_INDEX[name]] = skeleton[:, index]

    def put(name: str, start: str, end: str, share: float) -> None:
        a, b = joints[:, JOINT_INDEX[start]], joints[:, JOINT_INDEX[end]]
        joints[:, JOINT_INDEX[name]] = a + share * (b - a)

    put("spine1", "pelvis", "spine2", 0.5)
    put("spine3", "spine2", "neck", 0.5)
    for side in "lr":
        put(f"{side}_collar", "spine3", f"{side}_shoulder", 0.5)
    return joints


@lru_cache(maxsize=1)
def _archive(file: str) -> Mapping[str, Any]:
    try:
        return dict(np.load(file))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: not a packed subject of UTD-MHAD ({error})") from error
