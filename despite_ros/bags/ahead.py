"""Reading a recording in a second process, a little ahead of the first, which has the encoders."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

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


class ReadAhead:
    """The sightings that `Sightings` gives in one process, but for the sweeps' points, which are empty.

    The second process starts at once. The pipe between the two holds a few sweeps, so reading waits for who
    takes them. To be iterated over once; then `ended` says how reading ended. Close it, or use `with`.
    """

    def __init__(self, recording: Path, people: PeopleSettings, options: ReadingOptions) -> None:
        context = get_context("spawn")  # a fork would copy locks that other threads hold
        self.options = options
        self.ended: Ended | None = None
        self._receiver, sender = context.Pipe(duplex=False)
        arguments = (sender, recording, people, options)
        self._process = context.Process(target=_read, args=arguments, daemon=True)
        self._process.start()
        sender.close()

    def __iter__(self) -> Iterator[Sighting]:
        """In the order of the recording.

        Raises:
            UserError: as `Sightings` does.
        """
        while not isinstance(item := self._receiver.recv(), Ended):
            if isinstance(item, Exception):
                raise item
            yield item
        self.ended = item

    def close(self) -> None:
        """End the second process."""
        self._receiver.close()  # a process that still reads then ends by itself
        self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
