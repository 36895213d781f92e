"""Prints the settings file with all defaults: `python -m despite_ros.nodes.default_file`."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from despite_ros.settings import Settings

HEAD = """\
# Settings of both nodes; every value is the default. Written by: python -m despite_ros.nodes.default_file
/**:
  ros__parameters:
"""


def default_file() -> str:
    """A ROS parameters file with the default, description and range of every setting."""
    return HEAD + "".join(f"{line}\n" for line in _lines(Settings(), "    "))


def _lines(settings: Any, indent: str) -> Iterator[str]:
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        if dataclasses.is_dataclass(value):
            yield f"{indent}{item.name}:"
            yield from _lines(value, indent + "  ")
        else:
            low, high = item.metadata["low"], item.metadata["high"]
            span = f" [{low:g} … {high:g}]" if low is not None and high is not None else ""
            yield f"{indent}# {item.metadata['description']}{span}"
            yield f"{indent}{item.name}: {json.dumps(list(value) if isinstance(value, tuple) else value)}"


if __name__ == "__main__":
    print(default_file(), end="")
