"""A room with people, a LiDAR and worn IMUs: sweeps, IMU samples, and the truth about them.

The world frame has z up and the floor at z = 0. The LiDAR stands level with its axes along the world's, hangs
upside down, or a robot carries it. IMUs report orientations in the world frame, up to their heading errors.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.spatial.transform import Rotation

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray
from despite_ros.errors import UserError
from despite_ros.limbs import LIMBS
from despite_ros.simulation import sensor_path
from despite_ros.simulation.body import Body
from despite_ros.simulation.crowd import Repertoire, plan
from despite_ros.simulation.imu import ImuModel, ImuSamples, simulate_imu
from despite_ros.simulation.lidar import SENSORS, LidarModel
from despite_ros.simulation.repertoire import parametric
from despite_ros.simulation.room import Room
from despite_ros.simulation.sensor_path import SensorPath
from despite_ros.simulation.skeleton import Motion
from despite_ros.simulation.style import Style
from despite_ros.simulation.sweep import Actor, scan

NAMES = (
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "karl", "laura",
    "mike", "nina", "oscar", "peggy", "quinn",
)  # fmt: skip
START_NS = 1_700_000_000_000_000_000  # stamp of scene time 0
STANDING, HUNG, ON_ROBOT = (1.0, 2.0), (2.1, 2.5), (0.5, 0.9)  # heights of the LiDAR, m
Mount = tuple[float, float, float, float]


@dataclass(frozen=True)
class ScenePerson:
    """Somebody who moves, in the room or elsewhere.

    wearer: the name of the set of IMUs worn, None for none. mounts: limb → the nominal orientation of
    its IMU, sensor → bone, xyzw. present: whether the body is in the room; IMUs report in any case.
    """

    name: str
    motion: Motion
    body: Body
    wearer: str | None = None
    mounts: Mapping[str, Mount] = field(default_factory=dict)
    present: bool = True


@dataclass(frozen=True)
class Sweep:
    """One sweep. cloud: N×3 metres in the sensor's frame at each point's own time, not corrected for motion.

    stamp_ns: its end. person_index: N, index into the scene's people, −1 for anything else.
    times: N seconds before the stamp (≤ 0). rings: N. sensor_pose: 4×4 sensor → world at the stamp.
    """

    index: int
    stamp_ns: int
    cloud: FloatArray
    person_index: IndexArray
    times: FloatArray
    rings: IndexArray
    sensor_pose: DoubleArray


@dataclass(frozen=True)
class Scene:
    """People in a room, and what measures them for `seconds`. The same seed measures the same."""

    people: tuple[ScenePerson, ...]
    room: Room
    sensor: LidarModel
    path: SensorPath
    seconds: float
    imu_model: ImuModel = field(default_factory=ImuModel)
    imu_rate: float = 100.0
    start_ns: int = START_NS
    seed: int = 0

    @property
    def sweep_count(self) -> int:
        """Number of whole sweeps."""
        return int(self.seconds / self.sensor.period + 1e-6)

    def sweeps(self) -> Iterator[Sweep]:
        """All sweeps in order of time."""
        return (self.sweep(index) for index in range(self.sweep_count))

    def sweep(self, index: int) -> Sweep:
        """The sweep that ends `index + 1` periods after the start."""
        begin, end = index * self.sensor.period, (index + 1) * self.sensor.period
        poses = (self.path.at(begin), self.path.at(end))
        rng = np.random.default_rng((self.seed, 1, index))
        found = scan(self.sensor, index, end, poses, self._actors, self._obstacles, rng)
        person = np.append(self._present, -1).astype(np.int32)[found.person]
        stamp = self.start_ns + round(end * 1e9)
        return Sweep(index, stamp, found.points, person, found.times, found.rings, poses[1])

    def imu(self) -> dict[str, dict[str, ImuSamples]]:
        """Wearer → limb → everything that the IMU reports, stamps on the scene's clock."""
        return {
            person.wearer: {limb: self._imu(index, limb) for limb in person.mounts}
            for index, person in enumerate(self.people)
            if person.wearer is not None
        }

    def truth(self, sweep: Sweep) -> dict[str, Any]:
        """Who is where at a sweep's stamp: pelvis in the sensor's frame (metres), points, activity."""
        seconds = (sweep.stamp_ns - self.start_ns) / 1e9
        counts = np.bincount(sweep.person_index + 1, minlength=len(self.people) + 1)[1:]
        rotation, origin = sweep.sensor_pose[:3, :3], sweep.sensor_pose[:3, 3]
        people = []
        for index in self._present:
            person = self.people[index]
            frame = min(person.motion.frames - 1, round(seconds * person.motion.rate))
            x, y, z = ((person.motion.joints[frame, 0] - origin) @ rotation).round(4).tolist()
            people.append({
                "name": person.name, "wearer": person.wearer, "x": x, "y": y, "z": z,
                "points": int(counts[index]), "activity": person.motion.label_at(seconds),
            })  # fmt: skip
        return {"stamp_ns": sweep.stamp_ns, "people": people}

    @cached_property
    def _present(self) -> list[int]:
        return [index for index, person in enumerate(self.people) if person.present]

    @cached_property
    def _actors(self) -> list[Actor]:
        return [Actor(self.people[index].motion, self.people[index].body) for index in self._present]

    @cached_property
    def _obstacles(self) -> Any:
        return self.room.obstacles()

    def _imu(self, index: int, limb: str) -> ImuSamples:
        person, rng = self.people[index], np.random.default_rng((self.seed, 2, index, LIMBS.index(limb)))
        samples = simulate_imu(person.motion, limb, self.imu_rate, self.imu_model, rng, person.mounts[limb])
        return replace(samples, stamps_ns=samples.stamps_ns + self.start_ns)


