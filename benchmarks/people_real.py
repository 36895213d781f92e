"""Real sweeps: how many people the gate accepts, and what a whole sweep looks like."""

from collections.abc import Iterator
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


def real_sweeps(folder: Path, figures: Path) -> Iterator[dict[str, object]]:
    """One row for each file of pedestrians (share that the gate accepts) and each whole sweep."""
    for path in sorted(folder.glob("*pedestrian*.npz")):
        with np.load(path) as stored:
            people = [stored[name][:, :3] for name in stored.files if stored[name].ndim == 2]
        accepted = [accepts(person) for person in people if len(person) >= PeopleSettings().gate.min_points]
        yield {"file": path.name, "people": len(accepted), "accepted": round(float(np.mean(accepted)), 3)}
    for path in sorted(folder.glob("*.pcd.bin")):
        cloud = np.ascontiguousarray(np.fromfile(path, np.float32).reshape(-1, FIELDS)[:, :3])
        segmenter = Segmenter(PeopleSettings())
        frames = [segmenter.process(cloud, k * PERIOD_NS) for k in range(REPEATS)]
        shown = [frame for frame in frames if frame is not None]
        plan_view(cloud, shown, figures / f"people_{path.name.split('.')[0]}.png", path.name)
        yield {"file": path.name, **shown[-1].counters}


def accepts(person: FloatArray) -> bool:
    """Whether the gate takes the points of a person (N×3, sensor frame, the feet on the floor) for one."""
    points = np.ascontiguousarray(person, np.float32)
    above = points[:, 2] - points[:, 2].min()
    length = float(np.ptp(points[:, :2], axis=0).max())
    whole = Candidate(np.arange(len(points), dtype=np.int32), length)
    settings, sensor = PeopleSettings(), np.zeros(3)
    surroundings = Surroundings(settings.max_range)
    surroundings.fill(points, sensor)
    features = candidate_features([whole], points, above, sensor, surroundings)
    return not Gate(settings.gate).judge(features)[1][0]
