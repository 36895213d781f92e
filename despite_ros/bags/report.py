"""`report.html`: one self-contained file that shows what happened in a recording; opens offline.

Everything that it draws is put into the page as JSON; the drawing itself is in `report.html.j2`.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from despite_ros.bags.results import Line, read_lines
from despite_ros.errors import UserError

MOST_FRAMES = 1500  # drawn; longer recordings are thinned
HISTOGRAM_BINS = 24


def write_report(directory: Path) -> Path:
    """Write `report.html` from `results.jsonl`, `summary.json` and, where it is there, `truth.jsonl`.

    Raises:
        UserError: no results in the directory.
    """
    results = list(read_lines(directory / "results.jsonl"))
    summary_file = directory / "summary.json"
    if not summary_file.exists():
        raise UserError(f"{summary_file}: no such file; `despite replay` writes it beside results.jsonl")
    summary = json.loads(summary_file.read_text())
    truth = list(read_lines(directory / "truth.jsonl")) if (directory / "truth.jsonl").exists() else []
    page = directory / "report.html"
    page.write_text(render(results, truth, summary))
    return page


def render(results: Sequence[Line], truth: Sequence[Line], summary: dict[str, Any]) -> str:
    """The page as text."""
    template = (files("despite_ros.bags") / "report.html.j2").read_text()
    data = {
        "summary": summary,
        "frames": [_frame(line) for line in _thinned(results)],
        "truth": [_truth_frame(line) for line in _thinned(truth)],
        "wearers": sorted({a["wearer"] for line in results for a in line["assignments"]}),
        "latency": latency_histograms(results),
    }
    environment = jinja2.Environment(autoescape=True)
    # "</" inside a script element would end it
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, default=str).replace("</", "<\\/")
    return environment.from_string(template).render(data=text, title=summary.get("name", "recording"))


def latency_histograms(results: Sequence[Line]) -> list[dict[str, Any]]:
    """For each stage: p50, p99 and a histogram up to its p99.5, milliseconds."""
    stages = dict.fromkeys(stage for line in results for stage in line["latency_ms"])
    found = []
    for stage in stages:
        values = np.array([line["latency_ms"].get(stage, 0.0) for line in results])
        top = max(float(np.percentile(values, 99.5)), 1e-3)
        counts, _ = np.histogram(np.minimum(values, top), bins=HISTOGRAM_BINS, range=(0, top))
        p50, p99 = np.percentile(values, [50, 99])
        found.append({"stage": stage, "p50": p50, "p99": p99, "top": top, "counts": counts.tolist()})
    return found


def _thinned(lines: Sequence[Line]) -> Sequence[Line]:
    step = -(-len(lines) // MOST_FRAMES) or 1
    return lines[::step]


def _frame(line: Line) -> dict[str, Any]:
    return {
        "t": line["stamp_ns"] / 1e9,
        "people": [[p["track_id"], p["x"], p["y"], p["points"], p["activity"]] for p in line["people"]],
        "names": {a["wearer"]: [a["track_id"], a["confidence"], a["state"]] for a in line["assignments"]},
        "similarity": line.get("similarity"),
    }


def _truth_frame(line: Line) -> dict[str, Any]:
    people = [[p["name"], p.get("wearer"), p["x"], p["y"], p["points"]] for p in line["people"]]
    return {"t": line["stamp_ns"] / 1e9, "people": people}
