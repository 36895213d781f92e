"""`despite view`."""

import argparse
import signal
from contextlib import suppress
from pathlib import Path

from despite_ros import encoders
from despite_ros.bags.pace import rate_of
from despite_ros.bags.reader import Recording
from despite_ros.bags.replay import Replay
from despite_ros.bags.sightings import ReadingOptions
from despite_ros.bags.view import Target, Viewer
from despite_ros.errors import UserError
from despite_ros.motion.wearers import load_wearers
from despite_ros.pipeline import Pipeline
from despite_ros.settings import load_settings

HELP = (
    "Look in 3-D, in the Rerun viewer (extra: view), at a recording as the pipeline runs over it, or at what "
    "the running nodes see and find (`despite view live`)."
)
LIVE = "live"
WEB_PORT = 9090


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "source", help="bag folder, .mcap, .db3 or .bag file; or the word 'live' for the running nodes"
    )
    parser.add_argument(
        "--lidar",
        action="append",
        default=[],
        metavar="TOPIC",
        help="PointCloud2 topic; may be repeated (all of them when not given)",
    )
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--save", type=Path, help="write an .rrd file instead of opening a window")
    target.add_argument("--connect", metavar="URL", help="send to a viewer that is already running")
    target.add_argument(
        "--web",
        type=int,
        nargs="?",
        const=WEB_PORT,
        metavar="PORT",
        help=f"show it on a page for browsers, at this port ({WEB_PORT} when none is given)",
    )
    live = parser.add_argument_group("for live nodes")
    live.add_argument("--seconds", type=float, default=0.0, help="end after so long; 0: at Ctrl-C")
    recording = parser.add_argument_group("for a recording")
    recording.add_argument(
        "--wearers", type=Path, help="wearers file (YAML); without it people stay nameless"
    )
    recording.add_argument("--model", default="despite-pi", help="released model: a name, or a model folder")
    recording.add_argument("--device", default="auto", help="auto, cpu, cuda or tensorrt")
    recording.add_argument("--params", type=Path, help="settings file (YAML, also a ROS parameters file)")
    recording.add_argument("--fixed-frame", default="", help="frame to track in, by the recording's tf")
    recording.add_argument("--rate", default="1.0", help="'max', or a multiple of real time")


def run(args: argparse.Namespace) -> int:
    """Show every sweep; 1 if there was none."""
    target = Target(args.save, args.connect, args.web)
    sweeps = _live(args, target) if args.source == LIVE else _recording(args, target)
    print(f"{sweeps} sweeps drawn" + (f" into {args.save}" if args.save else ""))
    return 0 if sweeps else 1


def _live(args: argparse.Namespace, target: Target) -> int:
    try:
        from despite_ros.nodes.view_node import view_live
    except ImportError as error:
        raise UserError(
            f"view live needs ROS 2's Python packages and despite_msgs ({error}); make setup"
        ) from error
    viewer = _viewer(target)
    sweeps = view_live(viewer, args.lidar, args.seconds)
    viewer.close()
    return sweeps


def _recording(args: argparse.Namespace, target: Target) -> int:
    wearers, rate = load_wearers(args.wearers) if args.wearers else (), rate_of(args.rate)
    sweeps = 0
    with Recording(Path(args.source)) as recording:
        pipeline = Pipeline(load_settings(args.params), wearers, encoders.load(args.model, args.device))
        reading = ReadingOptions(wearers, tuple(args.lidar), args.fixed_frame, rate)
        replay = Replay(recording, pipeline, reading)
        viewer = _viewer(target)
        with suppress(KeyboardInterrupt):
            for sweep in replay.sweeps():
                viewer.cloud(sweep.points, sweep.people.stamp_ns, sweep.pose)
                viewer.people(sweep.people, sweep.reid)
                sweeps += 1
            if viewer.page:
                print("that is all; Ctrl-C closes the page", flush=True)
                signal.pause()
    viewer.close()
    return sweeps


def _viewer(target: Target) -> Viewer:
    viewer = Viewer(target)
    if viewer.page:
        print(f"open {viewer.page}", flush=True)
    return viewer
