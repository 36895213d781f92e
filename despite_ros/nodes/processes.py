"""Processes of nodes, as a launch file would start them."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

END_S = 5.0  # a process that has not ended so long after SIGINT is killed


def node_command(kind: str, parameters: Mapping[str, Any], ros_arguments: Sequence[str] = ()) -> list[str]:
    """The command line of `python -m despite_ros.nodes KIND` with ROS parameters."""
    # what is given last counts
    return ["-m", "despite_ros.nodes", kind, "--ros-args", *ros_arguments, *ros_parameters(parameters)]


def ros_parameters(parameters: Mapping[str, Any]) -> list[str]:
    """Parameters as ROS arguments: -p name:=value …"""
    return [word for name, value in parameters.items() for word in ("-p", f"{name}:={json.dumps(value)}")]


@contextmanager
def running(
    commands: Mapping[str, Sequence[str]], logs: Path | None = None
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Python processes by name, each given the words after `python`; ended at the end of the block.

    logs: a folder for what they print, NAME.log each; None: to this process's output.
    """
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, words in commands.items():
            output = (logs / f"{name}.log").open("w") if logs else None
            processes[name] = subprocess.Popen([sys.executable, *words], stdout=output, stderr=output)
            if output is not None:
                output.close()  # the process has its own
        yield processes
    finally:
        end(processes.values())


def end(processes: Any) -> None:
    """SIGINT to all, then SIGKILL to those that have not ended."""
    alive = [process for process in processes if process.poll() is None]
    for process in alive:
        process.send_signal(signal.SIGINT)
    for process in alive:
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
