"""Fill a sequence store with people as the runtime finds them: rooms full of people → segmenter → tracks.

`python -m training.data.scenes OUT --scenes 20 --people 10 --seconds 40 --seed 1` simulates 20 rooms. A
sequence is a stretch in which one track stays on one person: the crops that the reid node would be given, the
channels of that person's IMUs, and what the person really does. With `--mocap FOLDER` a third of the motion
is captured from the people of `--group`. A LiDAR of the table is used with its preset. Scene i follows from
(seed, group, i) and the sensor alone.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.random import Generator
from tqdm import tqdm

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.bags.tracking_scores import match
from despite_ros.limbs import FRAMES, LIMBS, pack_channels
from despite_ros.motion.imu import limb_channels
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.records import Person
from despite_ros.simulation.crowd import Repertoire, Surroundings
from despite_ros.simulation.imu import ImuSamples
from despite_ros.simulation.lidar import SENSORS
from despite_ros.simulation.repertoire import captured, made_up, parametric
from despite_ros.simulation.scene import Scene, ScenePerson, random_scene
from despite_ros.simulation.skeleton import Motion
from despite_ros.simulation.style import Style
from training.command import command
from training.data.simulated import clips_of, random_sensor
from training.data.sources.base import Record, frame_spans, sequence_info
from training.data.store import GROUPS, StoreWriter


@dataclass(frozen=True)
class Job:
    """Scene number `index` of a seed."""

    index: int
    group: str
    seed: int
    people: int
    seconds: float
    mocap: str = ""
    sensor: str = ""
    upside_down: bool = False

    @property
    def source(self) -> str:
        """The source of its sequences: scenes of one sensor, and those of one hung, are one of their own."""
        return "-".join(["scenes", *self._kind])

    @property
    def name(self) -> str:
        """Begins the names of the scene's sequences."""
        return "-".join(["scene", *self._kind, self.group, str(self.seed), f"{self.index:04d}"])

    @property
    def _kind(self) -> list[str]:
        return [part for part in (self.sensor, "hung" * self.upside_down) if part]


@dataclass
class _Stretch:
    """A track while it is on one person: stamps in seconds of the scene, and crops."""

    person: int
    seconds: list[float] = field(default_factory=list)
    crops: list[FloatArray] = field(default_factory=list)


def records(job: Job) -> list[Record]:
    """Simulate a scene and read its people as the runtime would; stretches of at least one window."""
    rng = np.random.default_rng((job.seed, GROUPS.index(job.group), job.index))
    sensor = SENSORS[job.sensor] if job.sensor else random_sensor(rng)
    scene = random_scene(
        rng,
        job.people,
        job.people,
        0,
        job.seconds,
        sensor,
        repertoire=_repertoire(job),
        upside_down=job.upside_down,
    )
    imu = scene.imu()
    return [
        _record(f"{job.name}-{number:03d}", job, scene, stretch, imu)
        for number, stretch in enumerate(_stretches(scene))
        if len(stretch.crops) >= FRAMES
    ]


def _repertoire(job: Job) -> Repertoire:
    """Everyday activities, made-up motion and, where there is any, captured motion in even shares."""
    kinds: list[Repertoire] = [parametric, made_up]
    if job.mocap:
        kinds.append(captured(clips_of(job.mocap, job.group)))

    def draw(rng: Generator, style: Style, around: Surroundings) -> Motion:
        return kinds[rng.integers(len(kinds))](rng, style, around)

    return draw


def _stretches(scene: Scene) -> Iterator[_Stretch]:
    """Every stretch, as it ends: the track is lost or goes over to somebody else."""
    segmenter, open_now = segmenter_for(scene), dict[int, _Stretch]()
    for sweep in scene.sweeps():
        frame = segmenter.process(sweep.cloud, sweep.stamp_ns, sweep.sensor_pose)
        if frame is None:
            continue
        seconds = 1e-9 * (sweep.stamp_ns - scene.start_ns)
        owners = owners_of(scene, frame.people, seconds)
        for track in [t for t, stretch in open_now.items() if owners.get(t) != stretch.person]:
            yield open_now.pop(track)
        for person in frame.people:
            if person.track_id in owners:
                owner = owners[person.track_id]
                stretch = open_now.setdefault(person.track_id, _Stretch(owner))
                stretch.seconds.append(seconds)
                stretch.crops.append(person.crop)
    yield from open_now.values()


