"""`despite doctor` says what is wrong and what would mend it."""

import json
from pathlib import Path

import pytest

from despite_ros import doctor
from despite_ros.cli import main
from despite_ros.doctor import Verdict, examine, topics


def test_everything_bad_has_a_remedy() -> None:
    findings = examine(seconds=0.0)
    assert {"despite", "libraries", "ROS 2", "DDS", "shared memory", "GPU"} <= {
        item.what for item in findings
    }
    assert all(finding.remedy for finding in findings if finding.verdict == Verdict.BAD)


def test_a_damaged_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "card.yaml").write_text("name: broken")
    monkeypatch.setattr(doctor, "share", lambda *_: tmp_path)
    found = next(item for item in examine(seconds=0.0) if item.what == "model broken")
    assert found.verdict == Verdict.BAD and "card.yaml" in found.remedy


def test_topics_are_judged_by_rate_and_missing_ones_named(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = pytest.importorskip("despite_ros.nodes.listing", reason="needs ROS 2")
    cloud, imu = "sensor_msgs/msg/PointCloud2", "sensor_msgs/msg/Imu"
    there = [
        listing.SensorTopic("/points", cloud, 1, "reliable", 10.0),
        listing.SensorTopic("/slow", cloud, 1, "reliable", 2.0),
        listing.SensorTopic("/dead", imu, 1, "best_effort", 0.0),
    ]
    monkeypatch.setattr(listing, "sensor_topics", lambda seconds: there)
    found = {item.what: item for item in topics(1.0, ["/dead", "/forgotten"])}
    assert found["/points"].verdict == Verdict.GOOD and "10.0 Hz" in found["/points"].found
    assert "8 Hz" in found["/slow"].remedy and "driver" in found["/dead"].remedy
    assert found["/forgotten"].verdict == Verdict.BAD and "not published" in found["/forgotten"].found


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor", "--seconds", "0", "--json"])
    findings = json.loads(capsys.readouterr().out)
    assert status == int(any(item["verdict"] == "bad" for item in findings))
    assert all({"what", "found", "verdict", "remedy"} == set(item) for item in findings)
