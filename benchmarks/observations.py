"""Simulated scenes as the pipeline sees them: people found in clouds, IMU samples, and the truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from scipy.spatial.transform import Rotation

from benchmarks.true_tracks import TrueTracks
from despite_ros.bags.results import Line, result_line
from despite_ros.bags.writer import wearers_of
from despite_ros.encoders import Encoders
from despite_ros.motion.wearers import Wearer, parse_wearers
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.pipeline import Reidentifier
from despite_ros.records import PeopleFrame
from despite_ros.settings import Settings
from despite_ros.simulation.captured import load_captured
from despite_ros.simulation.crowd import Surroundings
from despite_ros.simulation.imu import ImuSamples
from despite_ros.simulation.repertoire import captured, made_up, parametric
from despite_ros.simulation.scene import Scene, Sweep, random_scene
from despite_ros.simulation.skeleton import Motion
from despite_ros.simulation.style import Style

HELD_APART = (
    "cmu/05.npz", "cmu/08.npz", "cmu/94.npz", "cmu_short/05.npz", "cmu_short/08.npz", "cmu_short/94.npz",
    "cmu_walkrunjump/cmu_08.npz", "cmu_walkrunjump/cmu_39.npz", "reactidle/react_003.npz",
    "reactidle/react_009.npz", "reactidle/react_012.npz", "hdm05/*.npz",
)  # fmt: skip
"""Files of captured motion whose people no released model was trained on or chosen by."""

Samples = dict[str, dict[str, ImuSamples]]


@dataclass(frozen=True)
class Case:
    """A scene to look at.

    gap: first and last second without sweeps, or None. hung: LiDAR upside down. absent: wearers elsewhere.
    """

    people: int
    sensor: str
    seed: int
    seconds: float
    gap: tuple[float, float] | None = None
    hung: bool = False
    absent: int = 1


@dataclass(frozen=True)
class Observation:
    """What a scene gave: people frames, truth lines in the fixed frame, IMU samples, wearers.

    clock_ahead_ns: by how much the IMUs' stamps are later than the samples.
    """

    frames: list[PeopleFrame]
    truth: list[Line]
    samples: Samples
    wearers: tuple[Wearer, ...]
    clock_ahead_ns: int = 0


def observe(case: Case, mocap: Path | None, true_tracks: bool = False) -> Observation:
    """Simulate a case: three quarters of the people wear four IMUs each, and so do those who are elsewhere.

    true_tracks: people are cut out of the sweeps by the truth, not found.
    """
    repertoire = captured(held_apart(mocap)) if mocap else everyday
    worn = max(1, round(0.75 * case.people))
    rng = np.random.default_rng(case.seed)
    scene = random_scene(
        rng,
        case.people,
        worn,
        case.absent,
        case.seconds,
        case.sensor,
        repertoire=repertoire,
        upside_down=case.hung,
    )
    find = TrueTracks(scene).process if true_tracks else _finder(case.sensor)
    frames, truth = [], []
    for sweep in scene.sweeps():
        if case.gap and case.gap[0] <= 1e-9 * (sweep.stamp_ns - scene.start_ns) < case.gap[1]:
            continue
        frame = find(sweep)
        if frame is not None:
            frames.append(frame)
            truth.append(_truth(scene, sweep))
    wearers = parse_wearers(wearers_of(scene), "simulated scene")
    return Observation(frames, truth, scene.imu(), wearers)


def _finder(sensor: str) -> Callable[[Sweep], PeopleFrame | None]:
    segmenter = Segmenter(PeopleSettings(sensor=sensor))
    return lambda sweep: segmenter.process(sweep.cloud, sweep.stamp_ns, sweep.sensor_pose)


def everyday(rng: Generator, style: Style, around: Surroundings) -> Motion:
    """Everyday activities and motions that nobody performed, half and half."""
    return (parametric if rng.random() < 0.5 else made_up)(rng, style, around)


@cache
def held_apart(mocap: Path) -> tuple[Motion, ...]:
    """Captured motions of the people held apart."""
    files = [file for pattern in HELD_APART for file in sorted(mocap.glob(pattern))]
    return tuple(motion for file in files for motion in load_captured(file))


def reidentify(observation: Observation, encoders: Encoders, settings: Settings) -> Iterator[Line]:
    """The pipeline behind the segmenter, over a whole observation: one result line a sweep."""
    reidentifier = Reidentifier(settings, observation.wearers, encoders)
    feeds = [
        _Feed(reidentifier, wearer.name, limb, observation.samples[wearer.name][limb])
        for wearer in observation.wearers
        for limb in wearer.sensors
    ]
    for frame in observation.frames:
        for feed in feeds:
            feed.until(frame.stamp_ns + observation.clock_ahead_ns)
        yield result_line(frame, reidentifier.people(frame))


def one_sensor(observation: Observation) -> Observation:
    """Everybody wears a watch: only the left forearm's IMU."""
    kept = tuple(
        replace(wearer, sensors={"left_forearm": wearer.sensors["left_forearm"]})
        for wearer in observation.wearers
    )
    return replace(observation, wearers=kept)