def segmenter_for(scene: Scene) -> Segmenter:
    """With the preset of the scene's LiDAR; those that are not in the table have none."""
    known = scene.sensor.name in SENSORS
    return Segmenter(PeopleSettings(sensor=scene.sensor.name if known else ""))


def owners_of(scene: Scene, people: Sequence[Person], seconds: float) -> dict[int, int]:
    """{track_id: index of the scene's person it is on}."""
    where = np.stack([_joints(person, np.array([seconds]))[0, 0, :2] for person in scene.people])
    found = np.array([person.position[:2] for person in people]).reshape(-1, 2)
    return {people[track].track_id: owner for owner, track in match(where.astype(np.float64), found)}


def _record(
    name: str, job: Job, scene: Scene, stretch: _Stretch, imu: dict[str, dict[str, ImuSamples]]
) -> Record:
    person, seconds = scene.people[stretch.person], np.array(stretch.seconds)
    samples, targets = imu[person.name], np.rint(seconds * 1e9).astype(np.int64) + scene.start_ns
    sensed = [
        limb_channels(s.stamps_ns, s.orientation, s.specific_force, np.array(person.mounts[limb]), targets)
        for limb, s in ((limb, samples[limb]) for limb in LIMBS)
    ]
    rotations, accelerations = (np.stack(part, 1) for part in zip(*sensed, strict=True))
    labels = np.array([person.motion.label_at(moment) for moment in stretch.seconds])
    spans = frame_spans(labels, np.full(len(labels), ""))
    info = sequence_info(name, name, job.source, "as the motion's", job.group, "scene", spans)
    return Record(
        info, np.stack(stretch.crops), pack_channels(rotations, accelerations), _joints(person, seconds)
    )


def _joints(person: ScenePerson, seconds: DoubleArray) -> FloatArray:
    """Joints T×24×3 at T moments of the scene."""
    frames = np.rint(seconds * person.motion.rate).astype(np.int64)
    joints: FloatArray = person.motion.joints[np.minimum(frames, person.motion.frames - 1)]
    return joints


def fill(directory: Path, jobs: Sequence[Job], workers: int) -> int:
    """Simulate the scenes that the store holds nothing of; the number of sequences added."""
    added = 0
    with StoreWriter(directory) as writer, ProcessPoolExecutor(workers) as pool:
        done = {name.rpartition("-")[0] for name in writer.names}
        missing = [job for job in jobs if job.name not in done]
        for found in tqdm(pool.map(records, missing), total=len(missing), unit="scenes", mininterval=5):
            for record in found:
                writer.add(record.info, record.points, record.imu, record.joints)
            added += len(found)
    return added


@command("training.data.scenes")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="store folder; an unfinished one is continued")
    parser.add_argument("--scenes", type=int, default=20, help="rooms to simulate")
    parser.add_argument("--people", type=int, default=10, help="in a room")
    parser.add_argument("--seconds", type=float, default=40.0, help="length of a scene")
    parser.add_argument("--sensor", choices=sorted(SENSORS), default="", help="of all scenes; default: any")
    parser.add_argument("--upside-down", action="store_true", help="the LiDAR hangs upside down")
    parser.add_argument("--mocap", default="", help="folder of packed motion capture files")
    parser.add_argument("--group", choices=GROUPS, default="train", help="whose captured motion")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    args = parser.parse_args(arguments)
    jobs = [
        Job(
            index,
            args.group,
            args.seed,
            args.people,
            args.seconds,
            args.mocap,
            args.sensor,
            args.upside_down,
        )
        for index in range(args.scenes)
    ]
    added = fill(args.out, jobs, args.workers)
    print(f"{args.out}: {added} sequences added")


if __name__ == "__main__":
    sys.exit(main())
