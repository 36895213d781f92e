"""`despite live`."""

import argparse
import signal
import time

from despite_ros.nodes.launching import ARGUMENTS, parameters, programs
from despite_ros.nodes.processes import node_command, running
from despite_ros.settings import load_settings

HELP = (
    "Run the nodes on live topics: the same arguments and settings as `ros2 launch despite live.launch.py`."
)
REFRESH_S = 0.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags: those of the launch file, spelled --lidar-topics or --lidar_topics."""
    for name, (default, description) in ARGUMENTS.items():
        flags = {f"--{name.replace('_', '-')}", f"--{name}"}
        parser.add_argument(*sorted(flags), dest=name, default=default, help=description)


def run(args: argparse.Namespace) -> int:
    """Run until Ctrl-C or until a node ends; then its status."""
    arguments = {name: getattr(args, name) for name in ARGUMENTS}
    load_settings(arguments["params_file"])  # a fault in it is said once, not by every node
    ros_arguments = ["--params-file", arguments["params_file"], "--log-level", arguments["log_level"]]
    if arguments["namespace"]:
        ros_arguments += ["-r", f"__ns:=/{arguments['namespace'].strip('/')}"]
    given = parameters(arguments)
    commands = {name: node_command(name, given, ros_arguments) for name in programs(arguments)}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end the nodes too
    with running(commands) as processes:
        while all(process.poll() is None for process in processes.values()):
            time.sleep(REFRESH_S)
        return max(process.poll() or 0 for process in processes.values())
