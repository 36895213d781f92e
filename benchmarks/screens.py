"""The pictures of the report and of the 3-D view in the README.

    python -m benchmarks.screens [--out out/screens]

Simulates a room, replays it, and takes the pictures in headless Chromium. Needs chromium and the extra
`view`. Writes `benchmarks/figures/{report,report_phone,view}.png`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.browser import Browser
from benchmarks.pictures import COLOURS
from despite_ros import encoders
from despite_ros.bags.reader import Recording
from despite_ros.bags.replay import Replay
from despite_ros.bags.run import ReplayOptions, run_replay
from despite_ros.bags.sightings import ReadingOptions
from despite_ros.bags.view import Target, Viewer
from despite_ros.bags.writer import write_recording
from despite_ros.motion.wearers import load_wearers
from despite_ros.pipeline import Pipeline
from despite_ros.settings import Settings
from despite_ros.simulation.scene import random_scene

FIGURES = Path(__file__).parent / "figures"
PEOPLE, WEARERS, ABSENT, SECONDS, SENSOR, SEED = 6, 5, 1, 30.0, "os1_64", 4
WALL, PHONE, VIEW = (1500, 1050), (390, 844), (1280, 800)  # pixels
PAGE_S, VIEWER_S = 2.0, 60.0  # the viewer draws in software
SPARSE = 3  # one sweep in so many is drawn
WEB_PORT = 9191


def report_pictures(browser: Browser, room: Path, out: Path) -> None:
    """Replay, and picture the report on a wall and on a phone."""
    options = ReplayOptions(room, out, room / "wearers.yaml", room / "truth.jsonl")
    run_replay(options)
    address = (out / "report.html").resolve().as_uri()
    browser.picture(address, FIGURES / "report.png", *WALL, PAGE_S)
    browser.picture(address, FIGURES / "report_phone.png", *PHONE, PAGE_S)


def view_picture(browser: Browser, room: Path) -> None:
    """The last sweep in 3-D, with the trails that lead to it."""
    wearers = load_wearers(room / "wearers.yaml")
    with Recording(room) as recording:
        pipeline = Pipeline(Settings(), wearers, encoders.load("despite-pi"))
        viewer = Viewer(Target(web_port=WEB_PORT))
        for number, sweep in enumerate(Replay(recording, pipeline, ReadingOptions(wearers)).sweeps()):
            if number % SPARSE == 0:
                viewer.people(sweep.people, sweep.reid)
        viewer.cloud(sweep.points, sweep.people.stamp_ns, sweep.pose)
        browser.picture(viewer.page, FIGURES / "view.png", *VIEW, VIEWER_S, "dark")
        viewer.close()


def shrink(file: Path) -> None:
    """Fewer colours: a third of the size."""
    picture = Image.open(file).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(file, optimize=True)


def main(arguments: Sequence[str]) -> int:
    """Simulate, replay, take pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/screens"), help="folder for what is pictured")
    args = parser.parse_args(arguments)
    room = args.out / "room"
    if not room.exists():
        rng = np.random.default_rng(SEED)
        write_recording(random_scene(rng, PEOPLE, WEARERS, ABSENT, SECONDS, SENSOR), room)
    with Browser() as browser:
        report_pictures(browser, room, args.out)
        view_picture(browser, room)
    for name in ("report", "report_phone", "view"):
        shrink(FIGURES / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
