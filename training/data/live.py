"""What the activity heads are given live: rooms full of people, read by the whole pipeline.

Every frame of every track with full windows gives a row: the embeddings of its points and of the IMUs of the
person whom it is on, the cues of both, and what that person does in this very frame.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.random import Generator
from tqdm import tqdm

from despite_ros.activities import ACTIVITIES
from despite_ros.arrays import FloatArray, IntArray
from despite_ros.bags.writer import wearers_of
from despite_ros.encoders import Encoders, load
from despite_ros.encoders.heads import normalised
from despite_ros.matching.cues import SUMS, TRACK_NUMBERS, WEARER_NUMBERS
from despite_ros.motion.wearers import Wearer, parse_wearers
from despite_ros.pipeline import Reidentifier
from despite_ros.records import PeopleFrame
from despite_ros.settings import Settings
from despite_ros.simulation.crowd import Repertoire, Surroundings
from despite_ros.simulation.imu import ImuSamples
from despite_ros.simulation.repertoire import captured, made_up, parametric
from despite_ros.simulation.scene import Scene, random_scene
from despite_ros.simulation.skeleton import Motion
from despite_ros.simulation.style import Style
from training.data.scenes import Job, owners_of, segmenter_for
from training.data.simulated import clips_of, random_sensor
from training.data.store import GROUPS

SHARES = np.array([0.6, 0.2, 0.2])  # of everyday, made-up and captured motion
FEWER_SENSORS = 0.35  # chance that a wearer lacks some of the four
EVERY = 3  # frames from one row of a track to the next


@dataclass(frozen=True)
class LiveRows:
    """Embeddings of unit length M×E, cues M×C, labels M (index into ACTIVITIES)."""

    points: FloatArray
    imu: FloatArray
    track_cues: FloatArray
    wearer_cues: FloatArray
    labels: IntArray

    @classmethod
    def joined(cls, parts: Sequence["LiveRows"]) -> "LiveRows":
        """All rows of the parts, in their order."""
        return cls(*(np.concatenate(columns) for columns in zip(*map(_columns, parts), strict=True)))


def live_rows(jobs: Sequence[Job], model: Path, folder: Path, workers: int) -> LiveRows:
    """The rows of all scenes; a scene's are kept in a file of `folder`, and not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        found = pool.map(partial(_kept_rows, model=model, folder=folder), jobs)
        return LiveRows.joined(list(tqdm(found, total=len(jobs), unit="scenes", mininterval=5)))


def _kept_rows(job: Job, model: Path, folder: Path) -> LiveRows:
    file = folder / f"{job.name}.npz"
    if not file.is_file():
        np.savez(file, **vars(rows_of(job, model)))
    return LiveRows(**np.load(file))


def rows_of(job: Job, model: Path) -> LiveRows:
    """Simulate a scene and run the pipeline on it. Names are given by the truth."""
    rng = np.random.default_rng((job.seed, GROUPS.index(job.group), job.index))
    scene = random_scene(
        rng, job.people, job.people, 0, job.seconds, random_sensor(rng), repertoire=_repertoire(job)
    )
    wearers = tuple(_fewer(rng, one) for one in parse_wearers(wearers_of(scene), job.name))
    encoders, samples = load(model, "cpu", threads=1, say=lambda text: None), scene.imu()
    reader = _Reader(scene, wearers, samples, encoders)
    segmenter = segmenter_for(scene)
    for sweep in scene.sweeps():
        frame = segmenter.process(sweep.cloud, sweep.stamp_ns, sweep.sensor_pose)
        if frame is not None:
            reader.read(frame)
    return reader.rows()


class _Reader:
    """Feeds the frames of a scene to the pipeline behind the segmenter and keeps what it makes of them."""

    def __init__(
        self,
        scene: Scene,
        wearers: tuple[Wearer, ...],
        samples: dict[str, dict[str, ImuSamples]],
        encoders: Encoders,
    ) -> None:
        self._scene = scene
        self._reidentifier = Reidentifier(Settings(), wearers, encoders)
        self._wearers = [wearer.name for wearer in wearers]
        self._waiting = [(w.name, limb, samples[w.name][limb]) for w in wearers for limb in w.sensors]
        self._next = [0] * len(self._waiting)
        self._frame = 0
        cues = (
            np.zeros((0, SUMS * TRACK_NUMBERS), np.float32),
            np.zeros((0, SUMS * WEARER_NUMBERS), np.float32),
        )
        nobody = np.zeros((0, encoders.card.width), np.float32)
        self._found = [LiveRows(nobody, nobody, *cues, np.zeros(0, np.int64))]

    def read(self, frame: PeopleFrame) -> None:
        """A frame of people, after the samples up to it."""
        for index, (wearer, limb, sensed) in enumerate(self._waiting):
            until = int(np.searchsorted(sensed.stamps_ns, frame.stamp_ns, side="right"))
            for i in range(self._next[index], until):
                self._reidentifier.imu(
                    wearer, limb, int(sensed.stamps_ns[i]), sensed.orientation[i].tolist(),
                    sensed.angular_velocity[i].tolist(), sensed.specific_force[i].tolist(),
                )  # fmt: skip
            self._next[index] = until
        self._reidentifier.people(frame)
        self._frame += 1
        if self._frame % EVERY == 0:
            self._keep(frame)

    def rows(self) -> LiveRows:
        """All that were kept."""
        return LiveRows.joined(self._found)

    def _keep(self, frame: PeopleFrame) -> None:
        seconds = 1e-9 * (frame.stamp_ns - self._scene.start_ns)
        owners = owners_of(self._scene, frame.people, seconds)
        given, rows, wearers, labels = self._reidentifier.embeddings, [], [], []
        for row, person in enumerate(frame.people):
            if person.track_id not in owners:
                continue
            owner = self._scene.people[owners[person.track_id]]
            label, wearer = owner.motion.label_at(seconds), self._wearers.index(owner.name)
            full = np.isfinite(given.points[row, 0]) and np.isfinite(given.imu[wearer, 0])
            if full and label in ACTIVITIES:
                rows.append(row)
                wearers.append(wearer)
                labels.append(ACTIVITIES.index(label))
        if rows:
            self._found.append(
                LiveRows(
                    normalised(given.points[rows]),
                    normalised(given.imu[wearers]),
                    given.track_cues[rows],
                    given.wearer_cues[wearers],
                    np.array(labels),
                )
            )


def _repertoire(job: Job) -> Repertoire:
    kinds: list[Repertoire] = [parametric, made_up]
    if job.mocap:
        kinds.append(captured(clips_of(job.mocap, job.group)))
    shares = SHARES[: len(kinds)] / SHARES[: len(kinds)].sum()

    def draw(rng: Generator, style: Style, around: Surroundings) -> Motion:
        return kinds[rng.choice(len(kinds), p=shares)](rng, style, around)

    return draw


def _fewer(rng: Generator, wearer: Wearer) -> Wearer:
    """The wearer, now and then with one to three sensors only."""
    if rng.random() >= FEWER_SENSORS:
        return wearer
    limbs = sorted(rng.permutation(list(wearer.sensors))[: rng.integers(1, len(wearer.sensors))].tolist())
    return replace(wearer, sensors={limb: wearer.sensors[limb] for limb in limbs})


def _columns(rows: LiveRows) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, IntArray]:
    return rows.points, rows.imu, rows.track_cues, rows.wearer_cues, rows.labels
