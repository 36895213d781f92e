"""`despite replay`: recording in; results, summary, scores and report out."""

import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from despite_ros import __version__, encoders
from despite_ros.arrays import DoubleArray
from despite_ros.bags.ahead import ReadAhead
from despite_ros.bags.reader import Recording
from despite_ros.bags.replay import Replay, ReplayedSweep
from despite_ros.bags.report import write_report
from despite_ros.bags.results import Line, json_line, read_truth, result_line, write_json, write_lines
from despite_ros.bags.score import score
from despite_ros.bags.sightings import ReadingOptions
from despite_ros.config import flatten
from despite_ros.errors import UserError
from despite_ros.motion.wearers import load_wearers
from despite_ros.pipeline import Pipeline
from despite_ros.settings import Settings, load_settings

Progress = Callable[[Replay], None]
Write = Callable[[ReplayedSweep], None]
SCORED = ("stamp_ns", "people", "assignments")  # what scores need of a line; the rest is on disk only
LIBRARIES = ("numpy", "numba", "scipy", "onnxruntime", "rosbags", "trackeval")


@dataclass(frozen=True)
class ReplayOptions:
    """What to replay, with what, and where to write. Empty strings and tuples: find out or leave out.

    bag: folder of a new bag for the results as topics. ahead: read and find people in a second process.
    """

    recording: Path
    out: Path
    wearers: Path | None = None
    truth: Path | None = None
    model: str = "despite-pi"
    device: str = "auto"
    params: Path | None = None
    lidar_topics: tuple[str, ...] = ()
    fixed_frame: str = ""
    rate: float = 0.0
    bag: Path | None = None
    ahead: bool = False


def run_replay(options: ReplayOptions, progress: Progress = lambda replay: None) -> dict[str, Any]:
    """Replay, write `results.jsonl`, `summary.json`, `report.html` into `options.out`; the summary.

    Ctrl-C ends the replay early and keeps what there is.

    Raises:
        UserError: a file that is missing or not what it should be.
    """
    settings = load_settings(options.params)
    wearers = load_wearers(options.wearers) if options.wearers else ()
    truth = read_truth(options.truth) if options.truth else []
    reading = ReadingOptions(wearers, options.lidar_topics, options.fixed_frame, options.rate)
    with Recording(options.recording) as recording, _ahead(options, settings, reading) as ahead:
        model = encoders.load(options.model, options.device)
        pipeline = Pipeline(settings, wearers, model)
        _empty_folder(options.out)
        replay = Replay(recording, pipeline, reading, ahead)
        with _result_bag(options.bag, model.card.labels) as write:
            begun = time.monotonic()
            lines, poses, interrupted = _play(replay, options.out / "results.jsonl", write, progress)
            wall_s = time.monotonic() - begun
    faults = (recording.faults, replay.faults, pipeline.reidentifier.faults)
    summary = {
        "name": options.recording.name,
        "frames": len(lines),
        "recording_s": replay.elapsed_ns / 1e9,
        "wall_s": wall_s,
        "real_time_factor": replay.elapsed_ns / 1e9 / wall_s if wall_s > 0 else 0.0,
        "interrupted": interrupted,
        "frame_id": replay.frame_id,
        "topics": {"lidar": list(replay.lidar_topics), "imu": list(replay.imu_topics)},
        "drops": dict(sum((found.counts for found in faults), Counter[str]())),
        "notes": [*recording.breaks, *(line for found in faults for line in found.lines)],
        "model": model.card.name,
        "model_sha256": dict(model.card.files),
        "provider": model.provider,
        "versions": versions(),
        "settings": flatten(settings),
    }
    if truth:
        moved = [_to_fixed(line, poses) for line in truth]
        write_lines(options.out / "truth.jsonl", moved)
        summary["scores"] = score(lines, moved)
    write_json(options.out / "summary.json", summary)
    write_report(options.out)
    return summary


def _ahead(
    options: ReplayOptions, settings: Settings, reading: ReadingOptions
) -> AbstractContextManager[ReadAhead | None]:
    """The second process, which gets ready while the first one loads the model."""
    return ReadAhead(options.recording, settings.people, reading) if options.ahead else nullcontext()


def _empty_folder(folder: Path) -> None:
    """Make the folder; an earlier run's truth in it would be taken for this one's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "truth.jsonl").unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be the folder for the results ({error.strerror})") from error


@contextmanager
def _result_bag(folder: Path | None, labels: Sequence[str]) -> Iterator[Write]:
    """What takes every sweep's outcome: a bag's writer, or nothing where no bag is wanted."""
    if folder is None:
        yield lambda sweep: None
        return
    try:
        from despite_ros.nodes.result_bag import ResultBag
    except ImportError as error:
        raise UserError(
            f"--bag needs ROS 2's Python packages and despite_msgs ({error}); make setup"
        ) from error
    with ResultBag(folder, labels) as bag:
        yield lambda sweep: bag.write(sweep.recorded_ns, sweep.people, sweep.reid)


def _play(
    replay: Replay, path: Path, write: Write, progress: Progress
) -> tuple[list[Line], dict[int, DoubleArray], bool]:
    """What scores need of the lines written to `path`, sensor poses by stamp, whether Ctrl-C ended it."""
    lines, poses = list[Line](), dict[int, DoubleArray]()
    with path.open("w") as file:
        try:
            for sweep in replay.sweeps():
                line = result_line(sweep.people, sweep.reid)
                file.write(json_line(line))
                lines.append({key: line[key] for key in SCORED})
                write(sweep)
                if sweep.pose is not None:
                    poses[sweep.people.stamp_ns] = sweep.pose
                progress(replay)
        except KeyboardInterrupt:
            return lines, poses, True
    return lines, poses, False


def _to_fixed(line: Line, poses: dict[int, DoubleArray]) -> Line:
    """A line of truth, given in the LiDAR's frame, in the frame of the results."""
    if not poses:
        return line
    pose = poses[min(poses, key=lambda stamp: abs(stamp - int(line["stamp_ns"])))]
    people = []
    for person in line["people"]:
        x, y, z = (pose @ [person["x"], person["y"], person["z"], 1.0])[:3]
        people.append({**person, "x": float(x), "y": float(y), "z": float(z)})
    return {**line, "people": people}


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of the libraries that decide results."""
    found = {"despite": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
