"""Read an MCAP file that has no index, because its writer was stopped, up to its last whole record."""

import struct
from collections.abc import Collection, Iterator
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO

from mcap.exceptions import EndOfFile
from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from despite_ros.bags.message import IMU, BagMessage
from despite_ros.motion.faults import Faults

MAGIC = b"\x89MCAP0\r\n"
LAST_OPCODE = 0x0F
FRAMING = struct.Struct("<BQ")  # opcode, length
RECORD_LIMIT = 2**30  # bytes; no record of a sound recording is larger


class BrokenMcap:
    """The whole records of an unindexed MCAP file. `why` says where it ends.

    Raises:
        ValueError: not an MCAP file, or no topic before the break.
    """

    def __init__(self, file: Path, faults: Faults) -> None:
        self._file, self._faults = file, faults
        self._end, self.why = _whole_records(file)
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._types: dict[int, str] = {}
        self._channels: dict[int, tuple[str, str]] = {}
        self.topics: dict[str, tuple[str, int]] = {}
        for record in self._records():
            self._learn(record)
        if not self.topics:
            raise ValueError(f"{self.why}; no topic before that")

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Decoded messages of the named topics, in file order."""
        for record in self._records():
            if isinstance(record, Message) and self._channels[record.channel_id][0] in topics:
                topic, kind = self._channels[record.channel_id]
                try:
                    data, decode = record.data, self._store.deserialize_cdr
                    content = data if kind == IMU else decode(data, kind)
                except Exception as error:  # whatever damaged bytes lead to
                    self._faults.note("undecodable", topic, f"no {kind}: {error}")
                    continue
                yield BagMessage(topic, kind, record.log_time, content)

    def _records(self) -> Iterator[Any]:
        with self._file.open("rb") as stream:
            reader = StreamReader(_Head(stream, self._end), record_size_limit=RECORD_LIMIT)
            try:
                yield from reader.records
            except EndOfFile:
                return

    def _learn(self, record: Any) -> None:
        if isinstance(record, Schema):
            self._types[record.id] = record.name
            found = get_types_from_msg(record.data.decode(), record.name)
            new = {name: kind for name, kind in found.items() if name not in self._store.fielddefs}
            self._store.register(new)
        elif isinstance(record, Channel):
            self._channels[record.id] = (record.topic, self._types[record.schema_id])
            self.topics[record.topic] = (self._types[record.schema_id], -1)


class _Head(RawIOBase):
    """The first `size` bytes of a stream."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


def _whole_records(file: Path) -> tuple[int, str]:
    """Where the last whole record ends, and why that is not the end. Looks at the framing only."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise ValueError("not an MCAP file (its first bytes are not MCAP's)")
        end = len(MAGIC)
        while end < size:
            framing = stream.read(FRAMING.size)
            if len(framing) < FRAMING.size:
                return end, f"{file}: cut off in the middle of a record at byte {end} of {size}"
            opcode, length = FRAMING.unpack(framing)
            if not 1 <= opcode <= LAST_OPCODE or length > RECORD_LIMIT:
                return end, f"{file}: damaged at byte {end} of {size} (no such record)"
            if end + FRAMING.size + length > size:
                return end, f"{file}: cut off in the middle of a record at byte {end} of {size}"
            end = stream.seek(length, 1)
    return end, f"{file}: its writer was stopped before the index was written"
