"""Settings of the motion room."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MotionSettings:
    """Settings of `despite_ros.motion`."""
