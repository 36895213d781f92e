"""Settings of the encoders room."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EncoderSettings:
    """Settings of `despite_ros.encoders`."""
