"""The end of ROS in a process."""

import rclpy
from rclpy._rclpy_pybind11 import RCLError


def end_ros() -> None:
    """Shut down, also where a signal does so at the same moment, which rclpy takes for an error."""
    try:
        rclpy.try_shutdown()
    except RCLError:
        if rclpy.ok():
            raise
