"""A replay's results as the very messages that the live nodes publish, in a bag of their own (MCAP)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from despite_msgs.msg import ActivityArray, ImuAssignmentArray, PersonArray
from rclpy.serialization import serialize_message
from rosbags.rosbag2 import StoragePlugin, Writer, WriterError

from despite_ros.errors import UserError
from despite_ros.nodes.definitions import type_name, typestore
from despite_ros.nodes.messages import activities_to_message, assignments_to_message, people_to_message
from despite_ros.records import PeopleFrame, ReidFrame

TOPICS = {
    "/despite/people": PersonArray,
    "/despite/assignments": ImuAssignmentArray,
    "/despite/activities": ActivityArray,
}


class ResultBag:
    """A new bag in `folder`; a context manager. labels: the model's activities, in the order of their scores.

    Raises:
        UserError: the folder is there already, or cannot be made.
    """

    def __init__(self, folder: Path, labels: Sequence[str]) -> None:
        self._labels = labels
        try:
            self._writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
            self._writer.open()
        except (WriterError, OSError) as error:
            raise UserError(f"--bag: {error}; name a folder that does not exist yet") from error
        store = typestore()
        self._connections = {
            topic: self._writer.add_connection(topic, type_name(kind), typestore=store)
            for topic, kind in TOPICS.items()
        }

    def __enter__(self) -> "ResultBag":
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, recorded_ns: int, people: PeopleFrame, reid: ReidFrame) -> None:
        """One sweep's outcome, as if it had been recorded together with the sweep."""
        frame = people.frame_id
        self._put("/despite/people", recorded_ns, people_to_message(people))
        self._put("/despite/assignments", recorded_ns, assignments_to_message(reid, frame))
        self._put("/despite/activities", recorded_ns, activities_to_message(reid, frame, self._labels))

    def _put(self, topic: str, recorded_ns: int, message: Any) -> None:
        self._writer.write(self._connections[topic], recorded_ns, serialize_message(message))
