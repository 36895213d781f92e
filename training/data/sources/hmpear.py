"""HMPEAR (Lin and others, 2024): LiDAR points of people's actions, 10 frames a second.

`train_act.pkl` and `test_act.pkl`: entries with `seqname` (`0401_zjf_action_01`, the second word being the
person), `action` and `human_pc`, one N×3 array a frame in metres, camera axes (x right, y down, z forward).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from despite_ros.config import setting
from despite_ros.errors import UserError
from training.data.sources.base import (
    Item,
    Record,
    Skip,
    Source,
    camera_to_world,
    crops,
    sequence_info,
    whole,
)
from training.data.sources.unpickling import read_pickle

FILES = {"train": "train_act.pkl", "test": "test_act.pkl"}


@dataclass(frozen=True)
class HmpearSource(Source):
    """HMPEAR's train_act.pkl and test_act.pkl, somewhere below a folder."""

    points: int = setting(1024, "points a crop", 8, 8192)

    def items(self) -> Iterator[Item | Skip]:
        """Every recording of both files; the payload is its group and its entry.

        Raises:
            UserError: neither file there, or one cannot be read.
        """
        found = {group: sorted(self.path.rglob(name))[:1] for group, name in FILES.items()}
        if not any(found.values()):
            raise UserError(f"{self.path}: neither of {', '.join(FILES.values())} in this folder or below")
        for group, files in found.items():
            for file in files:
                entries = read_pickle(file)
                listed = entries.values() if isinstance(entries, Mapping) else entries
                for number, entry in enumerate(listed):
                    name = f"hmpear/{group}/{number:05d}-{entry.get('seqname', '')}"
                    if {"seqname", "action", "human_pc"} <= set(entry):
                        yield Item(name, str(file), (group, entry))
                    else:
                        yield Skip(name, str(file), "no `seqname`, `action` and `human_pc`")

    def read(self, item: Item) -> Record:
        """Read one recording."""
        group, entry = item.payload
        if len(entry["human_pc"]) == 0:
            raise UserError("no frames")
        clouds = [
            camera_to_world(np.asarray(frame, np.float32).reshape(len(frame), -1)[:, :3])
            for frame in entry["human_pc"]
        ]
        words, label = str(entry["seqname"]).split("_"), str(entry["action"])
        person = f"hmpear/{words[1] if len(words) > 1 else words[0]}"
        spans = whole(len(clouds), label, "" if label.isdigit() else label)
        info = sequence_info(item.name, person, "hmpear", "HMPEAR's own terms", group, spans=spans)
        return Record(info, crops(clouds, self.points))
