"""The one place where the stages are chained: live nodes, replay and benchmarks all run this code.

cloud ─ Segmenter ─► PeopleFrame ─ Reidentifier ─► ReidFrame, with IMU samples going to the Reidentifier.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IntArray
from despite_ros.encoders import Encoders
from despite_ros.encoders.streaming import ImuStream, PointStream
from despite_ros.errors import UserError
from despite_ros.limbs import LIMBS
from despite_ros.matching.activities import Activities
from despite_ros.matching.changes import ChangeCue
from despite_ros.matching.clock import ClockOffsets
from despite_ros.matching.cosines import cosines
from despite_ros.matching.cues import TrackCues, WearerCues
from despite_ros.matching.matcher import Matcher, MatchingFrame, moving_shares, window_weights
from despite_ros.matching.settings import MatchingSettings
from despite_ros.matching.travel import TravelCue
from despite_ros.matching.zero_shot import ZeroShot
from despite_ros.motion.calibration import SECONDS
from despite_ros.motion.faults import Faults
from despite_ros.motion.tracks import TrackWindows
from despite_ros.motion.wearers import Wearer
from despite_ros.motion.windows import WearerWindows
from despite_ros.people.segmenter import Segmenter, Stopwatch
from despite_ros.records import NOBODY, Assignment, PeopleFrame, ReidFrame
from despite_ros.settings import Settings

LEAST_CORRECTION = 0.03  # s; a smaller clock offset is within the estimate's error


@dataclass(frozen=True, slots=True)
class FrameEmbeddings:
    """Of one frame, unnormalised: tracks×E in the order of `ReidFrame.track_ids`, and wearers×E.

    Rows are NaN where a window is not full. turns: how many frames each track's row stands for, 0 where it is
    of an earlier one. Beside them the cues of the same tracks and wearers.
    """

    points: FloatArray
    turns: IntArray
    imu: FloatArray
    track_cues: FloatArray
    wearer_cues: FloatArray


class Reidentifier:
    """People and IMU samples in, names and activities out.

    faults: what was wrong with the input so far, counted and in words, for diagnostics.
    embeddings: those that the newest answer rests on, once there is one.
    """

    embeddings: FrameEmbeddings

    def __init__(self, settings: Settings, wearers: Sequence[Wearer], encoders: Encoders) -> None:
        self._settings = settings
        self._encoders = encoders
        self._wearers = {wearer.name: wearer for wearer in wearers}
        self._names = tuple(self._wearers)
        self.faults = Faults()
        self._windows = WearerWindows(wearers, settings.motion, self.faults)
        calibration = encoders.card.similarity
        self._matcher = Matcher(self._names, calibration.scale, calibration.bias, settings.matching)
        self.reset()

    def reset(self) -> None:
        """Forget people, windows and evidence; IMU samples are kept."""
        matching = self._settings.matching
        self._points = PointStream(self._encoders)
        self._imus = ImuStream(self._encoders, self._settings.encoders.imu_stride)
        self._tracks = TrackWindows(self._settings.motion)
        self._windows.clear_windows()
        self._matcher.reset()
        self._activities = activities_of(self._encoders, matching)
        self._track_cues, self._wearer_cues = TrackCues(), WearerCues()
        self._clocks = ClockOffsets(len(self._names), self._settings.motion.frame_period, matching)
        self._travel = TravelCue(len(self._names))
        self._changes = ChangeCue()
        self._cosines: dict[int, FloatArray] = {}  # of wearers, by track
        self._last: ReidFrame | None = None

    @property
    def clock_offsets(self) -> dict[str, float]:
        """Seconds to add to each wearer's `time_offset`; NaN while that cannot be told."""
        return {name: float(found) for name, found in zip(self._names, self._clocks.offsets(), strict=True)}

    @property
    def heading_offsets(self) -> dict[str, float]:
        """Radians to add to each wearer's `heading`, as its own walking shows."""
        return dict(zip(self._names, self._travel.heading_offsets.tolist(), strict=True))

    @property
    def notices(self) -> tuple[str, ...]:
        """What the wearers file lets the user expect, in words."""
        return tuple(
            f"{wearer.name}: {len(wearer.sensors)} of {len(LIMBS)} sensors; "
            "the fewer there are, the longer a name takes and the less sure it is"
            for wearer in self._wearers.values()
            if len(wearer.sensors) < len(LIMBS)
        )

    def imu(
        self,
        wearer: str,
        limb: str,
        stamp_ns: int,
        orientation: Sequence[float] | None,
        angular_velocity: Sequence[float],
        linear_acceleration: Sequence[float],
    ) -> None:
        """One sensor_msgs/Imu: xyzw sensor → world (None: not measured), rad/s, m/s² with gravity.

        Raises:
            UserError: the wearers file has no such sensor.
        """
        buffer = self._windows.sensor(wearer, limb)
        buffer.push(stamp_ns, orientation, angular_velocity, linear_acceleration)

    def imus(self, sensors: Sequence[int], messages: Sequence[bytes]) -> None:
        """Serialised sensor_msgs/Imu of many sensors, in the order they came: much quicker than one by one.

        sensors: whose each is, counted wearer by wearer as in the wearers file. What is no such message is
        dropped and counted.
        """
        self._windows.push(sensors, messages)

    def calibrate(self, wearer: str, pose: str, seconds: float = SECONDS) -> Wearer:
        """The wearer with mounts and headings found from its last seconds, which count from now on.

        pose: "t_pose" or "n_pose", in which the wearer stood still, facing world x.

        Raises:
            UserError: unknown wearer or pose, no samples, or the wearer moved.
        """
        if wearer not in self._wearers:
            raise UserError(f"no wearer '{wearer}'; known are {', '.join(self._wearers)}")
        self._wearers[wearer] = self._windows.calibrate(self._wearers[wearer], pose, seconds)
        return self._wearers[wearer]

    def people(self, frame: PeopleFrame) -> ReidFrame:
        """One sweep's people → names and activities at its stamp.

        A sweep that comes sooner than a window's frame is due, or again, gets the last answer. Missed
        sweeps are held over; after a gap too long for that, or when time goes back, windows start anew.
        """
        steps = self._steps(frame.stamp_ns)
        if not steps and self._last is not None:
            return self._last
        watch = Stopwatch()
        for stamp_ns in steps[:-1]:
            self._tracks.hold()
            self._push(stamp_ns)
        self._points.drop(self._tracks.follow(frame.stamp_ns, frame.people))
        self._track_cues.push(frame.people, self._tracks.jumped)
        self._push(frame.stamp_ns)
        watch.lap("windows")
        points, turns, imus = self._embed()
        cues = self._track_cues.rows(), self._wearer_cues.rows()
        self.embeddings = FrameEmbeddings(points, turns, imus, *cues)
        watch.lap("encode")
        similarity = self._similarity(points, turns, imus)
        changes = self._changes.update(
            frame.stamp_ns, self._tracks.track_ids, points, imus, turns, self._tracks.jumped
        )
        assignments = self._match(frame, similarity, changes, turns)
        names = {row: item.track_id for row, item in enumerate(assignments) if item.track_id != NOBODY}
        watch.lap("match")
        passed = 1e-9 * (frame.stamp_ns - self._last.stamp_ns) if self._last else 0.0
        track_ids = self._tracks.track_ids
        activities = self._activities.update(passed, track_ids, points, imus, names, *cues)
        self._clocks.update(track_ids, np.where(turns[:, None] > 0, points, np.nan), imus, names)
        if self._settings.matching.correct_clock:
            self._correct_clocks()
        self._travel.learn_headings(passed, names)
        watch.lap("activities")
        self._last = ReidFrame(
            frame.stamp_ns,
            self._names,
            tuple(track_ids),
            similarity,
            assignments,
            activities,
            watch.milliseconds,
        )
        return self._last

    def advance(self) -> None:
        """Work that may wait until the answer is out; without it, the next frame does it first."""
        self._points.advance()
        self._imus.advance()

    def _steps(self, stamp_ns: int) -> list[int]:
        """Stamps of the window frames up to this sweep; empty if it comes too soon to be one."""
        if self._last is None:
            return [stamp_ns]
        period = round(1e9 * self._settings.motion.frame_period)
        passed = stamp_ns - self._last.stamp_ns
        if passed < 0:
            self.faults.note("time_back", "sweeps", "stamps went back; everything starts anew")
            self.reset()
            return [stamp_ns]
        if passed - period > round(1e9 * self._settings.motion.longest_hold):
            self.faults.note("sweep_gap", "sweeps", "gap too long to hold crops over; windows start anew")
            self._points.drop(self._tracks.track_ids)
            self._imus.drop(range(len(self._names)))
            self._windows.clear_windows()
            self._tracks = TrackWindows(self._settings.motion)
            self._changes = ChangeCue()
            self._track_cues, self._wearer_cues = TrackCues(), WearerCues()
            return [stamp_ns]
        count = int(passed / period + 0.25)
        return [stamp_ns - period * back for back in reversed(range(count))]

    def _push(self, stamp_ns: int) -> None:
        """One frame of every window."""
        self._points.push(self._tracks.track_ids, self._tracks.crops)
        channels = self._windows.step(stamp_ns)
        self._imus.push(list(range(len(self._names))), channels)
        self._wearer_cues.push(channels)
        period = self._settings.motion.frame_period
        self._travel.follow(period, self._tracks.track_ids, self._tracks.velocities, channels)

    def _embed(self) -> tuple[FloatArray, IntArray, FloatArray]:
        """Embeddings of tracks, with their turns, and of wearers; NaN rows where a window is not full."""
        width, track_ids = self._encoders.card.width, self._tracks.track_ids
        found = self._points.embeddings(self._settings.encoders.windows_per_sweep)
        turns = dict(zip(found.ids, found.turns.tolist(), strict=True))
        points = scatter(found.ids, found.rows, track_ids, width)
        worn = self._imus.embeddings()
        imus = scatter(worn.ids, worn.rows, range(len(self._names)), width)
        imus[~self._windows.full] = np.nan
        return points, np.array([turns.get(number, 0) for number in track_ids], np.int64), imus

    def _similarity(self, points: FloatArray, turns: IntArray, imus: FloatArray) -> FloatArray:
        """Cosines of wearers × tracks, each of the frame in which the track's window was encoded."""
        similarity, track_ids = cosines(imus, points), self._tracks.track_ids
        for column in np.flatnonzero((turns == 0) & np.isfinite(points[:, 0])):
            similarity[:, column] = self._cosines[track_ids[column]]
        self._cosines = dict(zip(track_ids, similarity.T, strict=True))
        return similarity

    def _correct_clocks(self) -> None:
        """Put estimated clock offsets right, where they are large enough to matter."""
        for index, offset in enumerate(self._clocks.offsets()):
            if abs(offset) > LEAST_CORRECTION:
                self._windows.shift_clock(index, float(offset))
                self._clocks.restart(index)

    def _match(
        self, frame: PeopleFrame, similarity: FloatArray, changes: DoubleArray, turns: IntArray
    ) -> tuple[Assignment, ...]:
        """Names from this frame's similarity and all before."""
        settings = self._settings.matching
        moving = moving_shares(self._windows.motion, settings.moving)
        going = moving_shares(self._tracks.speeds, settings.going)
        return self._matcher.update(
            MatchingFrame(
                frame.stamp_ns,
                [person.track_id for person in frame.people],
                [person.position for person in frame.people],
                similarity,
                window_weights(moving, going, self._tracks.seen, settings) * turns,
                self._travel.log_odds(),
                changes,
                moving,
                going,
                np.asarray(self._windows.present.sum(axis=1), np.int64),
                self._tracks.visible(frame.stamp_ns),
                self._tracks.jumped,
            )
        )


