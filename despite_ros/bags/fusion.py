"""Clouds of several LiDARs put together by stamp, as message_filters' approximate time policy does."""

import numpy as np

from despite_ros.arrays import FloatArray


class CloudFusion:
    """Waits until every topic has given a cloud within `slop_ns` of the others.

    Clouds must already be in one common frame. A topic that falls silent makes nothing come out; what is
    given up for lack of partners is counted in `unmatched`.
    """

    def __init__(self, topics: tuple[str, ...], slop_ns: int = 50_000_000) -> None:
        self._newest: dict[str, tuple[int, FloatArray]] = {}
        self._topics = topics
        self._slop_ns = slop_ns
        self.unmatched = 0

    def add(self, topic: str, stamp_ns: int, points: FloatArray) -> tuple[int, FloatArray] | None:
        """A cloud (N×3); the fused sweep and its newest stamp once it is complete."""
        if len(self._topics) == 1:
            return stamp_ns, points
        self.unmatched += topic in self._newest
        self._newest[topic] = (stamp_ns, points)
        if len(self._newest) < len(self._topics):
            return None
        newest = max(stamp for stamp, _ in self._newest.values())
        for late in [t for t, (stamp, _) in self._newest.items() if newest - stamp > self._slop_ns]:
            del self._newest[late]
            self.unmatched += 1
        if len(self._newest) < len(self._topics):
            return None
        clouds = [self._newest[name][1] for name in self._topics]
        self._newest.clear()
        return newest, np.concatenate(clouds)
