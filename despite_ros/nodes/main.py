"""Run the nodes of this process until it is told to stop."""

import gc
import importlib
import sys
from collections.abc import Sequence
from typing import Any

from despite_ros.errors import UserError
from despite_ros.nodes.dds import prepare_dds

CLASSES = {
    "people": ("people_node", "PeopleNode"),
    "reid": ("reid_node", "ReidNode"),
    "recorder": ("recorder", "RecorderNode"),
    "results": ("results_node", "ResultsNode"),
}
PROGRAMS = {"both": ("people", "reid"), **{name: (name,) for name in CLASSES}}


def main(names: Sequence[str], arguments: Sequence[str]) -> int:
    """Run the named nodes in one process with one executor; `arguments` are those of ROS (--ros-args …).

    Ends with status 0 after SIGINT or SIGTERM, with 2 and one line for what the user can mend.
    """
    try:
        return _run(names, arguments)
    except UserError as error:
        print(f"despite node {' and '.join(names)}: {error}", file=sys.stderr)
        return 2


def _run(names: Sequence[str], arguments: Sequence[str]) -> int:
    prepare_dds()
    try:
        import rclpy
        from rclpy._rclpy_pybind11 import RCLError
        from rclpy.exceptions import NotInitializedException
        from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

        from despite_ros.nodes.ending import end_ros
    except ImportError as error:
        raise UserError(
            f"{error}: ROS 2 is needed; source a ROS install, or pip install 'despite-ros[ros]'"
        ) from error
    nodes: list[Any] = []
    initialised = False
    try:
        rclpy.init(args=["despite", *arguments])
        initialised = True
        executor = SingleThreadedExecutor()
        for name in names:
            nodes.append(_make(name))
            executor.add_node(nodes[-1])
        gc.collect()
        gc.freeze()  # what start-up made stays; going through it again would stop the node for 0.1 s
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (RCLError, NotInitializedException) as error:
        if rclpy.ok() or not initialised:  # else told to stop while the nodes were being made
            raise UserError(" ".join(str(error).split())) from error
    finally:
        end_ros()  # first, or destroying what the executor waits for aborts the process
        for node in nodes:
            node.close()
            node.destroy_node()
    return 0


def _make(name: str) -> Any:
    """Import only what the process runs: the people node needs no encoders."""
    module, kind = CLASSES[name]
    return getattr(importlib.import_module(f"despite_ros.nodes.{module}"), kind)()
