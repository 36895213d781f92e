"""Plan views: the cloud from above, everybody's box, id and trail."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from despite_ros.arrays import FloatArray
from despite_ros.records import PeopleFrame

SHOWN = 8_000  # points of the cloud
EXTENT = 14.0  # metres to either side


def plan_view(cloud: FloatArray, frames: Sequence[PeopleFrame], path: Path, title: str) -> None:
    """Save a picture of the last frame over its cloud (N×3, fixed frame), with trails of all frames."""
    figure, axes = plt.subplots(figsize=(5, 5), dpi=80)
    some = cloud[:: max(1, len(cloud) // SHOWN)]
    axes.scatter(some[:, 0], some[:, 1], s=0.3, c="0.7", linewidths=0)
    for person in frames[-1].people:
        colour = f"C{person.track_id % 10}"
        trail = [
            other.position[:2]
            for frame in frames
            for other in frame.people
            if other.track_id == person.track_id
        ]
        axes.plot(*zip(*trail, strict=True), color=colour, linewidth=1)
        low = person.position[:2] - person.size[:2] / 2
        axes.add_patch(Rectangle(tuple(low), *person.size[:2], fill=False, edgecolor=colour))
        axes.annotate(
            str(person.track_id), person.position[:2] + person.size[:2] / 2, color=colour, fontsize=8
        )
    axes.set(xlim=(-EXTENT, EXTENT), ylim=(-EXTENT, EXTENT), aspect="equal", title=title, xlabel="m")
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)
