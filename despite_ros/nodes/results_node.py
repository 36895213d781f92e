"""The results node: listens to what the nodes find, puts it together by stamp, and writes it down."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from despite_ros.bags.report import write_report
from despite_ros.bags.results import Line, read_truth, result_line, write_json, write_lines
from despite_ros.bags.run import versions
from despite_ros.bags.score import score
from despite_ros.encoders.card import find_model, read_card
from despite_ros.errors import UserError
from despite_ros.nodes.dds import prepare_dds
from despite_ros.nodes.ending import end_ros
from despite_ros.nodes.gathering import Gathering
from despite_ros.nodes.parameters import declare_settings
from despite_ros.nodes.processes import ros_parameters
from despite_ros.nodes.qos import RESULTS
from despite_ros.records import PeopleFrame, ReidFrame


class ResultsNode(Node):
    """Gathers results; with `nodes.results` set, writes them there when it ends, scored if truth is given.

    lines: one per sweep, as in results.jsonl. diagnostics: newest status by name.
    """

    def __init__(self) -> None:
        super().__init__("results", automatically_declare_parameters_from_overrides=True)
        self._settings = declare_settings(self, ("nodes.", "encoders."))
        truth = self._settings.nodes.truth
        self.truth = read_truth(Path(truth)) if truth else []
        self.lines: list[Line] = []
        self.diagnostics: dict[str, DiagnosticStatus] = {}
        Gathering(self, self._take)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._take_diagnostics, RESULTS)

    def close(self) -> None:
        """Write what was gathered; call after shutdown, before `destroy_node`."""
        if self._settings.nodes.results:
            self.write(Path(self._settings.nodes.results), "live")

    def write(self, folder: Path, name: str) -> None:
        """results.jsonl, summary.json, report.html, and truth.jsonl where there is truth.

        Raises:
            UserError: nothing was heard.
        """
        if not self.lines:
            raise UserError("the nodes gave no results; `despite doctor` says what is wrong")
        folder.mkdir(parents=True, exist_ok=True)
        write_lines(folder / "results.jsonl", self.lines)
        if self.truth:
            write_lines(folder / "truth.jsonl", self.truth)
        write_json(folder / "summary.json", self._summary(name))
        write_report(folder)

    def faults(self) -> dict[str, int]:
        """What the nodes have counted as wrong, and messages that gave way to newer ones."""
        counts = {}
        for name, status in list(self.diagnostics.items()):
            for item in status.values:
                if item.key.startswith("fault."):
                    counts[f"{name}: {item.key.removeprefix('fault.')}"] = int(item.value)
                elif item.key == "lost" and item.value != "0":
                    counts[f"{name}: gave way to newer"] = int(item.value)
        return counts

    def _summary(self, name: str) -> dict[str, Any]:
        card = read_card(find_model(self._settings.encoders.model))
        span_ns = self.lines[-1]["stamp_ns"] - self.lines[0]["stamp_ns"]
        summary = {
            "name": name,
            "frames": len(self.lines),
            "recording_s": span_ns / 1e9,
            "drops": self.faults(),
            "model": card.name,
            "model_sha256": dict(card.files),
            "versions": versions(),
        }
        if self.truth:
            summary["sweeps_lost"] = len(self.truth) - len(self.lines)
            summary["scores"] = score(self.lines, self.truth)
        return summary

    def _take(self, people: PeopleFrame, reid: ReidFrame) -> None:
        self.lines.append(result_line(people, reid))

    def _take_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics[status.name] = status


@contextmanager
def listening(parameters: Mapping[str, Any]) -> Iterator[ResultsNode]:
    """A results node in a thread of this process, until the end of the block."""
    prepare_dds()
    rclpy.init(args=["despite", "--ros-args", *ros_parameters(parameters)])
    node = ResultsNode()
    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def spin() -> None:
        with suppress(ExternalShutdownException):
            executor.spin()

    thread = threading.Thread(target=spin, name="results", daemon=True)
    thread.start()
    try:
        yield node
    finally:
        end_ros()
        thread.join()
        node.destroy_node()
