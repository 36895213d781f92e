"""Reading a recording in a second process, a little ahead of the first, which has the encoders."""

import signal
from collections.abc import Generator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from despite_ros.bags.reader import Recording
from despite_ros.bags.sightings import ReadingOptions, Sighting, Sightings
from despite_ros.motion.faults import Faults
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings

NO_POINTS = np.empty((0, 3), np.float32)


@dataclass(frozen=True)
class Ended:
    """How reading ended: `Recording.breaks`, `Recording.faults` and `Sightings.faults`."""

    breaks: list[str]
    recording_faults: Faults
    faults: Faults


def read_ahead(
    recording: Path, people: PeopleSettings, options: ReadingOptions
) -> Generator[Sighting, None, Ended]:
    """The sightings that `Sightings` gives in one process, but for the sweeps' points, which are empty.

    The pipe between the processes holds a few sweeps, so reading waits for who takes them.

    Raises:
        UserError: as `Sightings` does.
    """
    context = get_context("spawn")  # a fork would copy locks that other threads hold
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(sender, recording, people, options), daemon=True)
    process.start()
    sender.close()
    try:
        while not isinstance(item := receiver.recv(), Ended):
            if isinstance(item, Exception):
                raise item
            yield item
        return item
    finally:
        receiver.close()  # a process that still reads then ends by itself
        process.join()


def _read(sender: Connection, path: Path, people: PeopleSettings, options: ReadingOptions) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process
    try:
        with Recording(path) as recording:
            sightings = Sightings(recording, Segmenter(people), options)
            for sighting in sightings:
                sweep = sighting.sweep and replace(sighting.sweep, points=NO_POINTS)
                sender.send(replace(sighting, sweep=sweep))
            sender.send(Ended(recording.breaks, recording.faults, sightings.faults))
    except BrokenPipeError:
        return
    except Exception as error:
        sender.send(error)
