"""Reading in a second process gives what reading in one does."""

from pathlib import Path

import numpy as np
import pytest

from despite_ros.bags.ahead import ReadAhead
from despite_ros.bags.reader import Recording
from despite_ros.bags.sightings import ReadingOptions, Sightings
from despite_ros.bags.writer import wearers_of, write_recording
from despite_ros.errors import UserError
from despite_ros.motion.wearers import parse_wearers
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.simulation.scene import random_scene


def test_sightings_are_the_same_in_one_process_and_in_two(tmp_path: Path) -> None:
    scene = random_scene(np.random.default_rng(5), 2, 2, 0, 1.5, "vlp16")
    write_recording(scene, tmp_path / "bag")
    lost = tmp_path / "bag" / "recording.mcap"
    lost.write_bytes(lost.read_bytes()[:-200_000])
    people, options = PeopleSettings(), ReadingOptions(parse_wearers(wearers_of(scene), "test"))
    with Recording(lost) as recording:
        sightings = Sightings(recording, Segmenter(people), options)
        expected = list(sightings)
        breaks, faults = recording.breaks, sightings.faults
    with ReadAhead(lost, people, options) as reading:
        found = list(reading)
    assert reading.ended is not None
    assert reading.ended.breaks == breaks != []
    assert reading.ended.faults.lines == faults.lines
    assert len(found) == len(expected) > 5
    for one, other in zip(found, expected, strict=True):
        assert (one.sensors, one.samples) == (other.sensors, other.samples)
        assert (one.recorded_ns, one.elapsed_ns) == (other.recorded_ns, other.elapsed_ns)
        assert (one.sweep is None) == (other.sweep is None)
        if one.sweep and other.sweep:
            assert one.sweep.people.counters == other.sweep.people.counters
            for person, same in zip(one.sweep.people.people, other.sweep.people.people, strict=True):
                assert person.track_id == same.track_id
                assert np.array_equal(person.crop, same.crop)


def test_an_error_of_the_reading_process_is_raised_here(tmp_path: Path) -> None:
    with (
        ReadAhead(tmp_path / "none", PeopleSettings(), ReadingOptions()) as reading,
        pytest.raises(UserError, match="there is no recording"),
    ):
        next(iter(reading))


def test_reading_ends_when_nobody_takes_any_more(tmp_path: Path) -> None:
    write_recording(random_scene(np.random.default_rng(5), 1, 0, 0, 1.0, "vlp16"), tmp_path / "bag")
    with ReadAhead(tmp_path / "bag", PeopleSettings(), ReadingOptions()) as reading:
        next(iter(reading))
