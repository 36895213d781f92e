"""What `ros2 launch despite live.launch.py` and `despite live` have in common: arguments and parameters."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from despite_ros.config import override
from despite_ros.errors import UserError
from despite_ros.resources import share
from despite_ros.settings import Settings

# name: (default, description); an empty default leaves the value to params_file
ARGUMENTS = {
    "lidar_topics": ("", "PointCloud2 topics, separated by commas"),
    "sensor": ("", "make or model of the LiDAR, whose preset suits it: ouster, vlp16, livox_mid360, …"),
    "wearers": ("", "wearers file (YAML): who carries which IMU topics"),
    "model": ("", "released model: a name, or the path of a model's folder"),
    "device": ("", "where the encoders run: auto, cpu, cuda or tensorrt"),
    "params_file": (str(share("launch", "config", "despite.yaml")), "settings of both nodes (YAML)"),
    "namespace": ("", "namespace of the nodes and of their results"),
    "use_sim_time": ("false", "take the time from /clock"),
    "fixed_frame": ("", "tf frame of the results, z up; empty: the cloud's own frame"),
    "composed": ("true", "both nodes in one process"),
    "log_level": ("info", "debug, info, warn, error or fatal"),
    "bag": ("", "folder of a new recording of inputs and results; empty: none"),
}
PARAMETERS = {
    "sensor": "people.sensor",
    "model": "encoders.model",
    "device": "encoders.device",
    "fixed_frame": "nodes.fixed_frame",
    "bag": "nodes.recording",
}


def parameters(arguments: Mapping[str, str]) -> dict[str, Any]:
    """ROS parameters for the arguments that are given; they beat those of `params_file`."""
    found: dict[str, Any] = {name: arguments[key] for key, name in PARAMETERS.items() if arguments[key]}
    if arguments["lidar_topics"]:
        found["nodes.lidar_topics"] = [item.strip() for item in arguments["lidar_topics"].split(",")]
    if arguments["wearers"]:
        found["nodes.wearers"] = str(Path(arguments["wearers"]).absolute())
    override(Settings(), found, "arguments")
    return {**found, "use_sim_time": is_true(arguments["use_sim_time"], "use_sim_time")}


def programs(arguments: Mapping[str, str]) -> tuple[str, ...]:
    """Which programs to start: `both` in one process or `people` and `reid`, and the recorder if wanted."""
    nodes = ("both",) if is_true(arguments["composed"], "composed") else ("people", "reid")
    return (*nodes, "recorder") if arguments["bag"] else nodes


def is_true(text: str, name: str) -> bool:
    """A launch argument as a truth value.

    Raises:
        UserError: neither true nor false.
    """
    if text.lower() not in ("true", "false"):
        raise UserError(f"{name}: expected true or false, found '{text}'")
    return text.lower() == "true"
