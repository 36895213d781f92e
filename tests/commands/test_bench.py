import json
from pathlib import Path

import numpy as np
import pytest

from despite_ros import bench
from despite_ros.cli import main
from despite_ros.encoders.floor import floor_ms, imu_operations, point_operations, sgemm_rates
from tests.encoders.made_up_model import write_model

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("bench"))


def test_the_floor_is_the_papers_arithmetic() -> None:
    """0.12 GFLOP a window of points and, of 24 steps, 0.16 GFLOP a window of IMU; width 512."""
    assert point_operations(512) == pytest.approx(0.12e9, rel=0.15)
    assert 24 * imu_operations(512) == pytest.approx(0.16e9, rel=0.05)
    assert floor_ms(2, 0, 512, 100.0) == pytest.approx(2 * point_operations(512) / 1e8)


def test_the_machines_rate_is_measured() -> None:
    assert all(rate > 0.1 for rate in sgemm_rates(1).values())


def test_every_cell_gets_its_row(model: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(bench, "WARM_UP", 29)
    monkeypatch.setattr(bench, "MEASURED", 3)
    monkeypatch.setattr(bench, "sgemm_rates", lambda threads: {"numpy": 10.0 * threads})
    words = ["bench", "--model", str(model), "--device", "cpu", "--people", "2", "--sensors", "vlp16"]
    assert main([*words, "--threads", "1", "2", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["complete"] and content["machine"]["cores"] > 0
    first, second = content["rows"]
    assert (first["threads"], second["threads"]) == (1, 2)
    for row in content["rows"]:
        assert {"imu", "windows", "encode", "match", "advance"} < row["stages"].keys()
        assert row["wearers"] == 2
        assert row["total"] > 0
        assert row["encode_to_floor"] == pytest.approx(
            row["stages"]["encode"] / row["floor_ms"], rel=0.05, abs=0.02
        )
    assert np.isclose(first["floor_ms"], 2 * second["floor_ms"], rtol=0.01)
    assert main([*words, "--threads", "1", "--limit", "-1"]) == 0
    assert "--limit gives more" in capsys.readouterr().out
