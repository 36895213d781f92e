"""A simulated recording, a made-up model, and queries cut out of the recording itself."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from despite_ros.bags.writer import write_recording
from despite_ros.cli import main
from despite_ros.simulation.scene import random_scene
from tests.encoders.made_up_model import write_model

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model/ and recordings/room/."""
    folder = tmp_path_factory.mktemp("search")
    (folder / "model").mkdir()
    write_model(folder / "model")
    scene = random_scene(np.random.default_rng(3), 2, 1, 0, 6.0, "vlp16")
    write_recording(scene, folder / "recordings" / "room")
    return folder


def ask(folder: Path, capsys: Capture, *words: str) -> tuple[int, list[dict[str, Any]]]:
    status = main(["search", *words, "--model", str(folder / "model"), "--device", "cpu", "--json"])
    return status, json.loads(capsys.readouterr().out or '{"moments": []}')["moments"]


def test_a_wearers_moment_is_found_in_its_recording(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    room, figure = folder / "recordings" / "room", tmp_path / "curve.png"
    words = (str(room), "--query", f"{room}@2.0..4.5#alice", "--modality", "imu", "--figure", str(figure))
    status, moments = ask(folder, capsys, *words)
    assert status == 0
    assert moments[0]["who"] == "alice"
    assert moments[0]["similarity"] == pytest.approx(1.0, abs=1e-3)
    assert (moments[0]["start_s"], moments[0]["end_s"]) == pytest.approx((2.0, 4.5), abs=0.11)
    assert figure.stat().st_size > 5000


def test_an_index_answers_as_the_recordings_do(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("qdrant_client")
    model = ["--model", str(folder / "model"), "--device", "cpu"]
    assert main(["index", str(folder / "recordings"), "--out", str(tmp_path / "db"), *model]) == 0
    room = folder / "recordings" / "room"
    words = ("--query", f"{room}@2.0..4.5#alice")
    direct, indexed = (ask(folder, capsys, str(place), *words)[1] for place in (room, tmp_path / "db"))
    assert direct
    assert [item["end_ns"] for item in direct] == [item["end_ns"] for item in indexed]
    similarities = [[item["similarity"] for item in moments] for moments in (direct, indexed)]
    assert similarities[0] == pytest.approx(similarities[1], abs=1e-3)


def test_errors_say_what_would_be_right(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    room = str(folder / "recordings" / "room")
    model = ["--model", str(folder / "model"), "--device", "cpu"]
    assert main(["search", room, "--query", "none.csv", *model]) == 2
    assert "stamp_ns,limb,qx" in capsys.readouterr().err
    assert main(["search", room, "--query", "none.csv", "--modality", "skeleton", *model]) == 2
    assert "encodes points, imu" in capsys.readouterr().err
    assert main(["index", str(tmp_path), "--out", str(tmp_path / "db"), *model]) == 2
    assert "no recordings below it" in capsys.readouterr().err
