"""Packed motion capture files, one a person (see despite_ros.simulation.captured): simulated sensors."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from despite_ros.errors import UserError
from despite_ros.simulation.captured import load_captured, person_name
from despite_ros.simulation.skeleton import Motion
from training.data.sources.base import Item, MotionSource, Record, Skip


@dataclass(frozen=True)
class MocapSource(MotionSource):
    """Packed motion capture files below a folder, with simulated LiDAR and IMUs."""

    def items(self) -> Iterator[Item | Skip]:
        """Pieces of every trial of every file.

        Raises:
            UserError: no motion capture files there.
        """
        files = sorted(self.path.rglob("*.npz"))
        if not files:
            raise UserError(f"{self.path}: no motion capture files (*.npz) in this folder or below")
        for file in files:
            _, person = person_name(file.parent.name, file.stem)
            try:
                durations = _durations(file)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                yield Skip(file.stem, str(file), f"not a packed motion capture file ({error})")
                continue
            for trial, duration in durations.items():
                yield from self.pieces(file, f"{file.parent.name}/{file.stem}/{trial}", person, duration)

    def read(self, item: Item) -> Record:
        """Simulate one piece of a trial."""
        clip = _clips(item.file)[item.name.split("/")[2]]
        return self.simulated(item, clip, self.group_for(clip.person))


def _durations(file: Path) -> Mapping[str, float]:
    """Trial → seconds."""
    archive = np.load(file)
    trials = sorted(key.removesuffix("/root") for key in archive.files if key.endswith("/root"))
    return {trial: (len(archive[f"{trial}/root"]) - 1) / float(archive["fps"]) for trial in trials}


@lru_cache(maxsize=1)
def _clips(file: str) -> Mapping[str, Motion]:
    return {motion.name: motion for motion in load_captured(file)}
