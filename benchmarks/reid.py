"""Who is who, measured on simulated scenes, from clouds and IMU samples to names.

    python -m benchmarks.reid [--quick | --full] [--model DIR] [--mocap DIR] [--true-tracks]

Every scene is seen with its LiDAR's preset. Writes `benchmarks/results/reid.json` and, beside it, its tables,
`reid.md`; with captured motion `reid_captured`, with true tracks `reid_true_tracks`.
"""

import argparse
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.observations import (
    Case,
    Observation,
    drifting,
    late,
    lossy,
    observe,
    one_sensor,
    over_and_over,
    reidentify,
)
from benchmarks.reid_report import measured, summary, tables
from despite_ros.bags.results import Line, json_line, write_json
from despite_ros.encoders import load
from despite_ros.records import NOBODY
from despite_ros.settings import Settings

RESULTS = Path(__file__).parent / "results"
LOOKS_UP = "livox_mid360"  # from −7° to 52°: standing it sees heads, so it is looked at hung upside down too
SENSORS = ("vlp16", "hdl32", "os1_64", LOOKS_UP)
PAPER_WINDOWS = 4
MANY_ABSENT = 4  # one absent wearer a scene says little about how often such a one is named
ROOMS = 3  # of each kind at full effort: a single one is easy or hard by chance
ANEW = 100  # between their seeds
CAPTURED = "captured motions of people held apart from training"
MADE = "everyday activities and made-up motions, drawn anew"
VARIANTS: dict[str, Callable[[Observation], Observation]] = {
    "one sensor": one_sensor,
    "heading drift 5°/min": partial(drifting, degrees_per_minute=5.0),
    "clock 100 ms late": partial(late, seconds=0.1),
    "20 % of samples lost": partial(lossy, share=0.2),
}


@dataclass(frozen=True)
class Job:
    """One scene, with the variants of its IMU samples that are looked at besides."""

    name: str
    case: Case
    variants: tuple[str, ...] = ()
    twice: bool = False


def jobs(effort: str) -> list[Job]:
    """The scenes of "quick", "usual" or "full" effort; the full one has ROOMS of each kind."""
    if effort == "quick":
        return [
            Job("8 people", Case(8, "vlp16", 1, 30.0), ("one sensor",), twice=True),
            Job("4 people", Case(4, "os1_64", 2, 30.0)),
        ]
    plain = [Job("8 people", Case(8, sensor, 10 + i, 60.0)) for i, sensor in enumerate(SENSORS)]
    plain[0] = replace(plain[0], variants=tuple(VARIANTS), twice=True)
    gap = Job("LiDAR gap of 2 s", Case(8, "vlp16", 10, 60.0, gap=(30.0, 32.0)))
    usual = {16: ("os1_64",), 4: ("livox_mid360",), 2: ("vlp16",)}
    sizes = [
        Job(f"{people} people", Case(people, sensor, people + 20 + i, 60.0))
        for people, sensors in usual.items()
        for i, sensor in enumerate(SENSORS if effort == "full" else sensors)
    ]
    if effort == "usual":
        return [*sizes, *plain, gap]
    upright = [job for job in (*sizes, *plain) if job.case.sensor == LOOKS_UP]
    hung = [Job(f"{job.name}, hung", replace(job.case, hung=True)) for job in upright]
    elsewhere = [
        Job(f"8 people, {MANY_ABSENT} absent", Case(8, sensor, 50 + i, 60.0, absent=MANY_ABSENT))
        for i, sensor in enumerate(SENSORS)
    ]
    kinds = [*sizes, *plain, *hung, *elsewhere]
    return [gap, *(_anew(job, room) for room in range(ROOMS) for job in kinds)]


def _anew(job: Job, room: int) -> Job:
    """The same kind of scene in another room with other people; room 0 is the scene itself."""
    if room == 0:
        return job
    return Job(job.name, replace(job.case, seed=job.case.seed + ANEW * room))


