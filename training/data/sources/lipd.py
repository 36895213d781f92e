"""LIPD (LiDAR and IMU of captured people, 10 Hz), merged with BABEL's descriptions: LIPD-Babel v1 and v2.

Two forms are read, neither by executing what is pickled. The data set as released: a pickle for each part,
a list of frames with `pc` (path of the points, N×3 float32), `imu_ori` (6×9), `imu_acc` (6×3), `gt_joint`
(72); sensors in the order left forearm, right forearm, left leg, right leg, unused, root. And
`LIPD_SEQUENCES_256p.pkl`, part → subject → sequence → `PCD` T×256×3, `IMU` T×48, `gt_joint` T×72.

Version 1: LIPD's own split, texts of BABEL's train and val. Version 2: the parts out of AMASS by BABEL's
split (val is the group `test`; what is in neither is left out), everything else trains. The span labels
of both are the 29 classes of LIPD-Babel-v2-CLS, so recognition on a version 2 store is that task.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.config import setting
from despite_ros.errors import UserError
from despite_ros.limbs import POINTS, pack_channels
from despite_ros.simulation.skeleton import JOINTS
from training.data.sources.babel import Babel, file_key
from training.data.sources.base import Item, Record, Skip, Source, crops, ordered, person_of, sequence_info
from training.data.sources.unpickling import read_pickle
from training.data.split import sealed

PARTS = {
    "ACCAD": "ACCAD.pkl", "BMLmovi": "BMLmovi.pkl", "CMU": "CMU.pkl", "AIST": "AIST.pkl",
    "LIPD_train": "LIPD_train.pkl", "eLIPD": "LIPD_test.pkl", "eTC": "TC_test.pkl", "eDIP": "DIP_test.pkl",
}  # fmt: skip
"""Part → its file. Those with an "e" are LIPD's test sets."""
FROM_AMASS = {"ACCAD": "ACCAD", "BMLmovi": "BMLmovi", "CMU": "CMU", "eTC": "TotalCapture"}  # BABEL's names
OWN_FOLDERS = ("LIPD_train", "eLIPD")  # parts whose paths lie one folder less deep
TEXT_RATE = {"eTC": 5.0}  # frames a second of a part; 10 where nothing is said
LIMB_ORDER = [2, 3, 0, 1]  # of LIPD's sensors: left leg, right leg, left forearm, right forearm
Frame = Mapping[str, Any]


@dataclass(frozen=True)
class LipdSource(Source):
    """LIPD's folder of pickles, or LIPD_SEQUENCES_256p.pkl; with --babel its descriptions."""

    babel: str = setting("", "folder with BABEL's train.json and val.json; without: no texts")
    version: int = setting(1, "LIPD-Babel version: 1 for matching and retrieval, 2 for recognition", 1, 2)

    def items(self) -> Iterator[Item | Skip]:
        """Every sequence; the payload is its group, its spans and its frames.

        Raises:
            UserError: no such files, or version 2 without BABEL.
        """
        if self.version == 2 and not self.babel:
            raise UserError("LIPD-Babel version 2 is split by BABEL: --babel FOLDER is needed")
        babel = Babel.read(Path(self.babel)) if self.babel else Babel({})
        for part, subject, sequence, frames in self._sequences():
            name, count = f"{part}/{subject}/{sequence}", _length(frames)
            file = str(self.path if self.path.is_file() else self.path / PARTS[part])
            person = person_of(part.lower() if part == "CMU" else part, subject, sequence)
            amass = FROM_AMASS.get(part)
            found = amass and babel.find(
                file_key(f"{amass}/{amass}/{subject}/{sequence}"), count, TEXT_RATE.get(part, 10.0)
            )
            split, spans = found or ("", ())
            if refusal := sealed(person):
                yield Skip(name, file, refusal)
            elif self.version == 2 and amass and not found:
                yield Skip(name, file, "in neither of BABEL's splits, or of another length there")
            else:
                yield Item(name, file, (person, self._group(part, split), spans, frames))

    def read(self, item: Item) -> Record:
        """Bring one sequence into the store's form."""
        person, group, spans, frames = item.payload
        points, imu, joints = _packed(frames) if isinstance(frames, Mapping) else self._raw(frames)
        info = sequence_info(
            item.name, person, "LIPD", "LIPD's own terms", group, item.name.split("/")[0], spans
        )
        return Record(info, points, imu, joints.reshape(-1, len(JOINTS), 3))

    def _group(self, part: str, split: str) -> str:
        if self.version == 2:
            return "test" if split == "val" else "train"
        return "test" if part in ("eLIPD", "eTC", "eDIP") else "train"

    def _sequences(self) -> Iterator[tuple[str, str, str, Any]]:
        """Part, subject, sequence and its frames: a mapping of arrays, or a list of frames."""
        if self.path.is_file():
            for part, subjects in read_pickle(self.path).items():
                for subject, sequences in subjects.items():
                    yield from ((part, subject, name, content) for name, content in sequences.items())
            return
        parts = {part: self.path / name for part, name in PARTS.items() if (self.path / name).exists()}
        if not parts:
            raise UserError(f"{self.path}: none of LIPD's files ({', '.join(PARTS.values())}) here")
        for part, file in parts.items():
            found: dict[tuple[str, str], list[Frame]] = {}
            first = 3 if part in OWN_FOLDERS else 4
            for frame in read_pickle(file):
                words = frame["pc"].split("/")
                found.setdefault((words[first], words[first + 1]), []).append(frame)
            yield from ((part, *key, frames) for key, frames in found.items())

    def _raw(self, frames: Sequence[Frame]) -> tuple[FloatArray, FloatArray, FloatArray]:
        clouds = [self._cloud(frame["pc"]) for frame in frames]
        rotations = np.stack([np.reshape(frame["imu_ori"], (6, 3, 3))[LIMB_ORDER] for frame in frames])
        accelerations = np.stack([np.reshape(frame["imu_acc"], (6, 3))[LIMB_ORDER] for frame in frames])
        joints = np.stack([np.ravel(frame["gt_joint"]) for frame in frames])
        return crops(clouds, POINTS), pack_channels(rotations, accelerations), joints

    def _cloud(self, path: str) -> FloatArray:
        file = self.path / path.removeprefix("./").removeprefix("/")
        try:
            return np.fromfile(file, "<f4").reshape(-1, 3)
        except (OSError, ValueError) as error:
            raise UserError(f"{file}: not the points of a frame ({error})") from error


def _packed(sequence: Mapping[str, Any]) -> tuple[FloatArray, FloatArray, FloatArray]:
    points = np.stack([ordered(crop, POINTS) for crop in np.asarray(sequence["PCD"], np.float32)])
    return points, np.asarray(sequence["IMU"], np.float32), np.asarray(sequence["gt_joint"], np.float32)


def _length(frames: Any) -> int:
    return len(frames["PCD"] if isinstance(frames, Mapping) else frames)
