"""What is wrong at the start ends a node with status 2, one line and no traceback."""

from pathlib import Path
from typing import Any

import pytest
import rclpy

import despite_ros.nodes.main
from despite_ros.nodes.main import main
from tests.ros.harness import node_process

pytestmark = pytest.mark.ros
WRONG_WEARERS = {
    "unknown limb": "wearers: {alice: {left_toe: {topic: /a}}}",
    "repeated topic": "wearers: {alice: {left_shank: {topic: /a}, right_shank: {topic: /a}}}",
    "no wearers": "wearers: {}",
    "not YAML": "wearers: [",
}


WRONG = (
    "out of range", "unknown name", "wrong type", "reliability", "wearers missing", "recording missing",
    "model missing", "model damaged", *WRONG_WEARERS,
)  # fmt: skip


def wrong_starts(folder: Path) -> dict[str, tuple[str, list[str], str]]:
    """What is wrong → (node, parameters, a part of the line)."""
    starts: dict[str, tuple[str, list[str], str]] = {
        "out of range": ("people", ["people.rate:=1000.0"], "must lie in"),
        "unknown name": ("people", ["people.rat:=10.0"], "unknown setting"),
        "wrong type": ("people", ["people.rate:=fast"], "must be float"),
        "reliability": ("people", ["nodes.lidar_reliability:=perhaps"], "best_effort"),
        "wearers missing": ("reid", [], "nodes.wearers"),
        "recording missing": ("recorder", [], "nodes.recording"),
    }
    for name, text in WRONG_WEARERS.items():
        file = folder / f"{name.replace(' ', '_')}.yaml"
        file.write_text(text)
        starts[name] = ("reid", [f"nodes.wearers:={file}"], file.name)
    good = folder / "wearers.yaml"
    good.write_text("wearers: {alice: {left_shank: {topic: /a}}}")
    damaged = folder / "damaged"
    damaged.mkdir()
    (damaged / "card.yaml").write_text("name: damaged")
    given = f"nodes.wearers:={good}"
    starts["model missing"] = ("reid", [given, "encoders.model:=/nowhere"], "/nowhere")
    starts["model damaged"] = ("reid", [given, f"encoders.model:={damaged}"], "card.yaml")
    return starts


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_starts_end_with_one_line(
    wrong: str,
    tmp_path: Path,
    domain: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    node, parameters, part = wrong_starts(tmp_path)[wrong]
    given = [word for parameter in parameters for word in ("-p", parameter)]
    assert main([node], ["--ros-args", *given]) == 2
    said = capfd.readouterr().err
    lines = [line for line in said.splitlines() if line.startswith("despite node")]
    assert len(lines) == 1 and part in lines[0], said
    assert "Traceback" not in said


def test_the_process_ends_with_status_2(domain: int) -> None:
    with node_process(domain, "reid", "nodes.wearers:=/nowhere.yaml") as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "/nowhere.yaml" in said and "Traceback" not in said


def test_to_be_told_to_stop_while_starting_is_no_fault(domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(name: str) -> Any:
        rclpy.try_shutdown()
        return rclpy.create_node(name)

    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setattr(despite_ros.nodes.main, "_make", stopped)
    assert main(["people"], []) == 0
