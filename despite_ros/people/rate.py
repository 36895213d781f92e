"""Which sweeps become frames: the encoders were trained on frames 0.1 s apart."""

import numpy as np

from despite_ros.errors import UserError

HISTORY = 20  # first intervals between sweeps, which tell the sensor's rate
SHORT = 0.2  # quantile of them that stands for the sensor's period: longer ones lost a sweep on the way
EARLY = 0.75  # a sweep this share of a period after the last frame is taken as the next one
SLOW = 1.5  # a sensor whose period is above this many of the frames' is refused


class RateKeeper:
    """Thins faster sensors to `rate` frames a second, refuses slower ones, and counts what is missing."""

    def __init__(self, rate: float) -> None:
        self.period_ns = 1e9 / rate
        self.reset()

    def reset(self) -> None:
        """Forget the sensor's rate."""
        self.intervals: list[int] = []
        self.sweep_ns: int | None = None
        self.frame_ns: int | None = None
        self.missed = 0

    def wants(self, stamp_ns: int) -> bool:
        """Whether the sweep at `stamp_ns` is to become a frame; `missed` frames should have come before it.

        Raises:
            UserError: the sensor's first sweeps are too far apart for the frames' rate. Once they were not,
                gaps are taken for sweeps that were lost.
        """
        if self.sweep_ns is not None and len(self.intervals) < HISTORY:
            self._settle(stamp_ns - self.sweep_ns)
        self.sweep_ns = stamp_ns
        since = np.inf if self.frame_ns is None else (stamp_ns - self.frame_ns) / self.period_ns
        if since < EARLY:
            return False
        self.missed = 0 if self.frame_ns is None else max(0, round(since) - 1)
        self.frame_ns = stamp_ns
        return True

    def _settle(self, interval_ns: int) -> None:
        intervals = [*self.intervals, interval_ns]
        period_ns = float(np.quantile(intervals, SHORT))
        if len(intervals) == HISTORY and period_ns > SLOW * self.period_ns:
            raise UserError(
                f"the LiDAR gives {1e9 / period_ns:.1f} sweeps a second; "
                f"{1e9 / self.period_ns:g} are needed: raise the sensor's rate, or lower people.rate "
                "for a model trained at it"
            )
        self.intervals = intervals
