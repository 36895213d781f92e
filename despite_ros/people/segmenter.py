"""Cloud → tracked people. The stages, one line each, as they are applied to a sweep."""

import time
from collections.abc import Sequence
from functools import partial

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray
from despite_ros.motion.sampling import make_crop
from despite_ros.people.background import Background
from despite_ros.people.boxes import boxes_to_people
from despite_ros.people.candidates import Candidate, find_candidates, put_together, take_apart
from despite_ros.people.claims import claim
from despite_ros.people.clustering import Clustering
from despite_ros.people.detections import NOBODY, Detection, detect
from despite_ros.people.features import TOP, candidate_features
from despite_ros.people.gate import CERTAIN, REASONS, Gate
from despite_ros.people.ground import Ground
from despite_ros.people.presets import with_preset
from despite_ros.people.rate import RateKeeper
from despite_ros.people.recent_sweeps import RecentSweeps
from despite_ros.people.settings import PeopleSettings
from despite_ros.people.surroundings import Surroundings
from despite_ros.people.track import Track
from despite_ros.people.tracking import Tracker
from despite_ros.people.transform import to_fixed
from despite_ros.records import PeopleFrame, Person

STANDING = 5  # sweeps at the same pose after which a sensor that moved is taken to stand still
TURNED = 0.005  # change of an entry of the rotation matrix, about 0.3°, that counts as moving
COUNTERS = (
    "points",
    "missed_sweeps",
    "above_ground",
    "foreground",
    "clusters",
    *REASONS,
    "unconfirmed",
    "people",
)
GLIMPSED = 3  # points of a track's person that show that it is still there
WALL = 3  # times the gate's greatest length, which is not of the outermost points: longer is nobody for sure
SHAPE = 64  # points of a track's crop that claim the next sweep's points


