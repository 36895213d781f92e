"""A scene in 3-D as it runs, through the Rerun viewer (optional extra `view`)."""

from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.errors import UserError
from despite_ros.records import NOBODY, PeopleFrame, ReidFrame
from despite_ros.transforms import moved

TRAIL = 100  # sweeps
NAMELESS = (150, 160, 172)
PALETTE = (
    (47, 125, 225), (225, 87, 47), (47, 168, 102), (160, 79, 208), (209, 162, 28), (26, 165, 184),
    (209, 79, 139), (122, 140, 30), (91, 110, 224), (181, 101, 29), (61, 143, 143), (194, 59, 59),
)  # fmt: skip


class Viewer:
    """Sends sweeps to Rerun: a window (`file` and `address` None), a file, or a running viewer's address.

    Raises:
        UserError: Rerun is not installed.
    """

    def __init__(self, file: Path | None = None, address: str | None = None) -> None:
        try:
            import rerun
        except ImportError as error:
            raise UserError("view: Rerun is not installed; pip install 'despite-ros[view]'") from error
        self._rerun: Any = rerun
        rerun.init("despite", spawn=file is None and address is None)
        if file is not None:
            rerun.save(file)
        elif address is not None:
            rerun.connect_grpc(address)
        rerun.log("world", rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        self._trails: defaultdict[int, deque[FloatArray]] = defaultdict(lambda: deque(maxlen=TRAIL))
        self._colours: dict[str, tuple[int, int, int]] = {}

    def show(
        self, points: FloatArray, people: PeopleFrame, reid: ReidFrame, pose: DoubleArray | None = None
    ) -> None:
        """One sweep. points: N×3 in the LiDAR's frame; pose: 4×4 LiDAR → fixed frame."""
        rerun = self._rerun
        rerun.set_time("stamp", duration=people.stamp_ns / 1e9)
        world = points if pose is None else moved(points, pose)
        rerun.log("world/cloud", rerun.Points3D(world, colors=_by_height(world), radii=0.012))
        names = {item.track_id: item for item in reid.assignments if item.track_id != NOBODY}
        doing = {item.track_id: item.label for item in reid.activities}
        labels, colours = [], []
        for person in people.people:
            assignment = names.get(person.track_id)
            name = assignment.wearer if assignment else f"#{person.track_id}"
            colours.append(self._colour(name) if assignment else NAMELESS)
            sure = f" {100 * assignment.confidence:.0f} %" if assignment else ""
            labels.append(f"{name}{sure} {doing.get(person.track_id, '')}".strip())
            self._trails[person.track_id].append(person.position)
        self._boxes(people, labels, colours)

    def close(self) -> None:
        """Write what is still under way."""
        self._rerun.disconnect()

    def _boxes(self, people: PeopleFrame, labels: list[str], colours: list[tuple[int, int, int]]) -> None:
        rerun = self._rerun
        centres = np.array([person.position for person in people.people]).reshape(-1, 3)
        halves = np.array([person.size for person in people.people]).reshape(-1, 3) / 2
        boxes = rerun.Boxes3D(
            centers=centres, half_sizes=halves, colors=colours, labels=labels, show_labels=True
        )
        rerun.log("world/people", boxes)
        trails = [np.array(self._trails[person.track_id]) for person in people.people]
        rerun.log("world/trails", rerun.LineStrips3D(trails, colors=colours))

    def _colour(self, wearer: str) -> tuple[int, int, int]:
        return self._colours.setdefault(wearer, PALETTE[len(self._colours) % len(PALETTE)])


def _by_height(points: FloatArray) -> FloatArray:
    """Dark at the floor, lighter above: N×3 uint8."""
    if not len(points):
        return np.zeros((0, 3), np.uint8)
    height = points[:, 2]
    low, high = np.percentile(height, [2, 98])
    share = np.clip((height - low) / max(high - low, 1e-3), 0, 1)[:, None]
    colours: FloatArray = (np.array([40, 60, 90]) * (1 - share) + np.array([190, 215, 235]) * share).astype(
        np.uint8
    )
    return colours
