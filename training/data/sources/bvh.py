"""BVH files of any rig: sensors simulated. A clip's text is its file's name; it has no label."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from despite_ros.config import setting
from despite_ros.errors import UserError
from despite_ros.simulation.skeleton import Motion, Span
from training.data.sources.base import Item, MotionSource, Record, Skip, person_of
from training.data.sources.bvh_file import length_of, parse
from training.data.sources.rig import to_motion


@dataclass(frozen=True)
class BvhSource(MotionSource):
    """BVH files below a folder (or one file), with simulated LiDAR and IMUs."""

    dataset: str = setting("bvh", "name of the data set: people are named DATASET/FOLDER")
    licence: str = setting("unknown", "licence of the motion, SPDX where there is one")
    unit: float = setting(0.0, "metres of one unit in the files; 0: recognised by the legs' length", 0, 10)

    def items(self) -> Iterator[Item | Skip]:
        """Pieces of every file; a person is the folder that a file lies in.

        Raises:
            UserError: no BVH files there.
        """
        files = [self.path] if self.path.is_file() else sorted(self.path.rglob("*.bvh"))
        if not files:
            raise UserError(f"{self.path}: no BVH files (*.bvh) in this folder or below")
        for file in files:
            name, person = f"{self.dataset}/{file.parent.name}/{file.stem}", self._person(file)
            try:
                frames, rate = length_of(file.read_text(errors="replace"))
            except (OSError, ValueError, IndexError) as error:
                yield Skip(name, str(file), f"not a BVH file ({error})")
                continue
            yield from self.pieces(file, name, person, (frames - 1) / rate)

    def read(self, item: Item) -> Record:
        """Simulate one piece of a file."""
        file = Path(item.file)
        motion = _motion(item.file, self.unit)
        clip = replace(
            motion,
            activities=(Span(0.0, motion.duration, "", file.stem.replace("_", " ")),),
            name=file.stem,
            person=self._person(file),
            source=self.dataset,
            licence=self.licence,
        )
        return self.simulated(item, clip, self.group_for(clip.person))

    def _person(self, file: Path) -> str:
        return person_of(self.dataset, file.parent.name, file.stem)


@lru_cache(maxsize=1)
def _motion(file: str, unit: float) -> Motion:
    return to_motion(parse(Path(file).read_text(errors="replace"), file), unit, file)
