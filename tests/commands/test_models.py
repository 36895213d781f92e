import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from despite_ros.cli import main
from tests.encoders.made_up_model import write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small"
    folder.mkdir()
    return write_model(folder)


def test_list_names_models_and_what_they_encode(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model.parent / "notes").mkdir(exist_ok=True)
    assert main(["models", "list", "--folder", str(model.parent)]) == 0
    said = capsys.readouterr().out
    assert "made-up" in said
    assert "points, imu" in said
    assert "notes" not in said


def test_list_of_no_models_says_where_it_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--folder", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_check_passes_a_whole_model(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "check", str(model)]) == 0
    said = capsys.readouterr().out
    assert "4 files are those of the card" in said
    assert "imu: streaming differs" in said


def test_check_names_a_damaged_file(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = Path(shutil.copytree(model, tmp_path / "damaged"))
    (damaged / "imu.onnx").write_bytes(b"")
    assert main(["models", "check", str(damaged)]) == 2
    assert "imu.onnx: damaged" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("tensorrt") is not None, reason="TensorRT is installed")
def test_build_without_tensorrt_says_what_to_install(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "build", str(model), "--precision", "float32"]) == 2
    assert "tensorrt" in capsys.readouterr().err
