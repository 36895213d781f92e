"""Large clouds and many IMUs through the live nodes, from stamp to assignment, over the DDS.

    python -m benchmarks.live [--seconds 20] [--people 16] [--model NAME]

Simulates a scene, starts the people node and the reid node as on a robot, publishes clouds of 131,072
points (32 bytes each, 10 Hz) and four IMU topics a wearer (100 Hz), all stamped with the time of
publishing. Writes `benchmarks/results/live.json`.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import yaml
from despite_msgs.msg import ImuAssignmentArray
from rclpy.executors import SingleThreadedExecutor

from benchmarks.live_source import CLOUD_TOPIC, POINTS
from despite_ros.bags.results import write_json
from despite_ros.bags.writer import wearers_of
from despite_ros.nodes.dds import prepare_dds
from despite_ros.nodes.messages import stamp_of
from despite_ros.nodes.processes import node_command, running
from despite_ros.nodes.qos import RESULTS
from despite_ros.simulation.scene import random_scene

OUT = Path(__file__).parent / "results" / "live.json"
SETTLE_S = 4.0  # the first windows are not full yet


class Stopwatch:
    """Listens to assignments: milliseconds from their stamp to their arrival here, and stage by stage."""

    def __init__(self) -> None:
        self.stamps: list[int] = []
        self.latency_ms: list[float] = []
        self.stages: list[dict[str, float]] = []
        prepare_dds()
        rclpy.init(args=[])
        self.node = rclpy.create_node("stopwatch")
        self.node.create_subscription(ImuAssignmentArray, "despite/assignments", self._take, RESULTS)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)

    def _take(self, message: ImuAssignmentArray) -> None:
        stamp_ns = stamp_of(message.header)
        self.stamps.append(stamp_ns)
        self.latency_ms.append((time.time_ns() - stamp_ns) / 1e6)
        self.stages.append(dict(zip(message.stages, message.latency, strict=True)))


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Run once; the figures."""
    stopwatch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        wearers = Path(folder) / "wearers.yaml"
        scene = random_scene(np.random.default_rng(args.seed), args.people, args.people, 0, 1.0, "os1_128")
        wearers.write_text(yaml.safe_dump(wearers_of(scene)))
        parameters = {
            "nodes.lidar_topics": [CLOUD_TOPIC],
            "nodes.wearers": str(wearers),
            "encoders.model": args.model,
        }
        late = Path(folder) / "late.json"
        scenery = map(str, (args.seed, args.people, args.seconds, late))
        source = ["-m", "benchmarks.live_source", *scenery]
        commands = {name: node_command(name, parameters) for name in ("people", "reid")}
        with running({**commands, "source": source}) as processes:
            while not stopwatch.stamps and processes["source"].poll() is None:
                stopwatch.executor.spin_once(timeout_sec=0.1)
            begun, before = time.monotonic(), {name: cpu_s(item.pid) for name, item in processes.items()}
            while time.monotonic() - begun < args.seconds - 1.0 and processes["source"].poll() is None:
                stopwatch.executor.spin_once(timeout_sec=0.1)
            passed = time.monotonic() - begun
            shares = {name: (cpu_s(item.pid) - before[name]) / passed for name, item in processes.items()}
            while processes["source"].poll() is None:
                stopwatch.executor.spin_once(timeout_sec=0.1)
        late_ms = {int(stamp): ms for stamp, ms in json.loads(late.read_text()).items()}
    rclpy.try_shutdown()
    return figures(stopwatch, args, shares, late_ms)


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def figures(
    stopwatch: Stopwatch, args: argparse.Namespace, shares: dict[str, float], late_ms: dict[int, float]
) -> dict[str, Any]:
    """What was processed, what was lost, and how long it took, from the stamp and from the handing over."""
    sent = round(args.seconds * 10)
    settled = [
        (latency, stages, late_ms[stamp])
        for stamp, latency, stages in zip(
            stopwatch.stamps, stopwatch.latency_ms, stopwatch.stages, strict=True
        )
        if stamp - stopwatch.stamps[0] > SETTLE_S * 1e9
    ]
    latency, late = np.array([[item[0], item[2]] for item in settled]).reshape(-1, 2).T
    names = settled[0][1] if settled else {}
    return {
        "points": POINTS,
        "imu_topics": 4 * args.people,
        "imu_rate_hz": 100,
        "seconds": args.seconds,
        "sweeps_sent": sent,
        "sweeps_answered": len(stopwatch.stamps),
        "sweeps_lost": sent - len(stopwatch.stamps),
        "stamp_to_assignment_ms": _percentiles(latency),
        "source_late_ms": _percentiles(late),
        "handed_over_to_assignment_ms": _percentiles(latency - late),
        "reid_stage_ms": {name: _percentiles(np.array([p[1][name] for p in settled])) for name in names},
        "cores_used": shares,
        "cores": os.cpu_count(),
        "load_at_end": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def _percentiles(values: "np.ndarray[Any, Any]") -> dict[str, float]:
    if not len(values):
        return {}
    return {name: float(np.percentile(values, share)) for name, share in (("p50", 50), ("p99", 99))}


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the scene")
    parser.add_argument("--people", type=int, default=16, help="people, each wearing four IMUs")
    parser.add_argument("--seed", type=int, default=0, help="of the scene")
    parser.add_argument("--model", default="despite-pi", help="released model: a name, or a folder")
    args = parser.parse_args(arguments)
    found = measure(args)
    OUT.parent.mkdir(exist_ok=True)
    write_json(OUT, found)
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