def main() -> int:
    """Run all scenes on all cores, print and write the table."""
    args = _arguments()
    effort = "quick" if args.quick else "full" if args.full else "usual"
    todo = jobs(effort)
    started = time.monotonic()
    work = partial(run_job, model=args.model, mocap=args.mocap, true_tracks=args.true_tracks)
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(todo)), get_context("spawn")) as pool:
        rows = [row for found in pool.map(work, todo) for row in found]
    report = {
        "model": str(args.model),
        "effort": effort,
        "motions": CAPTURED if args.mocap else MADE,
        "tracks": "true" if args.true_tracks else "found",
        "rows": rows,
        "summary": summary(rows),
        "memory": replay_memory(args.model, args.replay_minutes) if args.replay_minutes else [],
        "seconds": round(time.monotonic() - started, 1),
    }
    name = "reid" + "_captured" * bool(args.mocap) + "_true_tracks" * args.true_tracks
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / f"{name}.json", report)
    (RESULTS / f"{name}.md").write_text(tables(report))
    print(tables(report))
    return 0


def run_job(job: Job, model: Path, mocap: Path | None, true_tracks: bool) -> list[Line]:
    """One scene: a row for the matcher, one for the paper's rule, one for every variant."""
    encoders = load(model, "cpu", threads=1, say=lambda text: None)
    seen = observe(job.case, mocap, true_tracks)
    lines = list(reidentify(seen, encoders, Settings()))
    rows = [
        measured(job.name, "", job.case, lines, seen),
        measured(job.name, "paper's rule", job.case, paper_rule(lines), seen),
    ]
    if job.twice:
        again = reidentify(seen, encoders, Settings())
        same = all(_fixed(one) == _fixed(other) for one, other in zip(lines, again, strict=True))
        rows[0]["two_replays_identical"] = same
    for name in job.variants:
        changed = VARIANTS[name](seen)
        found = list(reidentify(changed, encoders, Settings()))
        rows.append(measured(job.name, name, job.case, found, changed))
    return rows


def paper_rule(lines: Sequence[Line], windows: int = PAPER_WINDOWS) -> list[Line]:
    """The same results, named by argmax over tracks of the mean cosine of the last windows."""
    recent: dict[tuple[str, int], list[float]] = defaultdict(list)
    renamed = []
    for line in lines:
        matrix = line["similarity"]
        for wearer, row in zip(matrix["wearers"], matrix["cosine"], strict=True):
            for track, cosine in zip(matrix["track_ids"], row, strict=True):
                if np.isfinite(cosine):
                    recent[wearer, track] = [*recent[wearer, track][1 - windows :], cosine]
        assignments = []
        for assignment in line["assignments"]:
            means = {
                track: float(np.mean(recent[assignment["wearer"], track]))
                for track in matrix["track_ids"]
                if recent[assignment["wearer"], track]
            }
            best = max(means, key=lambda track: means[track]) if means else NOBODY
            state = "assigned" if means else "gathering"
            assignments.append({**assignment, "track_id": best, "state": state})
        renamed.append({**line, "assignments": assignments})
    return renamed


def replay_memory(model: Path, minutes: float) -> list[Line]:
    """Peak resident memory after each tenth of a long replay: one minute of 8 people, over and over."""
    encoders = load(model, "cpu", threads=1, say=lambda text: None)
    minute = observe(Case(8, "vlp16", 10, 60.0), None)
    frames = reidentify(over_and_over(minute, minutes), encoders, Settings())
    every = max(1, round(60 * minutes))
    return [
        {"minutes": (index + 1) / 600, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        for index, _ in enumerate(frames)
        if (index + 1) % every == 0
    ]


def _fixed(line: Line) -> str:
    """A line as it is written, without what the clock measured."""
    return json_line({key: value for key, value in line.items() if key != "latency_ms"})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="two scenes of 30 s")
    effort.add_argument("--full", action="store_true", help="every size with every LiDAR")
    parser.add_argument(
        "--model", type=Path, default=Path("despite-pi"), help="released model, name or folder"
    )
    parser.add_argument("--mocap", type=Path, help="folder of captured motion, for people held apart")
    parser.add_argument(
        "--true-tracks", action="store_true", help="people cut out by the truth: what the matcher alone loses"
    )
    parser.add_argument(
        "--replay-minutes", type=float, default=0.0, help="also replay that long for the memory"
    )
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
