"""Cloud → tracked people. The stages, one line each, as they are applied to a sweep."""

import time

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.motion.sampling import make_crop
from despite_ros.people.clustering import Clustering, groups
from despite_ros.people.gate import Gate
from despite_ros.people.ground import Ground
from despite_ros.people.rate import RateKeeper
from despite_ros.people.settings import PeopleSettings
from despite_ros.people.tracking import Track, Tracker
from despite_ros.records import PeopleFrame, Person


class Segmenter:
    """Finds and follows people in the sweeps of one LiDAR, given in the order of their stamps."""

    def __init__(self, settings: PeopleSettings) -> None:
        self.settings = settings
        self.ground = Ground(settings.ground, settings.max_range)
        self.clustering = Clustering(settings.clustering, settings.max_range)
        self.gate = Gate(settings.gate)
        self.tracker = Tracker(settings.tracking)
        self.rate = RateKeeper(settings.rate)
        self.reset()

    def reset(self) -> None:
        """Forget tracks, floor and background, as when time goes back."""
        self.rate.reset()
        self.tracker.reset()
        self.ground.reset()
        self.crops: dict[int, FloatArray] = {}
        self.stamp_ns: int | None = None

    def process(
        self, cloud: FloatArray, stamp_ns: int, pose: DoubleArray | None = None, frame_id: str = ""
    ) -> PeopleFrame | None:
        """The people of one sweep; None for a sweep left out because the sensor is faster than `rate`.

        cloud: N×3 float32, metres, sensor frame, zero to any number of points.
        stamp_ns: of the sweep's end; one before the last stamp resets everything.
        pose: 4×4, sensor → fixed frame (z up); None for a static sensor whose frame is the fixed one.

        A sweep that was lost may be given as an empty cloud: everybody is then predicted, with 0 points.

        Raises:
            UserError: the sensor gives too few sweeps a second.
        """
        if self.stamp_ns is not None and stamp_ns < self.stamp_ns:
            self.reset()
        self.stamp_ns = stamp_ns
        if not self.rate.wants(stamp_ns):
            return None
        watch = Stopwatch()
        counters = {"points": len(cloud)}
        pose = np.eye(4) if pose is None else np.asarray(pose, np.float64)
        points = self._to_fixed(cloud, pose)
        watch.lap("transform")
        self.ground.estimate(points, pose[:3, 3])
        above = self.ground.above(points)
        standing = (above > self.settings.ground.clearance) & (above < self.settings.clustering.ceiling)
        points, above = points[standing], above[standing]
        counters["above_ground"] = len(points)
        watch.lap("ground")
        clusters = groups(self.clustering.label(points, pose[:2, 3].astype(np.float32)))
        counters["clusters"] = len(clusters)
        watch.lap("clustering")
        detections = self.gate.select(points, above, clusters, pose[:3, 3], counters)
        watch.lap("gate")
        self.tracker.predict(stamp_ns)
        self.tracker.update(detections)
        watch.lap("tracking")
        people = tuple(self._person(track) for track in self.tracker.tracks if track.confirmed)
        counters["people"] = sum(person.observed for person in people)
        watch.lap("crops")
        return PeopleFrame(stamp_ns, frame_id, people, counters, watch.milliseconds)

    def _to_fixed(self, cloud: FloatArray, pose: DoubleArray) -> FloatArray:
        squared = np.einsum("ij,ij->i", cloud, cloud)
        near, far = self.settings.min_range, self.settings.max_range
        kept = cloud[(squared > near * near) & (squared < far * far)]
        return np.asarray(kept @ pose[:3, :3].T + pose[:3, 3], np.float32)

    def _person(self, track: Track) -> Person:
        if track.detection is not None:
            self.crops[track.track_id] = make_crop(track.detection.points)
        return Person(
            track_id=track.track_id,
            position=np.array([track.state[0], track.state[1], track.z], np.float32),
            size=track.size.astype(np.float32),
            velocity=np.array([track.state[2], track.state[3], 0], np.float32),
            covariance=track.covariance.astype(np.float32),
            age_s=((self.stamp_ns or 0) - track.born_ns) * 1e-9,
            points=0 if track.detection is None else len(track.detection.points),
            crop=self.crops[track.track_id],
        )


class Stopwatch:
    """Milliseconds between laps."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self.start = time.perf_counter()

    def lap(self, stage: str) -> None:
        """The time since the last lap goes to `stage`."""
        now = time.perf_counter()
        self.milliseconds[stage] = (now - self.start) * 1e3
        self.start = now
