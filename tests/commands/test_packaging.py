"""Pins that stand in two places agree, and what is installed beside the package is found."""

import re
from pathlib import Path

from despite_ros.resources import share

TOP = Path(__file__).parents[2]
WHEELS = (TOP / "ros2_ws" / "src" / "despite_msgs", TOP / "ros2_ws" / "wheels" / "tf2_msgs")


def pins(file: Path) -> dict[str, str]:
    """Every `ros-…==version` in a file."""
    return dict(re.findall(r'"(ros-[a-z0-9-]+)(?:\[\w+\])?==([0-9.]+)"', file.read_text()))


def test_message_wheels_are_built_against_the_ros_that_runs() -> None:
    running = pins(TOP / "pyproject.toml")
    assert running["ros-rclpy"]
    for folder in WHEELS:
        built = pins(folder / "pyproject.toml")
        assert {name: built[name] for name in built if name in running} == {
            name: running[name] for name in built if name in running
        }


def test_every_message_file_is_built() -> None:
    for folder in WHEELS:
        listed = (folder / "CMakeLists.txt").read_text()
        for file in [*folder.glob("msg/*.msg"), *folder.glob("srv/*.srv")]:
            assert f"{file.parent.name}/{file.name}" in listed


def test_launch_files_and_settings_are_found() -> None:
    for name in ("live.launch.py", "replay.launch.py", "config/despite.yaml"):
        assert share("launch", name).is_file()
