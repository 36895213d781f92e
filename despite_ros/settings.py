"""All settings of the runtime, one group per room, in one object."""

from dataclasses import dataclass
from pathlib import Path

from despite_ros.config import load_yaml, override, section
from despite_ros.encoders.settings import EncoderSettings
from despite_ros.matching.settings import MatchingSettings
from despite_ros.motion.settings import MotionSettings
from despite_ros.nodes.settings import NodeSettings
from despite_ros.people.settings import PeopleSettings


@dataclass(frozen=True)
class Settings:
    """Settings of all rooms. Names are those of YAML and ROS parameters."""

    people: PeopleSettings = section(PeopleSettings)
    motion: MotionSettings = section(MotionSettings)
    encoders: EncoderSettings = section(EncoderSettings)
    matching: MatchingSettings = section(MatchingSettings)
    nodes: NodeSettings = section(NodeSettings)


def load_settings(path: str | Path | None) -> Settings:
    """Settings from a YAML file (defaults where it is silent, and for None).

    A ROS parameters file is read as well: its `/**: ros__parameters:` section counts.

    Raises:
        UserError: unreadable file, unknown name, wrong type or value out of range.
    """
    if path is None:
        return Settings()
    content = load_yaml(path)
    content = content.get("/**", {}).get("ros__parameters", content)
    return override(Settings(), content, str(path))
