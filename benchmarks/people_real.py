"""Real sweeps: how many people the gate accepts, and what a whole sweep looks like."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.people_figures import plan_view
from despite_ros.arrays import FloatArray
from despite_ros.people.candidates import Candidate
from despite_ros.people.features import candidate_features
from despite_ros.people.gate import Gate
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.people.surroundings import Surroundings

FIELDS = 5  # floats a point in a .pcd.bin: x, y, z, intensity, ring
REPEATS = 3  # times that a single sweep is given, so that tracks are born
PERIOD_NS = 100_000_000
VEHICLE = 2.5  # of the car that the sensor stands on, metres around it
LEVEL = 0.3  # spread of the lowest points of people who stand on one floor, m


def real_sweeps(folder: Path, figures: Path) -> Iterator[dict[str, object]]:
    """One row for each file of pedestrians (share that the gate accepts) and each whole sweep."""
    for path in sorted(folder.glob("*pedestrian*.npz")):
        with np.load(path) as stored:
            people = [stored[name][:, :3] for name in stored.files if stored[name].ndim == 2]
        accepted = [accepts(points, above) for points, above in standing(people)]
        yield {"file": path.name, "people": len(accepted), "accepted": round(float(np.mean(accepted)), 3)}
    for path in sorted(folder.glob("*.pcd.bin")):
        cloud = np.ascontiguousarray(np.fromfile(path, np.float32).reshape(-1, FIELDS)[:, :3])
        segmenter = Segmenter(PeopleSettings(sensor="hdl32", min_range=VEHICLE))
        frames = [segmenter.process(cloud, k * PERIOD_NS) for k in range(REPEATS)]
        shown = [frame for frame in frames if frame is not None]
        plan_view(cloud, shown, figures / f"people_{path.name.split('.')[0]}.png", path.name)
        yield {"file": path.name, **shown[-1].counters}


def standing(people: Sequence[FloatArray]) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Each person's points (N×3) and their heights above the floor (N,), without floor, as in the node.

    Cut-outs come without the floor around them. Where the lowest points of a file's people agree, they
    are on its floor: what lies on it, or mirrored by it below, is left out. Else each stands on its lowest.
    """
    settings = PeopleSettings()
    lowest = np.array([points[:, 2].min() for points in people])
    level = np.subtract(*np.percentile(lowest, (75, 25))) < LEVEL
    for points, bottom in zip(people, lowest, strict=True):
        above = points[:, 2] - (np.median(lowest) if level else bottom)
        kept = above > settings.ground.clearance if level else np.ones(len(points), np.bool_)
        if kept.sum() >= settings.gate.min_points:
            yield np.ascontiguousarray(points[kept], np.float32), above[kept].astype(np.float32)


def accepts(points: FloatArray, above: FloatArray) -> bool:
    """Whether the gate takes the points of a person (N×3, sensor frame), `above` the floor, for one."""
    length = float(np.ptp(points[:, :2], axis=0).max())
    whole = Candidate(np.arange(len(points), dtype=np.int32), length)
    settings, sensor = PeopleSettings(), np.zeros(3)
    surroundings = Surroundings(settings.max_range)
    surroundings.fill(points, sensor)
    features = candidate_features([whole], points, above, sensor, surroundings)
    return not Gate(settings.gate).judge(features)[1][0]