def drifting(observation: Observation, degrees_per_minute: float) -> Observation:
    """Every sensor's heading drifts, one way or the other."""
    rng = np.random.default_rng(0)

    def drift(samples: ImuSamples) -> ImuSamples:
        minutes = (samples.stamps_ns - samples.stamps_ns[0]) / 60e9
        angle = np.radians(rng.choice([-1, 1]) * degrees_per_minute) * minutes
        turn = Rotation.from_rotvec(angle[:, None] * np.array([0.0, 0.0, 1.0]))
        orientation = (turn * Rotation.from_quat(samples.orientation)).as_quat().astype(np.float32)
        return replace(samples, orientation=orientation)

    return replace(observation, samples=_each(observation.samples, drift))


def late(observation: Observation, seconds: float) -> Observation:
    """The IMUs' clocks are ahead of the LiDAR's, so that their stamps are too late."""

    def shift(samples: ImuSamples) -> ImuSamples:
        return replace(samples, stamps_ns=samples.stamps_ns + round(1e9 * seconds))

    shifted = _each(observation.samples, shift)
    return replace(observation, samples=shifted, clock_ahead_ns=round(1e9 * seconds))


def lossy(observation: Observation, share: float) -> Observation:
    """Single samples get lost."""
    rng = np.random.default_rng(0)

    def lose(samples: ImuSamples) -> ImuSamples:
        kept = rng.random(len(samples.stamps_ns)) >= share
        return ImuSamples(
            samples.stamps_ns[kept],
            samples.orientation[kept],
            samples.angular_velocity[kept],
            samples.specific_force[kept],
        )

    return replace(observation, samples=_each(observation.samples, lose))


def over_and_over(observation: Observation, minutes: float) -> Observation:
    """One minute repeated, with new track numbers every time."""
    times = max(1, round(minutes))
    shifts = [round(60e9) * index for index in range(times)]

    def repeat(samples: ImuSamples) -> ImuSamples:
        columns = (samples.orientation, samples.angular_velocity, samples.specific_force)
        stamps = np.concatenate([samples.stamps_ns + shift for shift in shifts])
        return ImuSamples(stamps, *(np.tile(column, (times, 1)) for column in columns))

    frames = [
        replace(
            frame,
            stamp_ns=frame.stamp_ns + shift,
            people=tuple(replace(p, track_id=p.track_id + 1000 * index) for p in frame.people),
        )
        for index, shift in enumerate(shifts)
        for frame in observation.frames
    ]
    return replace(observation, frames=frames, samples=_each(observation.samples, repeat))


class _Feed:
    """One sensor's samples, handed to the pipeline as time passes."""

    def __init__(self, reidentifier: Reidentifier, wearer: str, limb: str, samples: ImuSamples) -> None:
        self._push = reidentifier.imu
        self._sensor = (wearer, limb)
        self._stamps = samples.stamps_ns.tolist()
        columns = (samples.orientation, samples.angular_velocity, samples.specific_force)
        self._rows = list(zip(*(column.tolist() for column in columns), strict=True))
        self._next = 0

    def until(self, stamp_ns: int) -> None:
        while self._next < len(self._stamps) and self._stamps[self._next] <= stamp_ns:
            self._push(*self._sensor, self._stamps[self._next], *self._rows[self._next])
            self._next += 1


def _each(samples: Samples, change: Callable[[ImuSamples], ImuSamples]) -> Samples:
    return {
        wearer: {limb: change(found) for limb, found in limbs.items()} for wearer, limbs in samples.items()
    }


def _truth(scene: Scene, sweep: Sweep) -> Line:
    """The scene's truth with positions in the fixed frame instead of the sensor's."""
    line = scene.truth(sweep)
    for person in line["people"]:
        position = sweep.sensor_pose @ [person["x"], person["y"], person["z"], 1.0]
        person["x"], person["y"], person["z"] = position[:3].tolist()
    return line
