"""Settings of the people room."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PeopleSettings:
    """Settings of `despite_ros.people`."""
