"""Run the nodes' own pipeline over a recording, without ROS."""

from collections.abc import Iterator
from dataclasses import dataclass

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.bags.ahead import ReadAhead
from despite_ros.bags.reader import Recording
from despite_ros.bags.sightings import ReadingOptions, Sightings
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
    """One pass over a recording.

    ahead: a second process that reads the same recording with the same options and finds the people, for
    speed; the results are the same.

    Raises:
        UserError: no cloud topic, or a topic asked for that the recording lacks.
    """

    def __init__(
        self,
        recording: Recording,
        pipeline: Pipeline,
        options: ReadingOptions,
        ahead: ReadAhead | None = None,
    ) -> None:
        self.recording = recording
        self.frame_id = options.fixed_frame
        self.elapsed_ns = 0
        self._pipeline = pipeline
        self._sightings = Sightings(recording, pipeline.segmenter, options)
        self._ahead = ahead
        self.lidar_topics = self._sightings.lidar_topics
        self.imu_topics = self._sightings.imu_topics
        self.faults = self._sightings.faults

    def sweeps(self) -> Iterator[ReplayedSweep]:
        """Results in the order of the recording."""
        reidentifier = self._pipeline.reidentifier
        for sighting in self._ahead or self._sightings:
            self.elapsed_ns, self.frame_id = sighting.elapsed_ns, sighting.frame_id
            reidentifier.imus(sighting.sensors, sighting.samples)
            if sighting.sweep is not None:
                sweep, recorded_ns = sighting.sweep, sighting.recorded_ns
                reid = reidentifier.people(sweep.people)
                yield ReplayedSweep(sweep.points, sweep.people, reid, sweep.pose, recorded_ns)
        if self._ahead and (ended := self._ahead.ended):
            self.faults = ended.faults
            self.recording.breaks, self.recording.faults = ended.breaks, ended.recording_faults
