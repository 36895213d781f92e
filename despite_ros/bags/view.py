"""A scene in 3-D as it runs, through the Rerun viewer (optional extra `view`)."""

from collections import defaultdict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.errors import UserError
from despite_ros.records import NOBODY, PeopleFrame, ReidFrame
from despite_ros.transforms import moved

TRAIL = 100  # sweeps
HEADROOM = 0.25  # m, between a box and its name
BACKGROUND = (22, 26, 34)
NAMELESS = (150, 160, 172)
PALETTE = (
    (47, 125, 225), (225, 87, 47), (47, 168, 102), (160, 79, 208), (209, 162, 28), (26, 165, 184),
    (209, 79, 139), (122, 140, 30), (91, 110, 224), (181, 101, 29), (61, 143, 143), (194, 59, 59),
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Where pictures go: into a file, to a running viewer, to a page for browsers, or else to a window.

    address: rerun+http://HOST:PORT/proxy. web_port: of the page.
    """

    file: Path | None = None
    address: str | None = None
    web_port: int | None = None


class Viewer:
    """Sends sweeps to Rerun.

    page: the address for a browser, where there is one.

    Raises:
        UserError: Rerun is not installed, or cannot open the target.
    """

    def __init__(self, target: Target) -> None:
        try:
            import rerun
            import rerun.blueprint
        except ImportError as error:
            raise UserError("view: Rerun is not installed; pip install 'despite-ros[view]'") from error
        self._rerun: Any = rerun
        self.page = ""
        rerun.init("despite")
        try:
            self._open(target)
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(f"view: Rerun cannot open {target}: {error}") from error
        rerun.log("world", rerun.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        self._trails: defaultdict[int, deque[FloatArray]] = defaultdict(lambda: deque(maxlen=TRAIL))
        self._colours: dict[str, tuple[int, int, int]] = {}
        self._looking = False

    def cloud(
        self, points: FloatArray, stamp_ns: int, pose: DoubleArray | None = None, name: str = "lidar"
    ) -> None:
        """One sweep of the LiDAR `name`. points: N×3 in its frame; pose: 4×4 LiDAR → fixed frame."""
        world = points if pose is None else moved(points, pose)
        if not self._looking and len(world):
            self._look(world)
        self._at(stamp_ns)
        cloud = self._rerun.Points3D(world, colors=_by_height(world), radii=0.012)
        self._rerun.log(f"world/cloud/{name.strip('/')}", cloud)

    def people(self, people: PeopleFrame, reid: ReidFrame) -> None:
        """What was found in a sweep: boxes with names and activities, and where everybody went."""
        self._at(people.stamp_ns)
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

    def forget_trails(self) -> None:
        """Begin anew: time went back, so track numbers start again."""
        self._trails.clear()

    def close(self) -> None:
        """Write what is still under way."""
        self._rerun.disconnect()

    def _open(self, target: Target) -> None:
        if target.file is not None:
            target.file.parent.mkdir(parents=True, exist_ok=True)
            self._rerun.save(target.file)
        elif target.address is not None:
            self._rerun.connect_grpc(target.address)
        elif target.web_port is not None:
            data = self._rerun.serve_grpc()
            self._rerun.serve_web_viewer(web_port=target.web_port, open_browser=False)
            self.page = f"http://localhost:{target.web_port}/?url={quote(data, safe='')}"
        else:
            self._rerun.spawn()

    def _look(self, points: FloatArray) -> None:
        """Open one large view, from above a corner of what the first cloud shows."""
        self._looking = True
        blueprint = self._rerun.blueprint
        low, high = np.percentile(points, [5, 95], axis=0)
        middle, reach = (low + high) / 2, float(np.linalg.norm((high - low)[:2])) / 2
        eye = blueprint.EyeControls3D(
            position=middle + reach * np.array([-0.8, -0.8, 1.0]), look_target=middle, eye_up=[0, 0, 1]
        )
        view = blueprint.Spatial3DView(origin="world", name="room", background=BACKGROUND, eye_controls=eye)
        self._rerun.send_blueprint(blueprint.Blueprint(view, collapse_panels=True))

    def _at(self, stamp_ns: int) -> None:
        self._rerun.set_time("stamp", timestamp=np.datetime64(stamp_ns, "ns"))

    def _boxes(self, people: PeopleFrame, labels: list[str], colours: list[tuple[int, int, int]]) -> None:
        rerun = self._rerun
        centres = np.array([person.position for person in people.people]).reshape(-1, 3)
        halves = np.array([person.size for person in people.people]).reshape(-1, 3) / 2
        rerun.log("world/people", rerun.Boxes3D(centers=centres, half_sizes=halves, colors=colours))
        heads = centres + halves * (0, 0, 1) + (0, 0, HEADROOM)
        names = rerun.Points3D(heads, radii=0.01, colors=colours, labels=labels, show_labels=True)
        rerun.log("world/people/names", names)
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
