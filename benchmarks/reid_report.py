"""What the re-identification benchmark found, in one row a scene and in tables."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.observations import Case, Observation
from despite_ros.bags.results import Line
from despite_ros.bags.score import score

MEANS = (
    "right", "wrong", "tracked", "absent_named", "swaps_per_minute", "idf1_names", "idf1_tracks", "activity",
)  # fmt: skip
COLUMNS = {
    "tracked": "{:.3f}", "right": "{:.3f}", "wrong": "{:.3f}", "seconds_to_right": "{:.1f}",
    "absent_named": "{:.3f}", "swaps_per_minute": "{:.2f}", "idf1_names": "{:.3f}", "idf1_tracks": "{:.3f}",
    "activity": "{:.3f}",
}  # fmt: skip
SCANS = ("spinning", "rosette")
SCAN_COLUMNS = ("right", "wrong", "seconds_to_right", "absent_named")
SCENE_COLUMNS = ("tracked", "right", "wrong", "absent_named", "idf1_tracks")
MEANING = """\
tracked: share of visible people who have a track, which bounds the rest. right: share of time, from 5 s
on, with a visible wearer on the right track; wrong: on a wrong one (the rest: not named). seconds_to_right:
median over wearers until the right name that lasts. absent_named: share of time that an absent wearer is
on a track. swaps_per_minute: of a name, per wearer. activity: share of frames with the right label.
"""


def measured(name: str, variant: str, case: Case, lines: Sequence[Line], seen: Observation) -> Line:
    """One row: the scores of one run over one scene."""
    found = score(lines, seen.truth)
    latency = [line["latency_ms"]["encode"] + line["latency_ms"]["match"] for line in lines]
    lasting = found["seconds_to_lasting"].values()
    return {
        "name": name,
        "variant": variant,
        **dataclasses.asdict(case),
        "tracked": found["tracking"]["recall"],
        "right": found["assignment"]["accuracy"],
        "wrong": found["assignment"]["wrong"],
        "seconds_to_right": [case.seconds if seconds is None else seconds for seconds in lasting],
        "absent_named": found["assignment"]["false_names_of_absent"],
        "swaps_per_minute": found["name_swaps_per_minute"],
        "idf1_names": found["names_idf1"],
        "idf1_tracks": found["tracking"]["idf1"],
        "activity": found["activity"]["accuracy"],
        "activity_confusion": found["activity"]["confusion"],
        "reliability": found["reliability"],
        "encode_and_match_ms": {"p50": np.percentile(latency, 50), "p99": np.percentile(latency, 99)},
    }


def summary(rows: Sequence[Line]) -> list[Line]:
    """Means over the scenes of each name and variant; the time to the right name is a median over wearers."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for row in rows:
        groups[row["name"], row["variant"]].append(row)
    return [
        {
            "name": name,
            "variant": variant,
            "scenes": len(group),
            **{key: float(np.mean([row[key] for row in group])) for key in MEANS},
            "seconds_to_right": float(np.median([s for row in group for s in row["seconds_to_right"]])),
        }
        for (name, variant), group in groups.items()
    ]


def tables(report: Line) -> str:
    """The report as Markdown: names, activities, reliability of confidences, memory."""
    plain = [row for row in report["rows"] if not row["variant"]]
    parts = [
        f"Model `{Path(report['model']).name}`; {report['motions']}; tracks: {report['tracks']}.",
        "Three quarters of the people wear four IMUs each; one more wearer is elsewhere, or as many as said.",
        f"Effort: {report['effort']}, {report['seconds']:.0f} s.",
        "",
        _table(
            ["scene", "variant", "scenes", *COLUMNS],
            [
                [row["name"], row["variant"], row["scenes"], *(f.format(row[k]) for k, f in COLUMNS.items())]
                for row in report["summary"]
            ],
        ),
        MEANING,
        _table(["activity", "frames", "right", "most often taken for"], _activities(plain)),
        _table(["confidence", "names", "right"], _reliability(plain)),
        f"Two replays of the same samples give the same bytes: {_said(report['rows'])}.",
        "",
        "By how the LiDAR scans:",
        "",
        _table(["scene", "scan", "scenes", *SCAN_COLUMNS], _by_scan(plain)),
        "Scene by scene, with milliseconds a sweep for embeddings and names on one core",
        "(live, with everything: `benchmarks.live`):",
        "",
        _table(["scene", "LiDAR", "seed", *SCENE_COLUMNS, "p50", "p99"], [_scene(row) for row in plain]),
    ]
    if report["memory"]:
        points = [[f"{p['minutes']:.1f}", f"{p['peak_mib']:.1f}"] for p in report["memory"]]
        parts.append(_table(["minutes replayed", "peak memory, MiB"], points))
    return "\n".join(parts)


def _said(rows: Sequence[Line]) -> str:
    compared = [row["two_replays_identical"] for row in rows if "two_replays_identical" in row]
    return "not compared" if not compared else "yes" if all(compared) else "NO"


def _by_scan(rows: Sequence[Line]) -> list[list[str]]:
    """Per size of the scenes and way to scan: means over its LiDARs, the median of seconds."""
    lines = []
    for scan in SCANS:
        some = [row for row in rows if SCANS[row["sensor"].startswith("livox")] == scan]
        for found in summary(some):
            figures = [COLUMNS[key].format(found[key]) for key in SCAN_COLUMNS]
            lines.append([found["name"], scan, str(found["scenes"]), *figures])
    return lines


def _scene(row: Line) -> list[str]:
    figures = [COLUMNS[key].format(row[key]) for key in SCENE_COLUMNS]
    latency = [f"{row['encode_and_match_ms'][which]:.1f}" for which in ("p50", "p99")]
    return [row["name"], row["sensor"], str(row["seed"]), *figures, *latency]


def _activities(rows: Sequence[Line]) -> list[list[str]]:
    """Per true label: frames, share right, and the commonest wrong answer."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for label, found in row["activity_confusion"].items():
            counts[label].update(found)
    lines = []
    for label, found in sorted(counts.items()):
        others = Counter({other: count for other, count in found.items() if other != label})
        common = others.most_common(1)[0][0] if others else ""
        lines.append([label, str(found.total()), f"{found[label] / found.total():.3f}", common])
    return lines


def _reliability(rows: Sequence[Line]) -> list[list[str]]:
    """Confidence against the share right, by tenths of confidence."""
    bins: dict[int, list[dict[str, float]]] = defaultdict(list)
    for row in rows:
        for item in row["reliability"]:
            bins[min(int(10 * item["confidence"]), 9)].append(item)
    lines = []
    for _, items in sorted(bins.items()):
        counts = [item["count"] for item in items]
        confidence, right = (
            np.average([i[k] for i in items], weights=counts) for k in ("confidence", "right")
        )
        lines.append([f"{confidence:.3f}", str(int(sum(counts))), f"{right:.3f}"])
    return lines


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)
