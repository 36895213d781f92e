"""People cut out of simulated sweeps by the truth: what names would be worth if segmentation were perfect."""

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.limbs import POINTS
from despite_ros.motion.sampling import make_crop
from despite_ros.people.transform import to_fixed
from despite_ros.records import PeopleFrame, Person
from despite_ros.simulation.scene import Scene, Sweep

FEWEST = 8  # points of a person who counts as seen
BACK = 0.5  # s over which velocities are taken
FARTHEST = 1000.0  # m, beyond every sensor
REACH = 0.45  # m from the nearest joint; returns mixed of a person's edge and what is behind lie farther off


class TrueTracks:
    """Every person in the room is a track of its own for ever; who is hidden is held over."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._crops: dict[int, FloatArray] = {}

    def process(self, sweep: Sweep) -> PeopleFrame:
        """Everybody seen in this sweep or before; a track's id is its person's place in the scene."""
        cloud = to_fixed(sweep.cloud, sweep.sensor_pose, 0.0, FARTHEST)
        seconds = 1e-9 * (sweep.stamp_ns - self._scene.start_ns)
        people = []
        for index in np.flatnonzero([person.present for person in self._scene.people]).tolist():
            points = self._near(index, cloud[sweep.person_index == index], seconds)
            if len(points) >= FEWEST:
                self._crops[index] = make_crop(points)
            if index in self._crops:
                people.append(self._person(index, points, seconds))
        return PeopleFrame(sweep.stamp_ns, "", tuple(people))

    def _person(self, index: int, points: FloatArray, seconds: float) -> Person:
        now, before = (self._joints(index, second)[0] for second in (seconds, seconds - BACK))
        seen = len(points) >= FEWEST
        return Person(
            track_id=index,
            position=now,
            size=np.ptp(points, axis=0) if seen else np.zeros(3, np.float32),
            velocity=(now - before) / np.float32(BACK),
            covariance=np.zeros((4, 4), np.float32),
            age_s=seconds,
            points=len(points) if seen else 0,
            crop=self._crops.get(index, np.zeros((POINTS, 3), np.float32)),
        )

    def _near(self, index: int, points: FloatArray, seconds: float) -> FloatArray:
        joints = self._joints(index, seconds)
        distances = np.linalg.norm(points[:, None] - joints[None], axis=2)
        return np.asarray(points[distances.min(axis=1) < REACH], np.float32)

    def _joints(self, index: int, seconds: float) -> FloatArray:
        motion = self._scene.people[index].motion
        frame = min(max(round(seconds * motion.rate), 0), motion.frames - 1)
        return np.asarray(motion.joints[frame], np.float32)
