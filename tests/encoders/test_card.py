from pathlib import Path

import pytest

from despite_ros.encoders.card import (
    CHANNEL_NAMES,
    Calibration,
    Card,
    check_files,
    find_model,
    read_card,
    write_card,
)
from despite_ros.errors import UserError

CARD = Card(
    name="small",
    version="2",
    width=3,
    labels=("walk", "sit"),
    text_embeddings={"walk": (0.0, 1.0, 0.5)},
    similarity=Calibration(scale=7.5, bias=-2.0),
    training_data={"CMU": "1 h"},
    measured={"matching": {"8 people": 0.9}},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "points.onnx").write_bytes(b"graph")
    (tmp_path / "imu.onnx").write_bytes(b"another")
    write_card(CARD, tmp_path)
    return tmp_path


def test_reads_what_was_written(folder: Path) -> None:
    card = read_card(folder)
    assert set(card.files) == {"points.onnx", "imu.onnx"}
    assert (card.similarity, card.text_embeddings, card.labels) == (
        CARD.similarity,
        CARD.text_embeddings,
        CARD.labels,
    )
    assert (card.measured, card.channels, card.rate) == (CARD.measured, CHANNEL_NAMES, 10.0)
    check_files(card, folder)


def test_channels_are_four_matrices_then_four_accelerations() -> None:
    assert len(CHANNEL_NAMES) == 48
    assert CHANNEL_NAMES[0] == "left_shank.r00"
    assert CHANNEL_NAMES[35:37] == ("right_forearm.r22", "left_shank.ax")


def test_a_damaged_file_is_named(folder: Path) -> None:
    (folder / "imu.onnx").write_bytes(b"anothex")
    check_files(read_card(folder), folder, ["points.onnx"])
    with pytest.raises(UserError, match=r"imu\.onnx: damaged"):
        check_files(read_card(folder), folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "imu.onnx").unlink()
    with pytest.raises(UserError, match=r"imu\.onnx: missing"):
        check_files(read_card(folder), folder)
    with pytest.raises(UserError, match=r"other\.onnx: not among"):
        check_files(read_card(folder), folder, ["other.onnx"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x", r"missing \['files', 'version', 'width'\]"),
        ("name: x\nversion: 1\nwidth: 3\nfiles: {}\ncolour: red", r"unknown \['colour'\]"),
        ("name: x\nversion: 1\nwidth: wide\nfiles: {}", "wide"),
        ("name: x\nversion: 1\nwidth: 3\nfiles: {}\nframes: 12", "takes 12"),
        ("[1, 2]", "expected a mapping"),
        ("name: x\nversion: 1\nwidth: 3\nfiles: 7", "card.yaml"),
        ("name: x\nversion: 1\nwidth: 3\nfiles: {}\nsimilarity: {scale: 1}", "bias"),
    ],
)
def test_a_bad_card_is_a_user_error(folder: Path, text: str, said: str) -> None:
    (folder / "card.yaml").write_text(text)
    with pytest.raises(UserError, match=said):
        read_card(folder)


def test_a_model_is_found_by_folder_or_by_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_model(folder) == folder
    monkeypatch.setattr("despite_ros.encoders.card.share", lambda part: tmp_path.parent)
    assert find_model(folder.name) == folder
    with pytest.raises(UserError, match="no model 'nothing'"):
        find_model("nothing")
    with pytest.raises(UserError, match=r"card\.yaml is missing"):
        read_card(tmp_path.parent)
