"""The demo from end to end, short: simulator, player, both nodes and recorder in processes of their own."""

import json
from pathlib import Path

import pytest

from despite_ros.bags.reader import Recording
from despite_ros.bags.results import read_lines
from despite_ros.cli import main
from despite_ros.commands.demo import final_verdict
from despite_ros.resources import share

pytestmark = pytest.mark.ros


@pytest.mark.skipif(not share("models", "despite-pi", "card.yaml").exists(), reason="no released model")
def test_a_short_scene_leaves_report_and_recording(
    tmp_path: Path, domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    out = tmp_path / "demo"
    words = ["--seconds", "6", "--people", "2", "--wearers", "1", "--sensor", "vlp16", "--device", "cpu"]
    assert main(["demo", "--out", str(out), *words]) in (0, 1)  # too short for an opinion
    lines = list(read_lines(out / "results.jsonl"))
    assert lines
    assert {item["wearer"] for item in lines[-1]["assignments"]} == {"alice", "carol"}
    assert {"frames", "drops", "scores", "model_sha256"} <= set(
        json.loads((out / "summary.json").read_text())
    )
    assert "<html" in (out / "report.html").read_text()
    with Recording(out / "recording") as recording:
        assert {"/lidar/points", "/despite/people", "/alice/left_shank/imu"} <= set(recording.topics)
        assert recording.topics["/despite/people"][1] >= len(lines)


def test_the_verdict_is_that_of_the_last_sweep() -> None:
    people = [
        {"name": "alice", "wearer": "alice", "x": 1.0, "y": 0.0, "z": 1.0, "points": 99, "activity": "walk"}
    ]
    truth = [{"stamp_ns": stamp, "people": people} for stamp in (0, 10**8)]
    lines = [line(0, 5), line(10**8, 4)]
    assert final_verdict(lines, truth) == {"alice": True, "bob": True}
    assert final_verdict(lines[:1], truth) == {"alice": False, "bob": True}
    assert final_verdict([], truth) == {}


def line(stamp_ns: int, alice: int) -> dict[str, object]:
    """Track 4 is on alice, track 5 is on nobody; bob is not there and not named."""
    tracks = [{"track_id": 4, "x": 1.1, "y": 0.0}, {"track_id": 5, "x": 6.0, "y": 3.0}]
    named = {"alice": alice, "bob": -1}
    return {
        "stamp_ns": stamp_ns,
        "people": [{**track, "z": 1.0, "activity": None} for track in tracks],
        "assignments": [
            {
                "wearer": name,
                "track_id": track,
                "confidence": 0.9,
                "state": "assigned" if track >= 0 else "absent",
            }
            for name, track in named.items()
        ],
    }