def random_scene(
    rng: Generator,
    people: int = 4,
    wearers: int = 3,
    absent: int = 1,
    seconds: float = 60.0,
    sensor: str | LidarModel = "os1_64",
    moving: bool = False,
    repertoire: Repertoire = parametric,
    imus: int = 4,
    upside_down: bool = False,
) -> Scene:
    """A furnished room with `people`, of whom `wearers` wear IMUs; `absent` more wear IMUs elsewhere.

    sensor: a key of `SENSORS` or a model. moving: a robot carries it. imus: worn by each wearer, 1 to 4.
    upside_down: it hangs above the people's heads, its z axis down.

    Raises:
        UserError: unknown sensor, more wearers than people, more people than names or than fit, or a robot
            that carries it upside down.
    """
    model = _model(sensor)
    if moving and upside_down:
        raise UserError("a LiDAR is carried by a robot or hangs upside down, not both")
    _check(people, wearers, absent, seconds, imus)
    length = float(np.clip(7 + 0.8 * people, 9, 22))
    room = Room.random(rng, length, 0.8 * length)
    if moving:
        path = sensor_path.driving(rng, room, rng.uniform(*ON_ROBOT), seconds)
    else:
        path = sensor_path.standing(rng, room, rng.uniform(*(HUNG if upside_down else STANDING)), upside_down)
    styles = [Style.random(rng) for _ in range(people + absent)]
    motions = plan(rng, room, styles[:people], repertoire, seconds, path.ground)
    motions += plan(rng, room, styles[people:], repertoire, seconds) if absent else []
    everybody = tuple(
        _person(rng, index, motion, imus if index < wearers or index >= people else 0, index < people)
        for index, motion in enumerate(motions)
    )
    return Scene(everybody, room, model, path, seconds, seed=int(rng.integers(2**31)))


def _person(rng: Generator, index: int, motion: Motion, imus: int, present: bool) -> ScenePerson:
    limbs = [LIMBS[i] for i in sorted(rng.choice(4, imus, replace=False))]
    mounts = {limb: _mount(rng) for limb in limbs}
    name = NAMES[index]
    return ScenePerson(name, motion, Body.random(rng), name if imus else None, mounts, present)


def _mount(rng: Generator) -> Mount:
    x, y, z, w = Rotation.random(rng=rng).as_quat().round(6).tolist()
    return x, y, z, w


def _model(sensor: str | LidarModel) -> LidarModel:
    if isinstance(sensor, LidarModel):
        return sensor
    if sensor not in SENSORS:
        raise UserError(f"unknown sensor '{sensor}'; known are {', '.join(SENSORS)}")
    return SENSORS[sensor]


def _check(people: int, wearers: int, absent: int, seconds: float, imus: int) -> None:
    if not 1 <= people + absent <= len(NAMES) or people < 1:
        raise UserError(f"a scene has 1 to {len(NAMES)} people, with the absent; found {people} and {absent}")
    if not 0 <= wearers <= people:
        raise UserError(f"{wearers} wearers among {people} people; at most everybody wears IMUs")
    if not 1 <= imus <= len(LIMBS):
        raise UserError(f"a wearer has 1 to {len(LIMBS)} IMUs, found {imus}")
    if seconds < 1:
        raise UserError(f"a scene lasts at least 1 second, found {seconds}")
