"""Read a recording: ROS 2 MCAP and sqlite3, ROS 1 bags; split, compressed or interrupted ones.

rosbags reads whole recordings. A file whose writer was killed has no index; its complete records are
read in file order up to the break, and `Recording.breaks` says where and why reading ended early.
"""

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from despite_ros.bags.broken_mcap import BrokenMcap
from despite_ros.bags.message import IMU, BagMessage
from despite_ros.errors import UserError
from despite_ros.motion.faults import Faults

STORAGE_SUFFIXES = (".mcap", ".db3", ".bag")
REMEDIES = {".db3": "; `sqlite3 FILE .recover` may save what is whole", ".bag": "; try `rosbag reindex`"}
# A reader of damaged bytes raises whatever they lead it to; each use keeps its reason.
READ_ERRORS = (Exception,)


class Source(Protocol):
    """One opened storage: what it holds, and its messages in recorded order."""

    topics: dict[str, tuple[str, int]]

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Decoded messages of the named topics."""


class _RosbagsSource:
    """Whole recordings, by the rosbags library."""

    def __init__(self, paths: list[Path], stack: ExitStack, faults: Faults) -> None:
        store = get_typestore(Stores.ROS2_JAZZY)
        self._faults = faults
        self._reader = stack.enter_context(AnyReader(paths, default_typestore=store))
        self.topics = {
            name: (info.msgtype or info.connections[0].msgtype, info.msgcount)
            for name, info in self._reader.topics.items()
        }

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last recorded stamp."""
        return self._reader.start_time, self._reader.end_time

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        connections = [item for item in self._reader.connections if item.topic in topics]
        if not connections:
            return
        for connection, recorded_ns, data in self._reader.messages(connections):
            try:
                content = self._decode(data, connection.msgtype)
            except READ_ERRORS as error:
                self._faults.note(
                    "undecodable", connection.topic, f"no {connection.msgtype}: {_one_line(error)}"
                )
                continue
            yield BagMessage(connection.topic, connection.msgtype, recorded_ns, content)

    def _decode(self, data: bytes, kind: str) -> Any:
        if kind != IMU:
            return self._reader.deserialize(data, kind)
        return bytes(data if self._reader.is2 else self._reader.typestore.ros1_to_cdr(data, kind))


class Recording:
    """A recording opened for reading; a context manager.

    topics: {name: (type, messages or −1 where it is not known)}.
    breaks: one line for each place where reading ended before the end.
    faults: single messages that could not be decoded; they are left out.

    Raises:
        UserError: nothing at the path, or nothing in it that can be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.breaks: list[str] = []
        self.faults = Faults()
        self._stack = ExitStack()
        try:
            self._sources = self._open_sources()
        except BaseException:
            self._stack.close()
            raise
        self.topics: dict[str, tuple[str, int]] = {}
        for source in self._sources:
            for name, (kind, count) in source.topics.items():
                known = self.topics.get(name, (kind, 0))[1]
                self.topics[name] = (kind, -1 if min(known, count) < 0 else known + count)

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def of_type(self, kind: str) -> list[str]:
        """Names of the topics of a message type, sorted."""
        return sorted(name for name, (found, _) in self.topics.items() if found == kind)

    @property
    def duration_s(self) -> float:
        """Recorded seconds, 0 where the index is missing."""
        spans = [source.span_ns for source in self._sources if isinstance(source, _RosbagsSource)]
        spans = [span for span in spans if span[1] > span[0]]
        return (max(span[1] for span in spans) - min(span[0] for span in spans)) / 1e9 if spans else 0.0

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Decoded messages of the named topics in recorded order, up to where the recording breaks."""
        for source in self._sources:
            try:
                yield from source.messages(topics)
            except READ_ERRORS as error:
                self.breaks.append(f"{self.path}: damaged, reading ended early: {_one_line(error)}")
            if isinstance(source, BrokenMcap):
                self.breaks.append(source.why)

    def _open_sources(self) -> list[Source]:
        if not self.path.exists():
            raise UserError(
                f"{self.path}: there is no recording; give a bag folder or an .mcap, .db3 or .bag file"
            )
        if self.path.is_dir() and (self.path / "metadata.yaml").exists():
            try:
                return [_RosbagsSource([self.path], self._stack, self.faults)]
            except READ_ERRORS as error:
                self.breaks.append(f"{self.path}: index unusable ({_one_line(error)}), files read one by one")
        sources, faults = [], []
        for file in self._files():
            try:
                sources.append(self._open_file(file))
            except READ_ERRORS as error:
                faults.append(f"{file.name}: {_one_line(error)}")
        if not sources:
            raise UserError(f"{self.path}: cannot be read as a recording ({'; '.join(faults)})")
        self.breaks.extend(faults)
        return sources

    def _files(self) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        files = sorted(file for file in self.path.iterdir() if file.suffix in STORAGE_SUFFIXES)
        if not files:
            raise UserError(
                f"{self.path}: holds no recording; expected metadata.yaml or .mcap, .db3, .bag files"
            )
        return files

    def _open_file(self, file: Path) -> Source:
        if file.stat().st_size == 0:
            raise ValueError("the file is empty")
        try:
            return _RosbagsSource([file], self._stack, self.faults)
        except READ_ERRORS as error:
            if file.suffix != ".mcap":
                raise ValueError(f"{_one_line(error)}{REMEDIES.get(file.suffix, '')}") from error
        return BrokenMcap(file, self.faults)


def _one_line(error: BaseException) -> str:
    return " ".join(f"{error}".split()) or type(error).__name__
