"""`despite view`."""

import argparse
from pathlib import Path

from despite_ros import encoders
from despite_ros.bags.reader import Recording
from despite_ros.bags.replay import Replay
from despite_ros.bags.view import Viewer
from despite_ros.motion.wearers import load_wearers
from despite_ros.pipeline import Pipeline
from despite_ros.settings import load_settings

HELP = "Look at a recording in 3-D as the pipeline runs over it, in the Rerun viewer (extra: view)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("recording", type=Path, help="bag folder, or an .mcap, .db3 or .bag file")
    parser.add_argument("--wearers", type=Path, help="wearers file (YAML); without it people stay nameless")
    parser.add_argument("--model", default="despite-pi", help="released model: a name, or a model folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or tensorrt")
    parser.add_argument("--params", type=Path, help="settings file (YAML, also a ROS parameters file)")
    parser.add_argument("--fixed-frame", default="", help="frame to track in, by the recording's tf")
    parser.add_argument("--rate", type=float, default=1.0, help="times real time; 0 for as fast as possible")
    parser.add_argument("--save", type=Path, help="write an .rrd file instead of opening a window")
    parser.add_argument("--connect", metavar="URL", help="send to a viewer that is already running")


def run(args: argparse.Namespace) -> int:
    """Show every sweep."""
    wearers = load_wearers(args.wearers) if args.wearers else ()
    pipeline = Pipeline(load_settings(args.params), wearers, encoders.load(args.model, args.device))
    viewer = Viewer(args.save, args.connect)
    with Recording(args.recording) as recording:
        for sweep in Replay(
            recording, pipeline, wearers, fixed_frame=args.fixed_frame, rate=args.rate
        ).sweeps():
            viewer.show(sweep.points, sweep.people, sweep.reid, sweep.pose)
    viewer.close()
    return 0