class Segmenter:
    """Finds and follows people in the sweeps of one LiDAR, given in the order of their stamps."""

    def __init__(self, settings: PeopleSettings) -> None:
        """Start with nothing seen.

        Raises:
            UserError: `settings.sensor` is unknown.
        """
        settings = with_preset(settings, settings.sensor)
        self.settings = settings
        self.rate = RateKeeper(settings.rate)
        self.recent = RecentSweeps(settings.sweeps, settings.rate)
        self.ground = Ground(settings.ground, settings.max_range)
        self.background = Background(settings.background)
        self.clustering = Clustering(settings.clustering, settings.max_range)
        self.surroundings = Surroundings(settings.max_range)
        self.gate = Gate(settings.gate)
        self.tracker = Tracker(settings.tracking)
        self.reset()

    def reset(self) -> None:
        """Forget tracks, floor and background, as when time goes back."""
        self.rate.reset()
        self.recent.reset()
        self.ground.reset()
        self.background.reset()
        self.tracker.reset()
        self.stamp_ns = 0
        self.ground_ns: int | None = None
        self.pose: DoubleArray | None = None
        self.still_sweeps = STANDING
        self.levelling: DoubleArray | None = None

    def process(
        self, cloud: FloatArray, stamp_ns: int, pose: DoubleArray | None = None, frame_id: str = ""
    ) -> PeopleFrame | None:
        """The people of one sweep; None for a sweep left out because the sensor is faster than `rate`.

        cloud: N×3 float32, metres, sensor frame, zero to any number of points.
        stamp_ns: of the sweep's end; one before the last stamp resets everything.
        pose: 4×4, sensor → fixed frame (z up); None for a static sensor, whose frame, levelled where the
        floor shows a tilt, is the fixed one; positions are then given in the sensor's own frame.

        A sweep that was lost may be given as an empty cloud: everybody is then predicted, with 0 points.

        Raises:
            UserError: the sensor gives too few sweeps a second.
        """
        if not self._wants(stamp_ns):
            return None
        pose = self._level(cloud) if pose is None else np.asarray(pose, np.float64)
        sensor = pose[:3, 3]
        watch, counters = Stopwatch(), dict.fromkeys(COUNTERS, 0)
        counters["points"], counters["missed_sweeps"] = len(cloud), self.rate.missed
        points = to_fixed(cloud, pose, self.settings.min_range, self.settings.max_range)
        points = self.recent.with_earlier(points, stamp_ns)
        watch.lap("transform")
        points, above = self._off_the_ground(points, pose)
        self.surroundings.fill(points, sensor)
        counters["above_ground"] = len(points)
        watch.lap("ground")
        if self._learns():
            new = np.flatnonzero(self.background.new(points, sensor, stamp_ns))
            points, above = points[new], above[new]
        counters["foreground"] = len(points)
        watch.lap("background")
        self.tracker.predict(stamp_ns)
        labels = self.clustering.label(points, sensor)
        watch.lap("clustering")
        owners, near = self._claims(points, labels)
        inert = np.array([*(track.inert or track.doubted for track in self.tracker.tracks), True])
        watch.lap("claims")
        detections = self._detections(points, above, labels, owners, near, sensor, counters)
        watch.lap("gate")
        self.tracker.update(detections, self.still_sweeps >= STANDING)
        watch.lap("tracking")
        people = self._people()
        counters["people"] = sum(person.observed for person in people)
        counters["unconfirmed"] = self.tracker.unconfirmed
        watch.lap("crops")
        if self._learns():
            self.background.learn(points[inert[near]], sensor)
        watch.lap("learning")
        return PeopleFrame(stamp_ns, frame_id, people, counters, watch.milliseconds)

    def process_boxes(
        self,
        cloud: FloatArray,
        boxes: DoubleArray,
        stamp_ns: int,
        pose: DoubleArray | None = None,
        frame_id: str = "",
    ) -> PeopleFrame | None:
        """As `process`, with people found by another detector: its boxes replace all up to the gate.

        boxes: B×7 (centre x, y, z, size x, y, z in metres, heading in radians), sensor frame.
        """
        if not self._wants(stamp_ns):
            return None
        pose = self._level(cloud) if pose is None else np.asarray(pose, np.float64)
        watch, counters = (
            Stopwatch(),
            {"points": len(cloud), "missed_sweeps": self.rate.missed, "boxes": len(boxes)},
        )
        points = to_fixed(cloud, pose, self.settings.min_range, self.settings.max_range)
        points, _ = self._off_the_ground(points, pose)
        self.tracker.predict(stamp_ns)
        detections = boxes_to_people(points, boxes, pose, self.settings.gate.min_points)
        watch.lap("boxes")
        self.tracker.update(detections, static=False)
        watch.lap("tracking")
        people = self._people()
        counters |= {
            "too_few_points": len(boxes) - len(detections),
            "people": sum(p.observed for p in people),
        }
        watch.lap("crops")
        return PeopleFrame(stamp_ns, frame_id, people, counters, watch.milliseconds)

    def _wants(self, stamp_ns: int) -> bool:
        """Whether a sweep of this stamp is to be looked at; time that goes back starts everything anew."""
        if stamp_ns < self.stamp_ns:
            self.reset()
        self.stamp_ns = stamp_ns
        return self.rate.wants(stamp_ns)

    def segments(self) -> dict[int, FloatArray]:
        """track_id → the raw points (N×3, fixed frame) that the last sweep saw of the person."""
        shown = self.tracker.shown
        return {track.track_id: track.detection.points for track in shown if track.detection is not None}

    def _level(self, cloud: FloatArray) -> DoubleArray:
        """The pose of a sensor that has none: where it is, turned so that its floor is level (found once)."""
        pose = np.eye(4)
        if self.levelling is None and len(cloud):
            points = to_fixed(cloud, pose, self.settings.min_range, self.settings.max_range)
            self.ground.estimate(points, pose[:3, 3])
            self.levelling = self.ground.levelling()
            self.ground.reset()
        if self.levelling is not None:
            pose[:3, :3] = self.levelling
        return pose

    def _off_the_ground(self, points: FloatArray, pose: DoubleArray) -> tuple[FloatArray, FloatArray]:
        """The points between floor and ceiling, and their heights above the floor."""
        moved = self._moved(pose)
        age = np.inf if self.ground_ns is None else (self.stamp_ns - self.ground_ns) * 1e-9
        if moved or age >= self.settings.ground.refresh:
            self.ground.estimate(points, pose[:3, 3])
            self.ground_ns = self.stamp_ns
        return self.ground.take_off(points, self.settings.clustering.ceiling)

    def _moved(self, pose: DoubleArray) -> bool:
        """Whether the sensor moved since the last sweep; the background is void until it stands."""
        before, self.pose = self.pose, pose
        change = np.zeros((3, 4)) if before is None else np.abs(pose[:3] - before[:3])
        moved = bool(change[:, 3].max() > self.settings.background.still or change[:, :3].max() > TURNED)
        if moved and self.still_sweeps >= STANDING:
            self.background.reset()
        self.still_sweeps = 0 if moved else self.still_sweeps + 1
        return moved

    def _learns(self) -> bool:
        """Whether the background is in use: the sensor stands still."""
        return self.settings.background.enabled and self.still_sweeps >= STANDING

    def _claims(self, points: FloatArray, labels: IndexArray) -> tuple[IndexArray, IndexArray]:
        """Track that each point belongs to, and that it is near to: indices, or NOBODY."""
        tracks = self.tracker.tracks
        if not tracks:
            nobody = np.full(len(points), NOBODY, np.int32)
            return nobody, nobody
        centres = np.array([track.state for track in tracks])[:, :2]
        shapes = np.array([track.shape for track in tracks])
        shapes[:, :, :2] += centres[:, None].astype(np.float32)
        unseen = np.array([(self.stamp_ns - track.seen_ns) * 1e-9 for track in tracks], np.float32)
        return claim(points, labels, centres, shapes, unseen, self.settings.partition)

    def _detections(
        self,
        points: FloatArray,
        above: FloatArray,
        labels: IndexArray,
        owners: IndexArray,
        near: IndexArray,
        sensor: DoubleArray,
        counters: dict[str, int],
    ) -> list[Detection]:
        """What may be a person: each track's claim, and what nobody claims, split at the necks."""
        centres = {track.key: track.state[:2] for track in self.tracker.tracks}

        judge = partial(self.judge, points=points, above=above, sensor=sensor)
        settings, longest = self.settings.partition, WALL * self.settings.gate.max_length
        candidates, walls = find_candidates(points, labels, owners, list(centres), settings, longest)
        candidates = take_apart(candidates, points, above, near == owners, centres, judge, settings)
        candidates = put_together(candidates, points, judge, settings)
        counters["clusters"], counters["too_large"] = len(candidates) + walls, walls
        found = []
        for one in candidates:
            if one.reason:
                counters[one.reason] += 1
            mine, glimpse = one.owner != NOBODY, one.reason == "too_few_points"
            glimpse &= len(one.members) >= GLIMPSED
            if not one.reason or (mine and (glimpse or one.log_odds > -CERTAIN)):
                found.append(detect(points[one.members], one.top, sensor, one.log_odds, one.owner, glimpse))
        return found

    def judge(
        self, some: Sequence[Candidate], points: FloatArray, above: FloatArray, sensor: DoubleArray
    ) -> list[Candidate]:
        """Candidates with what the gate says of them and their highest points."""
        longest = self.settings.gate.max_length
        features = candidate_features(some, points, above, sensor, self.surroundings, longest)
        judged = zip(some, *self.gate.judge(features), features[:, TOP].tolist(), strict=True)
        return [one._replace(log_odds=float(o), reason=why, top=top) for one, o, why, top in judged]

    def _people(self) -> tuple[Person, ...]:
        for track in self.tracker.tracks:
            if track.detection is not None:
                track.crop = make_crop(track.detection.points)
                track.shape = track.crop[:SHAPE] + track.detection.middle.astype(np.float32)
                track.shape[:, :2] -= track.state[:2].astype(np.float32)
        return tuple(self._person(track) for track in self.tracker.shown)

    def _given(self, x: float, y: float, z: float) -> FloatArray:
        """A vector of the fixed frame, turned back where levelling made that frame."""
        given = (x, y, z) if self.levelling is None else self.levelling.T @ (x, y, z)
        return np.array(given, np.float32)

    def _person(self, track: Track) -> Person:
        return Person(
            track_id=track.track_id,
            position=self._given(track.state[0], track.state[1], track.z),
            size=track.size.astype(np.float32),
            velocity=self._given(track.state[2], track.state[3], 0.0),
            covariance=track.covariance.astype(np.float32),
            age_s=(self.stamp_ns - track.born_ns) * 1e-9,
            points=0 if track.detection is None else len(track.detection.points),
            crop=track.crop,
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
