"""What is installed and reachable on this machine, with a remedy for each fault."""

import importlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

from despite_ros import __version__
from despite_ros.encoders.card import CARD, check_files, read_card
from despite_ros.errors import UserError
from despite_ros.resources import share

LIBRARIES = ("numpy", "numba", "scipy", "onnx", "onnxruntime", "rosbags", "rich")
ROS_PACKAGES = ("rclpy", "sensor_msgs", "diagnostic_msgs", "visualization_msgs", "tf2_msgs", "despite_msgs")
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


def examine(seconds: float) -> list[Finding]:
    """Look at everything; topics are listened to for `seconds` (0: not at all)."""
    findings = [*_python(), *_ros(), *_backends(), *_models()]
    if seconds > 0 and all(importlib.util.find_spec(name) for name in ROS_PACKAGES):
        findings += topics(seconds)
    return findings


def topics(seconds: float) -> list[Finding]:
    """PointCloud2 and Imu topics: publishers, quality of service, rate."""
    from despite_ros.nodes.listing import sensor_topics

    findings = []
    for topic in sensor_topics(seconds):
        found = f"{topic.kind}, {topic.publishers} publisher(s), {topic.reliability}, {topic.rate:.1f} Hz"
        good = topic.rate > 0
        remedy = "" if good else "published, but nothing comes: check the driver, ROS_DOMAIN_ID, the network"
        findings.append(Finding(topic.name, found, Verdict.GOOD if good else Verdict.BAD, remedy))
    if not findings:
        remedy = "start the drivers; the same ROS_DOMAIN_ID is needed here and there"
        findings.append(Finding("sensor topics", "none", Verdict.OPTIONAL, remedy))
    return findings


def _python() -> Iterator[Finding]:
    yield Finding("despite", f"{__version__}, Python {platform.python_version()}", Verdict.GOOD)
    for name in LIBRARIES:
        try:
            yield Finding(name, version(name), Verdict.GOOD)
        except PackageNotFoundError:
            yield Finding(name, "missing", Verdict.BAD, f"{sys.executable} -m pip install {name}")


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
    remedy = "" if there or not gpu else "pip install tensorrt"
    yield Finding(
        "TensorRT", "there" if there else "missing", Verdict.GOOD if there else Verdict.OPTIONAL, remedy
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
