"""Run the nodes' own pipeline over a recording, without ROS."""

from collections.abc import Iterator
from dataclasses import dataclass

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.bags.ahead import read_ahead
from despite_ros.bags.reader import Recording
from despite_ros.bags.sightings import ReadingOptions, Sighting, Sightings
from despite_ros.motion.wearers import Wearer
from despite_ros.nodes.settings import NodeSettings
from despite_ros.pipeline import Pipeline
from despite_ros.records import PeopleFrame, ReidFrame


@dataclass(frozen=True)
class ReplayedSweep:
    """One sweep's outcome.

    points: N×3, the LiDAR's frame; empty if it was read ahead. pose: 4×4 LiDAR → fixed frame, None where
    they are the same. recorded_ns: when its (last) cloud was recorded.
    """

    points: FloatArray
    people: PeopleFrame
    reid: ReidFrame
    pose: DoubleArray | None
    recorded_ns: int


class Replay:
    """One pass over a recording; arguments as `ReadingOptions` has them.

    ahead: read and find people in a second process, for speed; the results are the same.

    Raises:
        UserError: no cloud topic, or a topic asked for that the recording lacks.
    """

    def __init__(
        self,
        recording: Recording,
        pipeline: Pipeline,
        wearers: tuple[Wearer, ...],
        lidar_topics: tuple[str, ...] = (),
        fixed_frame: str = "",
        rate: float = 0.0,
        time_jump: float = NodeSettings.time_jump,
        ahead: bool = False,
    ) -> None:
        self.recording = recording
        self.frame_id = fixed_frame
        self.elapsed_ns = 0
        self._options = ReadingOptions(wearers, lidar_topics, fixed_frame, rate, time_jump)
        self._pipeline = pipeline
        self._sightings = Sightings(recording, pipeline.segmenter, self._options)
        self._ahead = ahead
        self.lidar_topics = self._sightings.lidar_topics
        self.imu_topics = self._sightings.imu_topics
        self.faults = self._sightings.faults

    def sweeps(self) -> Iterator[ReplayedSweep]:
        """Results in the order of the recording."""
        reidentifier = self._pipeline.reidentifier
        for sighting in self._read_ahead() if self._ahead else self._sightings:
            self.elapsed_ns, self.frame_id = sighting.elapsed_ns, sighting.frame_id
            for wearer, limb, sample in sighting.samples:
                reidentifier.imu(wearer, limb, *sample)
            if sighting.sweep is not None:
                sweep, recorded_ns = sighting.sweep, sighting.recorded_ns
                reid = reidentifier.people(sweep.people)
                yield ReplayedSweep(sweep.points, sweep.people, reid, sweep.pose, recorded_ns)

    def _read_ahead(self) -> Iterator[Sighting]:
        people = self._pipeline.segmenter.settings
        ended = yield from read_ahead(self.recording.path, people, self._options)
        self.faults = ended.faults
        self.recording.breaks, self.recording.faults = ended.breaks, ended.recording_faults