class Pipeline:
    """Segmenter and Reidentifier in one."""

    def __init__(self, settings: Settings, wearers: Sequence[Wearer], encoders: Encoders) -> None:
        self.segmenter = Segmenter(settings.people)
        self.reidentifier = Reidentifier(settings, wearers, encoders)
        self.imu = self.reidentifier.imu

    def cloud(
        self, points: FloatArray, stamp_ns: int, pose: DoubleArray | None = None, frame_id: str = ""
    ) -> tuple[PeopleFrame, ReidFrame] | None:
        """One sweep → people, names and activities; None for a sweep that a fast sensor has to spare.

        points: N×3, sensor frame. pose: 4×4, sensor → fixed frame; None if they are the same.

        Raises:
            UserError: the sensor gives too few sweeps a second.
        """
        people = self.segmenter.process(points, stamp_ns, pose, frame_id)
        return None if people is None else (people, self.reidentifier.people(people))


def activities_of(encoders: Encoders, settings: MatchingSettings) -> Activities:
    """By the model's heads; for a model that has text embeddings only, by those."""
    card = encoders.card
    if card.labels or not card.text_embeddings:
        return Activities(encoders, card.labels, settings)
    return Activities(ZeroShot(card.text_embeddings), tuple(card.text_embeddings), settings)


def scatter(found: Sequence[int], rows: FloatArray, ids: Sequence[int], width: int) -> FloatArray:
    """Rows of the ids that were found → rows in the order of `ids`, NaN where there is none."""
    embeddings = dict(zip(found, rows, strict=True))
    nothing = np.full(width, np.nan, np.float32)
    ordered = [embeddings.get(number, nothing) for number in ids]
    return np.array(ordered, np.float32).reshape(len(ids), width)
