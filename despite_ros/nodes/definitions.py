"""The message types that can be written into bags: the standard ones and our own."""

from pathlib import Path

import despite_msgs
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore


def typestore() -> Typestore:
    """rosbags' types of Jazzy and, as they are installed, those of despite_msgs."""
    store = get_typestore(Stores.ROS2_JAZZY)
    prefix = Path(despite_msgs.__file__).parents[4]  # …/lib/python3.X/site-packages/despite_msgs/__init__.py
    for file in sorted((prefix / "share" / "despite_msgs" / "msg").glob("*.msg")):
        store.register(get_types_from_msg(file.read_text(), f"despite_msgs/msg/{file.stem}"))
    return store


def type_name(kind: type) -> str:
    """A message class's name in ROS: package/msg/Name."""
    return f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"
