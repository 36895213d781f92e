"""Settings of the matching room."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MatchingSettings:
    """Settings of `despite_ros.matching`."""
