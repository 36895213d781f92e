"""How a node's process ends."""

from typing import NoReturn

import pytest
import rclpy
from rclpy._rclpy_pybind11 import RCLError

from despite_ros.nodes.ending import end_ros

pytestmark = pytest.mark.ros


@pytest.mark.parametrize("running", [False, True])
def test_a_signal_that_is_quicker_is_no_error(monkeypatch: pytest.MonkeyPatch, running: bool) -> None:
    def raced() -> NoReturn:
        raise RCLError("rcl_shutdown already called on the given context")

    monkeypatch.setattr(rclpy, "try_shutdown", raced)
    monkeypatch.setattr(rclpy, "ok", lambda: running)
    if running:
        with pytest.raises(RCLError):
            end_ros()
    else:
        end_ros()
