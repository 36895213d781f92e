"""The newest sweeps put together, for sensors that show too little of a person in each."""

from collections import deque

import numpy as np

from despite_ros.arrays import FloatArray

LATE = 1.5  # periods after which a sweep is no longer taken for the one that follows


class RecentSweeps:
    """Adds to each sweep the `count` - 1 before it, none of which may be missing.

    A person who walks is smeared by the way of as many periods; where that is little beside a limb, more
    points tell more.
    """

    def __init__(self, count: int, rate: float) -> None:
        self._period_ns = 1e9 / rate
        self._earlier: deque[FloatArray] = deque(maxlen=count - 1)
        self._stamp_ns = 0

    def reset(self) -> None:
        """Forget the earlier sweeps."""
        self._earlier.clear()

    def with_earlier(self, points: FloatArray, stamp_ns: int) -> FloatArray:
        """Points (N×3, fixed frame) of the newest sweep and, after them, of those before.

        As in `to_fixed`, all x follow each other in memory, then all y, then all z.
        """
        if stamp_ns - self._stamp_ns > LATE * self._period_ns:
            self.reset()
        self._stamp_ns = stamp_ns
        sweeps = [points, *self._earlier]
        self._earlier.appendleft(points)
        return points if len(sweeps) == 1 else np.concatenate([sweep.T for sweep in sweeps], axis=1).T
