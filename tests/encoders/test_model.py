import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from despite_ros.encoders import Encoders, load
from despite_ros.encoders.model import LARGEST_BATCH
from despite_ros.encoders.onnx import MOST_THREADS, open_session, resolve_threads
from despite_ros.errors import UserError
from tests.encoders.made_up_model import LABELS, WIDTH

CUDA_HERE = "CUDAExecutionProvider" in onnxruntime.get_available_providers()


@pytest.fixture
def copied(model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def test_auto_chooses_and_says_why(model_folder: Path) -> None:
    said: list[str] = []
    encoders = load(model_folder, say=said.append)
    assert encoders.provider in said[0]
    assert said[0].startswith("encoders made-up 1: ")
    if encoders.device == "cpu":
        assert "not tensorrt: " in said[0]
        assert "not cuda: " in said[0]


def test_the_cpu_is_said_without_excuses(model_folder: Path) -> None:
    said: list[str] = []
    assert load(model_folder, "cpu", say=said.append).device == "cpu"
    assert said == [f"encoders made-up 1: ONNX Runtime {onnxruntime.__version__} on the CPU"]


@pytest.mark.skipif(CUDA_HERE, reason="this ONNX Runtime has CUDA")
def test_cuda_that_is_not_there_is_no_silent_fall_back(model_folder: Path) -> None:
    with pytest.raises(UserError, match="pip install onnxruntime-gpu"):
        load(model_folder, "cuda")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_does_not_start_is_an_error(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where CUDA is offered and its libraries are missing: the session is on the CPU in silence."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    with pytest.raises(UserError, match="CUDAExecutionProvider"):
        load(model_folder, "cuda")


@pytest.mark.parametrize(
    ("device", "precision", "said"),
    [("tpu", "float16", "auto, tensorrt, cuda, cpu"), ("auto", "int8", "float16")],
)
def test_unknown_choices_are_listed(model_folder: Path, device: str, precision: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load(model_folder, device, precision=precision)


def test_a_damaged_model_is_not_loaded(copied: Path) -> None:
    with (copied / "points.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(UserError, match=r"points\.onnx: damaged"):
        load(copied)


def test_what_is_no_graph_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "points.onnx").write_bytes(b"not a graph")
    with pytest.raises(UserError, match=r"points\.onnx: ONNX Runtime cannot load it"):
        open_session(tmp_path / "points.onnx")


def test_no_thread_number_means_all_cores_within_reason() -> None:
    assert 1 <= resolve_threads(0) <= MOST_THREADS
    assert resolve_threads(7) == 7


def test_many_windows_go_through_in_batches(encoders: Encoders) -> None:
    windows = np.random.default_rng(0).normal(size=(LARGEST_BATCH + 3, 24, 48)).astype(np.float32)
    embeddings = encoders.imu(windows)
    assert embeddings.shape == (LARGEST_BATCH + 3, WIDTH)
    np.testing.assert_allclose(embeddings[-1], encoders.imu(windows[-1:])[0], atol=1e-6)
    assert encoders.imu(windows[:0]).shape == (0, WIDTH)


def test_wrong_shapes_are_named(encoders: Encoders) -> None:
    with pytest.raises(ValueError, match=r"expected B×\(24, 256, 3\), found \(2, 24, 128, 3\)"):
        encoders.points(np.zeros((2, 24, 128, 3), np.float32))


def test_activities_come_from_either_or_both(encoders: Encoders) -> None:
    rng = np.random.default_rng(0)
    points, imu = rng.normal(size=(2, 5, WIDTH)).astype(np.float32)
    for given in ((points, None), (None, imu), (points, imu)):
        probabilities = encoders.activity(*given)
        assert probabilities.shape == (5, len(LABELS))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
        scaled = [None if rows is None else 3 * rows for rows in given]
        np.testing.assert_allclose(encoders.activity(*scaled), probabilities, atol=1e-6)
    with pytest.raises(ValueError, match="embeddings of points, of IMUs, or of both"):
        encoders.activity(None, None)
