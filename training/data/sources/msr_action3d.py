"""MSR-Action3D (Li, Zhang, Liu 2010): a depth camera's points of 20 actions, 10 people, 15 frames a second.

Read as the literature stores it: `aAA_sSS_eEE_sdepth.npz` with `point_clouds`, one N×3 array a frame in
millimetres of the camera (x right, y down, z forward), and also from the depth maps themselves,
`aAA_sSS_eEE_sdepth.bin` (uint32: frames, columns, rows; then millimetres, 0 for none). Subjects 1–5
train, 6–10 test. Frames are kept as they are, since the protocols count frames of the camera; crops are
centred and in metres like everywhere else, whereas the published protocols divide by 300, uncentred.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from despite_ros.arrays import FloatArray
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
from training.data.sources.unpickling import read_npz_objects

ACTIONS = (
    "high arm wave", "horizontal arm wave", "hammer", "hand catch", "forward punch", "high throw", "draw x",
    "draw tick", "draw circle", "hand clap", "two hand wave", "side boxing", "bend", "forward kick",
    "side kick", "jogging", "tennis swing", "tennis serve", "golf swing", "pick up and throw",
)  # fmt: skip
NAME = re.compile(r"a(\d\d)_s(\d\d)_e(\d\d)")
LAST_TRAINING_SUBJECT = 5
FOCAL = 280.0  # pixels, as the literature converts the depth maps


@dataclass(frozen=True)
class MsrAction3dSource(Source):
    """MSR-Action3D as per-frame points (npz) or depth maps (bin)."""

    points: int = setting(2048, "points a crop", 8, 8192)
    unit: float = setting(0.001, "metres of one unit in the files; 1/300 scales as the protocols do", 1e-6, 1)

    def items(self) -> Iterator[Item | Skip]:
        """Every recording.

        Raises:
            UserError: none there.
        """
        files = sorted([*self.path.rglob("*.npz"), *self.path.rglob("*_sdepth.bin")])
        if not files:
            raise UserError(f"{self.path}: no recordings (aAA_sSS_eEE_sdepth.npz or .bin) in this folder")
        for file in files:
            named = NAME.match(file.stem)
            if named and 1 <= int(named[1]) <= len(ACTIONS):
                yield Item(f"msr_action3d/{named[0]}", str(file), tuple(map(int, named.groups()[:2])))
            else:
                yield Skip(file.stem, str(file), "not named aAA_sSS_eEE with an action of 1 to 20")

    def read(self, item: Item) -> Record:
        """Read one recording."""
        action, subject = item.payload
        file = Path(item.file)
        frames = read_npz_objects(file, "point_clouds") if file.suffix == ".npz" else depth_points(file)
        clouds = [camera_to_world(np.asarray(frame, np.float32)[:, :3] * self.unit) for frame in frames]
        info = sequence_info(
            item.name,
            f"msr_action3d/{subject:02d}",
            "msr_action3d",
            "MSR-Action3D's own terms",
            "train" if subject <= LAST_TRAINING_SUBJECT else "test",
            spans=whole(len(clouds), ACTIONS[action - 1], ACTIONS[action - 1]),
        )
        return Record(info, crops(clouds, self.points))


def depth_points(file: Path) -> list[FloatArray]:
    """A file of depth maps → one N×3 array a frame, millimetres of the camera.

    Raises:
        UserError: it is shorter than it says.
    """
    head, depths = np.fromfile(file, "<u4", 3), np.fromfile(file, "<u4", offset=12)
    if len(head) < 3 or len(depths) != np.prod(head, dtype=np.int64):
        raise UserError(f"{file}: {len(depths)} depths are not frames × columns × rows = {head.tolist()}")
    count, width, height = head.tolist()
    points = []
    for depth in depths.reshape(count, height, width).astype(np.float32):
        row, column = np.nonzero(depth)
        z = depth[row, column]
        x, y = (column - width / 2) / FOCAL * z, (row - height / 2) / FOCAL * z
        points.append(np.stack([x, y, z], axis=-1))
    return points
