import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest

from despite_ros.bags.report import latency_histograms, write_report
from despite_ros.bags.results import Line, write_json, write_lines
from despite_ros.bags.score import score
from despite_ros.errors import UserError

BROWSER = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)


def room(sweeps: int = 120) -> tuple[list[Line], list[Line]]:
    """Results and truth of two people who walk in circles; alice is named after three seconds."""
    results, truth = [], []
    for i in range(sweeps):
        stamp, turn = i * 100_000_000, i / 20
        places = [(2 * math.cos(turn), 2 * math.sin(turn)), (4.0, 1.0)]
        truth.append(
            {
                "stamp_ns": stamp,
                "people": [
                    {"name": f"p{k}", "wearer": "alice" if k == 0 else None, "x": x, "y": y, "z": 1.0}
                    | {"points": 300, "activity": "walk"}
                    for k, (x, y) in enumerate(places)
                ],
            }
        )
        track = 1 if i >= 30 else -1
        results.append(
            {
                "stamp_ns": stamp,
                "people": [
                    {"track_id": k + 1, "x": x, "y": y, "z": 1.0, "size": [0.5, 0.5, 1.7], "points": 300}
                    | {"activity": "walk", "activity_confidence": 0.8}
                    for k, (x, y) in enumerate(places)
                ],
                "assignments": [
                    {"wearer": "alice", "track_id": track, "similarity": 0.6, "confidence": 0.9}
                    | {"margin": 0.4, "state": "assigned" if track > 0 else "gathering"}
                ],
                "similarity": {"wearers": ["alice"], "track_ids": [1, 2], "cosine": [[0.6, None]]},
                "latency_ms": {"encode": 10.0 + i % 5, "match": 0.5},
            }
        )
    return results, truth


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    results, truth = room()
    write_lines(tmp_path / "results.jsonl", results)
    write_lines(tmp_path / "truth.jsonl", truth)
    write_json(tmp_path / "summary.json", {"name": "</script>room", "scores": score(results, truth)})
    return tmp_path


def test_report_is_one_file_that_loads_nothing(folder: Path) -> None:
    page = write_report(folder).read_text()
    assert "http" not in page.replace("http-equiv", "")
    assert "<link" not in page
    assert page.count("</script>") == 2


def test_latency_histogram_counts_every_sweep() -> None:
    encode, match = latency_histograms(room()[0])
    assert encode["stage"] == "encode"
    assert sum(encode["counts"]) == sum(match["counts"]) == 120
    assert encode["p50"] == 12


def test_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"results\.jsonl"):
        write_report(tmp_path)


def test_numbers_that_json_cannot_say_become_null(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": float("nan"), "b": [float("inf"), 1.0]})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": None, "b": [None, 1.0]}


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
@pytest.mark.parametrize("width", [390, 1920])
def test_report_draws_itself_in_a_browser(folder: Path, width: int) -> None:
    page = write_report(folder)
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-sync",
        "--disable-background-networking",
    ]
    profile = f"--user-data-dir={folder / f'profile{width}'}"
    size = f"--window-size={width},900"
    command = [str(BROWSER), *flags, profile, size, "--virtual-time-budget=3000", "--dump-dom", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert 'data-ready="yes"' in dom
    assert dom.count("<polyline") >= 3
    assert "right assignment" in dom
    assert "truth: p0" in dom
