"""Put the results of a live run beside its inputs into one recording."""

import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path

import despite_msgs
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from despite_ros.nodes.observer import RESULT_TOPICS

Item = tuple[int, Connection, bytes]


def write_results(inputs: Path, messages: Iterable[tuple[str, int, bytes]], out: Path) -> None:
    """Write bag folder `out` (MCAP) with the messages of bag `inputs` and the results, in order of stamps.

    messages: (topic, stamp in ns, serialised message) of the topics of `RESULT_TOPICS`.
    """
    store = _typestore()
    with AnyReader([inputs]) as reader, Writer(out, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {
            f"/{topic}": writer.add_connection(
                f"/{topic}", f"despite_msgs/msg/{kind.__name__}", typestore=store
            )
            for topic, kind in RESULT_TOPICS.items()
        }
        results = sorted((stamp, topic, data) for topic, stamp, data in messages)
        outputs = ((stamp, connections[topic], data) for stamp, topic, data in results)
        for stamp, connection, data in heapq.merge(
            _copied(reader, writer, store), outputs, key=lambda item: item[0]
        ):
            writer.write(connection, stamp, data)


def _copied(reader: AnyReader, writer: Writer, store: Typestore) -> Iterator[Item]:
    copies = {
        source.id: writer.add_connection(source.topic, source.msgtype, typestore=store)
        for source in reader.connections
    }
    for source, stamp, data in reader.messages():
        yield stamp, copies[source.id], bytes(data)


def _typestore() -> Typestore:
    """The standard messages and our own."""
    store = get_typestore(Stores.ROS2_JAZZY)
    prefix = Path(despite_msgs.__file__).parents[4]  # …/lib/python3.X/site-packages/despite_msgs/__init__.py
    folder = prefix / "share" / "despite_msgs" / "msg"
    for file in sorted(folder.glob("*.msg")):
        store.register(get_types_from_msg(file.read_text(), f"despite_msgs/msg/{file.stem}"))
    return store
