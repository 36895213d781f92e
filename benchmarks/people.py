"""Finding and following people in simulated scenes, and how long it takes: `python -m benchmarks.people`.

Every sensor × number of people × static or moving sensor is one scene with furniture and clutter; seeds
are apart from those that settings and classifier were chosen on. With --mocap DIR people move as the test
subjects of `training.data.split` do, else as the simulator makes up. Writes results/people.json and
figures/people_*.png.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.people_figures import plan_view
from benchmarks.people_real import real_sweeps
from benchmarks.people_scores import Tally, scores
from benchmarks.people_speed import others, stages
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.records import PeopleFrame
from despite_ros.simulation.captured import load_folder
from despite_ros.simulation.clutter import clutter
from despite_ros.simulation.crowd import Repertoire
from despite_ros.simulation.repertoire import captured, made_up
from despite_ros.simulation.scene import Scene, random_scene
from training.data.split import TEST

HERE = Path(__file__).parent
SENSORS = ("hdl32", "os1_64", "os1_128", "livox_mid360")
PEOPLE = (4, 8, 16)
CLUTTER = 6  # things beside the furniture
SEED = 81_000
SHORTEST = 1.5  # seconds of a captured clip


@dataclass(frozen=True)
class Case:
    """One scene."""

    sensor: str
    people: int
    moving: bool

    @property
    def name(self) -> str:
        """As in tables and file names."""
        return f"{self.sensor}_{self.people}_{'moving' if self.moving else 'static'}"


def main() -> None:
    """Run, print Markdown, write results and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short scenes and 20k points only")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of a scene")
    parser.add_argument("--mocap", type=Path, help="folder of packed motion capture")
    parser.add_argument("--real", type=Path, help="folder of real sweeps (*.pcd.bin) and pedestrians (*.npz)")
    parser.add_argument("--output", type=Path, default=HERE)
    args = parser.parse_args()
    seconds = 2.0 if args.quick else args.seconds
    cases = [Case(s, n, moving) for s in SENSORS for n in PEOPLE for moving in (False, True)]
    cases = [Case("hdl32", 4, False), Case("os1_64", 4, True)] if args.quick else cases
    repertoire = made_up if args.mocap is None else test_subjects(args.mocap)
    figures = args.output / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    rows = list(people_rows(cases, seconds, repertoire, figures))
    sizes = (20_000,) if args.quick else (20_000, 65_000, 131_000)
    speed = [row for size in sizes for row in (*stages(size), *others(size))]
    real = [] if args.real is None else list(real_sweeps(args.real, figures))
    for part in (rows, speed, real):
        print(markdown(part), end="\n\n")
    if not args.quick:
        motions = "made up" if args.mocap is None else "test subjects"
        result = {"motions": motions, "seconds": seconds, "people": rows, "speed": speed, "real": real}
        (args.output / "results" / "people.json").write_text(json.dumps(result, indent=1) + "\n")


def test_subjects(folder: Path) -> Repertoire:
    """What the test subjects do."""
    motions = [motion for motion in load_folder(folder) if motion.person in TEST]
    return captured([motion for motion in motions if motion.duration >= SHORTEST])


def people_rows(
    cases: Sequence[Case], seconds: float, repertoire: Repertoire, figures: Path
) -> Iterator[dict[str, object]]:
    """One row a case, then one over static, one over moving and one over all."""
    tallies = []
    for index, case in enumerate(cases):
        rng = np.random.default_rng(SEED + index)
        scene = random_scene(rng, case.people, 0, 0, seconds, case.sensor, case.moving, repertoire)
        tally = follow(clutter(scene, rng, CLUTTER), case, figures)
        tallies.append(tally)
        yield {"scene": case.name, **_rounded(scores([tally]))}
    for name, kinds in (("all static", (False,)), ("all moving", (True,)), ("all", (False, True))):
        some = [tally for tally, case in zip(tallies, cases, strict=True) if case.moving in kinds]
        yield {"scene": name, **_rounded(scores(some))}


def follow(scene: Scene, case: Case, figures: Path) -> Tally:
    """A scene through the segmenter with its sensor's preset; a picture of the last sweep."""
    segmenter = Segmenter(PeopleSettings(sensor=case.sensor))
    tally, frames = Tally(), list[PeopleFrame]()
    for sweep in scene.sweeps():
        frame = segmenter.process(sweep.cloud, sweep.stamp_ns, sweep.sensor_pose)
        if frame is not None:
            frames.append(frame)
            tally.add(sweep, segmenter.segments())
    if case.people == 8:
        cloud = sweep.cloud @ sweep.sensor_pose[:3, :3].T + sweep.sensor_pose[:3, 3]
        plan_view(cloud.astype(np.float32), frames, figures / f"people_{case.name}.png", case.name)
    return tally


def markdown(rows: Sequence[dict[str, object]]) -> str:
    """A table with a column for every key."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, ["---"] * len(columns), *([str(row.get(key, "")) for key in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


if __name__ == "__main__":
    main()
