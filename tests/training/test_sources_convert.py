"""Converting: resuming, reporting, command line, and the size of a store."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from despite_ros.config import setting
from despite_ros.errors import UserError
from training.data import convert
from training.data.sources import SOURCES
from training.data.sources.base import Item, Record, Skip, Source, sequence_info
from training.data.store import SequenceStore


@dataclass(frozen=True)
class Made(Source):
    """Sequences of zeros; number 2 cannot be read, 4 is malformed, 5 has an IMU of another length."""

    count: int = setting(4, "how many", 1, 100)
    frames: int = setting(30, "how long", 1)

    def items(self) -> Iterator[Item | Skip]:
        """All."""
        yield Skip("notes", "notes.txt", "no recording")
        for i in range(self.count):
            yield Item(f"made/{i}", f"{i}.bin", i)

    def read(self, item: Item) -> Record:
        """One."""
        if item.payload == 2:
            raise UserError("no frames")
        if item.payload == 4:
            raise KeyError("imu_ori")
        points = np.zeros((self.frames, self.points, 3), np.float32)
        imu = np.zeros((self.frames - 1, 48), np.float32) if item.payload == 5 else None
        return Record(sequence_info(item.name, "anna", "made", "MIT", "train"), points, imu)


def test_what_is_left_out_is_told_with_its_reason(tmp_path: Path) -> None:
    reasons = convert.convert(Made(tmp_path), tmp_path / "store", 1)
    assert reasons == {"no recording": 1, "no frames": 1}
    lines = [json.loads(line) for line in (tmp_path / "store" / "skipped.jsonl").read_text().splitlines()]
    assert lines[1] == {"name": "made/2", "file": "2.bin", "reason": "no frames"}


def test_wrong_files_stop_nothing(tmp_path: Path) -> None:
    reasons = convert.convert(Made(tmp_path, count=7), tmp_path / "store", 1)
    assert "malformed: KeyError: 'imu_ori'" in reasons
    assert "made/5: imu has shape (29, 48), expected (30, 48)" in reasons
    store = SequenceStore.open(tmp_path / "store")
    assert [item.info.first for item in store.sequences] == [0, 30, 60, 90]


def test_a_second_run_makes_only_what_is_missing(tmp_path: Path) -> None:
    out = tmp_path / "store"
    convert.convert(Made(tmp_path), out, 1, every=2)
    before = (out / "crops.i16").stat().st_size
    convert.convert(Made(tmp_path), out, 1)
    convert.convert(Made(tmp_path), out, 1)
    assert [item.info.name for item in SequenceStore.open(out).sequences] == ["made/1", "made/3", "made/0"]
    assert (out / "crops.i16").stat().st_size == before * 3 / 2


def test_half_a_million_windows_take_less_than_two_gigabytes(tmp_path: Path) -> None:
    """Windows are views: a store grows by frames, and each sequence has 23 frames more than windows."""
    convert.convert(Made(tmp_path, count=1), tmp_path / "store", 1)
    files = [tmp_path / "store" / name for name in ("crops.i16", "imu.f32", "joints.f32")]
    frame = sum(file.stat().st_size for file in files) / 30
    assert frame == 256 * 3 * 2 + 48 * 4 + 24 * 3 * 4 == 2016
    sequences = 500_000 // 100  # of 10 s, far shorter than the data sets' own
    assert (500_000 + 23 * sequences) * frame < 1.3e9


def test_the_command_line_tells_errors_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in SOURCES:
        assert convert.main([name, str(tmp_path / "nothing"), "--out", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err.count("\n") <= 2
    with pytest.raises(SystemExit):
        convert.main(["nonsense"])
    options = ["--version", "3", "--out", str(tmp_path / "x")]
    assert convert.main(["lipd", str(tmp_path), *options]) == 2
    assert "must lie in [1, 2]" in capsys.readouterr().err


def test_the_summary_counts_windows_and_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SOURCES, "made", Made)
    assert convert.main(["made", "x", "--out", str(tmp_path), "--workers", "1", "--frames", "26"]) == 0
    out = capsys.readouterr().out
    assert "3 sequences (3 train), 9 windows" in out
    assert "1 × no frames" in out
