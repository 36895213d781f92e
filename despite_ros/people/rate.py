"""Which sweeps become frames: the encoders were trained on frames 0.1 s apart."""

from collections import deque

import numpy as np

from despite_ros.errors import UserError

HISTORY = 20  # intervals between sweeps that tell the sensor's rate
EARLY = 0.75  # a sweep this share of a period after the last frame is taken as the next one
SLOW = 1.5  # a median interval above this many periods is refused


class RateKeeper:
    """Thins faster sensors to `rate` frames a second and refuses slower ones."""

    def __init__(self, rate: float) -> None:
        self.period_ns = 1e9 / rate
        self.reset()

    def reset(self) -> None:
        """Forget the sensor's rate."""
        self.intervals: deque[int] = deque(maxlen=HISTORY)
        self.sweep_ns: int | None = None
        self.frame_ns: int | None = None

    def wants(self, stamp_ns: int) -> bool:
        """Whether the sweep at `stamp_ns` is to become a frame.

        Raises:
            UserError: the sensor's median interval is too long for the frames' rate.
        """
        if self.sweep_ns is not None:
            self.intervals.append(stamp_ns - self.sweep_ns)
        self.sweep_ns = stamp_ns
        if len(self.intervals) == HISTORY and np.median(self.intervals) > SLOW * self.period_ns:
            raise UserError(
                f"the LiDAR gives {1e9 / np.median(self.intervals):.1f} sweeps a second; "
                f"{1e9 / self.period_ns:g} are needed: raise the sensor's rate, or lower people.rate "
                "for a model trained at it"
            )
        if self.frame_ns is not None and stamp_ns - self.frame_ns < EARLY * self.period_ns:
            return False
        self.frame_ns = stamp_ns
        return True
