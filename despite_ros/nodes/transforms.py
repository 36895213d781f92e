"""/tf and /tf_static into a `TransformBuffer`: tf2_ros is not on PyPI, and this is all that is needed."""

import threading
from collections.abc import Callable

import numpy as np
from rclpy.node import Node
from tf2_msgs.msg import TFMessage

from despite_ros.arrays import DoubleArray
from despite_ros.nodes.messages import stamp_of
from despite_ros.nodes.qos import STATIC_TRANSFORMS, TRANSFORMS
from despite_ros.transforms import STATIC_STAMP, TransformBuffer


class TransformListener:
    """Listens for transforms; `lookup` may be called from another thread."""

    def __init__(self, node: Node, complain: Callable[[str, str], None]) -> None:
        self._buffer = TransformBuffer()
        self._lock = threading.Lock()
        self._complain = complain
        node.create_subscription(TFMessage, "/tf", lambda message: self._take(message, False), TRANSFORMS)
        node.create_subscription(
            TFMessage, "/tf_static", lambda message: self._take(message, True), STATIC_TRANSFORMS
        )

    def lookup(self, target: str, source: str, stamp_ns: int) -> DoubleArray:
        """The 4×4 that takes points of frame `source` into frame `target`.

        Raises:
            TransformError: the frames are not linked, or not at that stamp.
        """
        with self._lock:
            return self._buffer.lookup(target, source, stamp_ns)

    def clear_moving(self) -> None:
        """Forget all but the static transforms (time went back)."""
        with self._lock:
            self._buffer.clear_moving()

    def _take(self, message: TFMessage, static: bool) -> None:
        for item in message.transforms:
            t, r = item.transform.translation, item.transform.rotation
            stamp_ns = STATIC_STAMP if static else stamp_of(item.header)
            translation, rotation = np.array([t.x, t.y, t.z]), np.array([r.x, r.y, r.z, r.w])
            try:
                with self._lock:
                    self._buffer.set(
                        item.header.frame_id, item.child_frame_id, stamp_ns, translation, rotation
                    )
            except ValueError as error:
                link = f"'{item.header.frame_id}' → '{item.child_frame_id}'"
                self._complain(f"transform {link}", f"left out: {error}")
