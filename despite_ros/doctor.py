"""What is installed and reachable on this machine, with a remedy for each fault."""

import importlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from despite_ros import __version__
from despite_ros.encoders.card import CARD, check_files, read_card
from despite_ros.errors import UserError
from despite_ros.motion.wearers import load_wearers
from despite_ros.resources import share

if TYPE_CHECKING:  # without ROS it is not there
    from despite_ros.nodes.listing import SensorTopic

EXTRAS = {"rerun-sdk": ("view", "despite view"), "qdrant-client": ("search", "despite index and search")}
ROS_PACKAGES = ("rclpy", "sensor_msgs", "diagnostic_msgs", "visualization_msgs", "tf2_msgs", "despite_msgs")
LEAST_HZ = {"sensor_msgs/msg/PointCloud2": 8.0, "sensor_msgs/msg/Imu": 20.0}
SEGMENT = 4 << 20  # bytes of shared memory that a large cloud needs


class Verdict(StrEnum):
    """How bad a finding is."""

    GOOD = "good"
    OPTIONAL = "optional"  # only some features need it
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. remedy: empty where nothing is to be done."""

    what: str
    found: str
    verdict: Verdict
    remedy: str = ""


def examine(seconds: float, wearers: Path | None = None) -> list[Finding]:
    """Look at everything; topics are listened to for `seconds` (0: not at all).

    wearers: file whose IMU topics are looked for too.

    Raises:
        UserError: the wearers file cannot be used.
    """
    expected = (
        [s.topic for wearer in load_wearers(wearers) for s in wearer.sensors.values()] if wearers else []
    )
    findings = [*_python(), *_ros(), *_backends(), *_models()]
    if seconds > 0 and all(importlib.util.find_spec(name) for name in ROS_PACKAGES):
        findings += topics(seconds, expected)
    return findings


def topics(seconds: float, expected: Sequence[str] = ()) -> list[Finding]:
    """PointCloud2 and Imu topics: publishers, quality of service, rate; and those that are expected."""
    from despite_ros.nodes.listing import sensor_topics

    there = sensor_topics(seconds)
    findings = [_topic(topic) for topic in there]
    for name in sorted(set(expected) - {topic.name for topic in there}):
        remedy = "start its driver, or mend the topic in the wearers file"
        findings.append(Finding(name, "in the wearers file, but not published", Verdict.BAD, remedy))
    if not findings:
        remedy = "start the drivers; the same ROS_DOMAIN_ID is needed here and there"
        findings.append(Finding("sensor topics", "none", Verdict.OPTIONAL, remedy))
    return findings


def _topic(topic: "SensorTopic") -> Finding:
    kind, least = topic.kind.split("/")[-1], LEAST_HZ.get(topic.kind, 0.0)
    offers = f"{topic.publishers} publisher{'s' if topic.publishers != 1 else ''}, {topic.reliability}"
    found = f"{kind} at {topic.rate:.1f} Hz, {offers}"
    if topic.rate == 0:
        remedy = "published, but nothing comes: check the driver, ROS_DOMAIN_ID, the network"
        return Finding(topic.name, found, Verdict.BAD, remedy)
    if topic.rate < least:
        return Finding(topic.name, found, Verdict.BAD, f"too slow: {least:g} Hz are needed at least")
    return Finding(topic.name, found, Verdict.GOOD)


def _python() -> Iterator[Finding]:
    yield Finding("despite", f"{__version__}, Python {platform.python_version()}", Verdict.GOOD)
    there = []
    for name in _required():
        try:
            there.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding(name, "missing", Verdict.BAD, f"{sys.executable} -m pip install {name}")
    yield Finding("libraries", ", ".join(there), Verdict.GOOD)
    for name, (extra, use) in EXTRAS.items():
        try:
            yield Finding(name, version(name), Verdict.GOOD)
        except PackageNotFoundError:
            remedy = f"only for {use}: pip install 'despite-ros[{extra}]'"
            yield Finding(name, "missing", Verdict.OPTIONAL, remedy)


def _required() -> list[str]:
    """Names of the libraries that the installed package asks for, without extras."""
    try:
        lines = requires("despite-ros") or []
    except PackageNotFoundError:  # run from a folder that is not installed
        lines = []
    return [re.split(r"[^\w.-]", line)[0] for line in lines if "extra ==" not in line]


def _ros() -> Iterator[Finding]:
    missing = [name for name in ROS_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        remedy = "make setup; or source a ROS 2 Jazzy install and this workspace"
        yield Finding("ROS 2", f"missing: {', '.join(missing)}", Verdict.BAD, remedy)
    else:
        yield Finding("ROS 2", f"{os.environ.get('ROS_DISTRO', 'jazzy (wheels)')}", Verdict.GOOD)
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    yield Finding(
        "DDS", f"{os.environ.get('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp')}, domain {domain}", Verdict.GOOD
    )
    yield _shared_memory()
    for name, use in (("message_filters", "several LiDARs"), ("launch_ros", "ros2 launch")):
        found = importlib.util.find_spec(name) is not None
        remedy = "" if found else f"only for {use}: apt install ros-jazzy-{name.replace('_', '-')}"
        yield Finding(
            name, "there" if found else "missing", Verdict.GOOD if found else Verdict.OPTIONAL, remedy
        )


def _shared_memory() -> Finding:
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError:
        free = 0
    if free >= 64 * SEGMENT:
        return Finding("shared memory", f"{free >> 20} MB free", Verdict.GOOD)
    remedy = "large clouds get lost: give /dev/shm 256 MB (docker run --shm-size=256m)"
    return Finding("shared memory", f"{free >> 20} MB free", Verdict.BAD, remedy)


def _backends() -> Iterator[Finding]:
    gpu = _gpu()
    yield Finding(
        "GPU", gpu or "none", Verdict.GOOD if gpu else Verdict.OPTIONAL, "" if gpu else "the CPU suffices"
    )
    if importlib.util.find_spec("onnxruntime") is not None:
        providers = importlib.import_module("onnxruntime").get_available_providers()
        yield Finding("ONNX Runtime providers", ", ".join(providers), Verdict.GOOD)
    there = importlib.util.find_spec("tensorrt") is not None
    remedy = (
        "" if there else "pip install 'despite-ros[tensorrt]'" if gpu else "of use with an NVIDIA GPU only"
    )
    yield Finding(
        "TensorRT",
        "there" if there else "missing",
        Verdict.GOOD if there else Verdict.OPTIONAL,
        "" if there else remedy,
    )


def _gpu() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    query = [program, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=20)
    return "; ".join(answer.stdout.split("\n")).strip("; ") if answer.returncode == 0 else ""


def _models() -> Iterator[Finding]:
    folders = sorted(path.parent for path in share("models").glob(f"*/{CARD}"))
    if not folders:
        yield Finding("models", "none", Verdict.BAD, f"put a model's folder into {share('models')}")
    for folder in folders:
        try:
            card = read_card(folder)
            check_files(card, folder)
        except UserError as error:
            yield Finding(f"model {folder.name}", "damaged", Verdict.BAD, str(error))
        else:
            yield Finding(f"model {folder.name}", f"{card.name} {card.version}, files whole", Verdict.GOOD)
