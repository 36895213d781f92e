"""Do the live nodes and `despite replay` find the same in one recording?

    python -m benchmarks.agreement RECORDING --wearers wearers.yaml [--rate max 1.0]

Replays the recording without ROS, plays it into the live nodes (processes of their own, messages through
the DDS, the recording's own time), and compares sweep by sweep. Writes `benchmarks/results/agreement.json`,
and both runs' results and reports into `out/agreement`.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

from despite_ros.bags.agreement import agreement
from despite_ros.bags.message import POINT_CLOUD
from despite_ros.bags.reader import Recording
from despite_ros.bags.results import Line, read_lines, write_json
from despite_ros.bags.run import ReplayOptions, run_replay
from despite_ros.errors import UserError
from despite_ros.nodes.gathering import TOPICS
from despite_ros.nodes.processes import node_command, running
from despite_ros.nodes.results_node import listening

OUT = Path(__file__).parent / "results" / "agreement.json"
SETTLE_S = 1.0  # for the last results, after the last message was played


def live_lines(args: argparse.Namespace, rate: str) -> tuple[list[Line], dict[str, int]]:
    """What the nodes find in the recording, and what they counted as wrong.

    Raises:
        UserError: the player or a node ended before its time.
    """
    with Recording(args.recording) as recording:
        topics = recording.of_type(POINT_CLOUD)
    parameters = {
        "nodes.lidar_topics": topics,
        "nodes.wearers": str(args.wearers.absolute()),
        "encoders.model": args.model,
        "use_sim_time": True,
    }
    nodes = {"both": node_command("both", parameters)}
    play = ["-m", "despite_ros.nodes", "player", str(args.recording), "--clock", "--rate", rate]
    with listening({"encoders.model": args.model}) as results, running(nodes, args.out) as processes:
        _wait(lambda: all(map(results.count_publishers, TOPICS)), processes, args.out)
        with running({"player": play}, args.out) as player:
            _wait(lambda: player["player"].poll() == 0, processes | player, args.out)
            time.sleep(SETTLE_S)
    results.write(args.out / "live", "live")
    return results.lines, results.faults()


def _wait(done: Callable[[], bool], processes: Mapping[str, Popen[bytes]], logs: Path) -> None:
    """Return when it is done.

    Raises:
        UserError: a process ended before.
    """
    while not done():
        for name, process in processes.items():
            if process.poll():
                raise UserError(f"{name} ended: {(logs / f'{name}.log').read_text().strip()}")
        time.sleep(0.1)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Run both ways, the live one at every rate, and compare."""
    options = ReplayOptions(args.recording, args.out / "replay", args.wearers, model=args.model)
    run_replay(options)
    replayed = list(read_lines(options.out / "results.jsonl"))
    runs = []
    for rate in args.rate:
        begun = time.monotonic()
        live, faults = live_lines(args, rate)
        run = {"rate": rate, "live_wall_s": round(time.monotonic() - begun, 1), "sweeps_live": len(live)}
        runs.append(run | {"faults_live": faults, "agreement": agreement(replayed, live)})
    return {
        "recording": args.recording.name,
        "sweeps_replayed": len(replayed),
        "load_at_end": os.getloadavg()[0],
        "runs": runs,
    }


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recording", type=Path, help="ROS 2 bag folder or .mcap file")
    parser.add_argument("--wearers", type=Path, required=True, help="wearers file (YAML)")
    parser.add_argument("--out", type=Path, default=Path("out/agreement"), help="folder for both results")
    parser.add_argument("--model", default="despite-pi", help="released model: a name, or a folder")
    parser.add_argument(
        "--rate",
        nargs="+",
        default=["max", "1.0"],
        help="multiples of real time, or 'max': as fast as the nodes answer",
    )
    found = measure(parser.parse_args(arguments))
    OUT.parent.mkdir(exist_ok=True)
    write_json(OUT, found)
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
