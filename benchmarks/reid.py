"""Who is who, measured on simulated scenes, from clouds and IMU samples to names.

    python -m benchmarks.reid [--quick | --full] [--model DIR] [--mocap DIR]

Writes `benchmarks/results/reid.json` and the table beside it, `reid.md`.
"""

import argparse
import dataclasses
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
from despite_ros.bags.results import Line, json_line, write_json
from despite_ros.bags.score import score
from despite_ros.encoders import load
from despite_ros.records import NOBODY
from despite_ros.settings import Settings

RESULTS = Path(__file__).parent / "results"
SENSORS = ("vlp16", "hdl32", "os1_64", "livox_mid360")
PAPER_WINDOWS = 4
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
    """The scenes of "quick", "usual" or "full" effort, the longest first."""
    if effort == "quick":
        return [
            Job("8 people", Case(8, "vlp16", 1, 30.0), ("one sensor",), twice=True),
            Job("4 people", Case(4, "os1_64", 2, 30.0)),
        ]
    plain = [Job("8 people", Case(8, sensor, 10 + i, 60.0)) for i, sensor in enumerate(SENSORS)]
    plain[0] = replace(plain[0], variants=tuple(VARIANTS), twice=True)
    gap = Job("LiDAR gap of 2 s", Case(8, "vlp16", 10, 60.0, gap=(30.0, 32.0)))
    others = SENSORS if effort == "full" else SENSORS[:1]
    sizes = [
        Job(f"{people} people", Case(people, sensor, people + 20 + i, 60.0))
        for people in (16, 4, 2)
        for i, sensor in enumerate(others)
    ]
    return [*sizes, *plain, gap]


def main() -> int:
    """Run all scenes on all cores, print and write the table."""
    args = _arguments()
    effort = "quick" if args.quick else "full" if args.full else "usual"
    todo = jobs(effort)
    started = time.monotonic()
    work = partial(run_job, model=args.model, mocap=args.mocap)
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(todo)), get_context("spawn")) as pool:
        rows = [row for found in pool.map(work, todo) for row in found]
    report = {
        "model": str(args.model),
        "effort": effort,
        "motions": "captured, of people held apart"
        if args.mocap
        else "everyday activities and made-up motions",
        "rows": rows,
        "summary": summary(rows),
        "memory": replay_memory(args.model, args.replay_minutes) if args.replay_minutes else [],
        "seconds": round(time.monotonic() - started, 1),
    }
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / "reid.json", report)
    (RESULTS / "reid.md").write_text(table(report))
    print(table(report))
    return 0


def run_job(job: Job, model: Path, mocap: Path | None) -> list[Line]:
    """One scene: a row for the matcher, one for the paper's rule, one for every variant."""
    encoders = load(model, "cpu", threads=1, say=lambda text: None)
    observation = observe(job.case, mocap)
    lines = list(reidentify(observation, encoders, Settings()))
    rows = [_row(job, "", lines, observation), _row(job, "paper's rule", paper_rule(lines), observation)]
    if job.twice:
        again = reidentify(observation, encoders, Settings())
        same = all(_fixed(one) == _fixed(other) for one, other in zip(lines, again, strict=True))
        rows[0]["two_replays_identical"] = same
    for name in job.variants:
        changed = VARIANTS[name](observation)
        rows.append(_row(job, name, list(reidentify(changed, encoders, Settings())), changed))
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


def summary(rows: Sequence[Line]) -> list[Line]:
    """Mean over the scenes of each name and variant; times are medians over all wearers."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for row in rows:
        groups[row["name"], row["variant"]].append(row)
    return [
        {"name": name, "variant": variant, "scenes": len(group), **_mean(group)}
        for (name, variant), group in groups.items()
    ]


def table(report: Line) -> str:
    """The report as Markdown."""
    heads = [
        *("scene", "variant", "scenes", "tracked", "right", "s to right", "absent named", "swaps/min"),
        *("IDF1 names", "IDF1 tracks", "activity"),
    ]
    lines = [
        f"Model `{Path(report['model']).name}`; motions: {report['motions']}; three quarters of the people",
        "wear four IMUs each, one more wearer is elsewhere. `python -m benchmarks.reid`.",
        "",
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
    ]
    for row in report["summary"]:
        cells = [row["name"], row["variant"] or "–", str(row["scenes"])]
        cells += [f"{row[key]:.3f}" for key in ("right",)]
        cells += [
            f"{row['seconds_to_right']:.1f}",
            f"{row['absent_named']:.3f}",
            f"{row['swaps_per_minute']:.2f}",
        ]
        cells += [f"{row[key]:.3f}" for key in ("idf1_names", "idf1_tracks", "activity")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _row(job: Job, variant: str, lines: Sequence[Line], observation: Observation) -> Line:
    found = score(lines, observation.truth)
    lasting = found["seconds_to_lasting"]
    waited = sorted(line["latency_ms"]["encode"] + line["latency_ms"]["match"] for line in lines)
    return {
        "name": job.name,
        "variant": variant,
        **dataclasses.asdict(job.case),
        "right": found["assignment"]["accuracy"],
        "wrong": found["assignment"]["wrong"],
        "absent_named": found["assignment"]["false_names_of_absent"],
        "seconds_to_right": [job.case.seconds if s is None else s for s in lasting.values()],
        "swaps_per_minute": found["name_swaps_per_minute"],
        "idf1_names": found["names_idf1"],
        "idf1_tracks": found["tracking"]["idf1"],
        "tracked": found["tracking"]["recall"],
        "activity": found["activity"]["accuracy"],
        "activity_per_label": found["activity"]["per_label"],
        "activity_confusion": found["activity"]["confusion"],
        "reliability": found["reliability"],
        "encode_and_match_ms": {"p50": waited[len(waited) // 2], "p99": waited[len(waited) * 99 // 100]},
    }


def _mean(group: Sequence[Line]) -> dict[str, float]:
    keys = ("right", "wrong", "tracked", "absent_named", "swaps_per_minute", "idf1_names", "idf1_tracks")
    means = {key: float(np.mean([row[key] for row in group])) for key in (*keys, "activity")}
    waits = [seconds for row in group for seconds in row["seconds_to_right"]]
    return {**means, "seconds_to_right": float(np.median(waits))}


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
        "--replay-minutes", type=float, default=0.0, help="also replay that long for the memory"
    )
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
