"""All of the TensorRT back end that needs no GPU: keys, cache, choice, errors, and the order of calls."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from despite_ros.encoders import load
from despite_ros.encoders.engine_cache import EngineCache, EngineKey, Profile, load_or_build
from despite_ros.encoders.tensorrt import TensorRtNetwork
from despite_ros.errors import UserError
from tests.encoders.fake_gpu import TensorRt, install

PROFILE = Profile((3, 2), largest=8, best=4)
KEY = EngineKey("ab12", "10.9", "12.8", "Fake 9000", "9.0", "float16", PROFILE)


@pytest.fixture
def tensorrt(monkeypatch: pytest.MonkeyPatch) -> TensorRt:
    return install(monkeypatch)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "points.onnx"
    path.write_bytes(b"graph")
    return path


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


@pytest.mark.parametrize("field", ["onnx_sha256", "tensorrt", "cuda", "gpu", "sm", "precision"])
def test_a_key_changes_with_every_field(field: str) -> None:
    changes: dict[str, Any] = {field: "other"}
    assert dataclasses.replace(KEY, **changes).digest != KEY.digest
    assert dataclasses.replace(KEY).digest == KEY.digest


def test_a_key_changes_with_the_profile() -> None:
    assert dataclasses.replace(KEY, profile=Profile((3, 2), largest=16)).digest != KEY.digest


@pytest.mark.parametrize(("batch", "bucket"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (8, 8)])
def test_batches_are_filled_up_to_powers_of_two(batch: int, bucket: int) -> None:
    assert PROFILE.bucket(batch) == bucket
    assert Profile((1,), largest=6).bucket(5) == 6


def test_the_cache_gives_back_what_was_written(cache: EngineCache) -> None:
    assert cache.read(KEY) is None
    cache.write(KEY, b"engine")
    assert cache.read(KEY) == b"engine"
    assert cache.read(dataclasses.replace(KEY, sm="8.6")) is None
    assert sorted(path.suffix for path in cache.folder.iterdir()) == [".json", ".plan"]
    cache.write(KEY, b"newer")
    assert cache.read(KEY) == b"newer"


def test_a_damaged_engine_or_description_counts_as_none(cache: EngineCache) -> None:
    cache.write(KEY, b"engine")
    plan, fields = cache.folder / f"{KEY.digest}.plan", cache.folder / f"{KEY.digest}.json"
    plan.write_bytes(b"engin")
    assert cache.read(KEY) is None
    plan.write_bytes(b"engine")
    fields.write_text(fields.read_text().replace("Fake 9000", "Fake 8000"))
    assert cache.read(KEY) is None
    fields.write_text("{")
    assert cache.read(KEY) is None


def test_an_engine_that_does_not_load_is_built_again(cache: EngineCache) -> None:
    cache.write(KEY, b"for another driver")
    found = load_or_build(cache, KEY, lambda plan: plan if plan == b"fresh" else None, lambda: b"fresh")
    assert found == cache.read(KEY) == b"fresh"
    with pytest.raises(UserError, match="cannot load it"):
        load_or_build(cache, KEY, lambda plan: None, lambda: b"fresh")


def test_the_cache_lies_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert EngineCache().folder == tmp_path / "despite" / "engines"


def test_batches_of_any_size_share_few_cuda_graphs(
    tensorrt: TensorRt, graph: Path, cache: EngineCache
) -> None:
    network = TensorRtNetwork(graph, PROFILE, "float16", cache)
    assert network.provider == "TensorRT 10.9.0.34 on Fake 9000, float16"
    rng = np.random.default_rng(0)
    for batch in (8, 3, 1, 4, 5, 3):
        windows = rng.normal(size=(batch, 3, 2)).astype(np.float32)
        sums = windows.sum(axis=(1, 2))
        np.testing.assert_allclose(network(windows), np.stack([sums, -sums], axis=1), atol=1e-5)
    assert len(tensorrt.cuda.graphs) == 3  # buckets 8, 4, 1


def test_an_engine_that_cannot_be_captured_runs_without_a_graph(
    tensorrt: TensorRt, graph: Path, cache: EngineCache
) -> None:
    tensorrt.cuda.records = False
    network = TensorRtNetwork(graph, PROFILE, "float16", cache)
    for value in (1.0, 2.0):
        assert network(np.full((1, 3, 2), value, np.float32)).tolist() == [[6 * value, -6 * value]]
    assert not tensorrt.cuda.graphs


def test_results_outlive_the_next_batch(tensorrt: TensorRt, graph: Path, cache: EngineCache) -> None:
    network = TensorRtNetwork(graph, PROFILE, "float16", cache)
    first = network(np.ones((1, 3, 2), np.float32))
    network(np.zeros((1, 3, 2), np.float32))
    assert first.tolist() == [[6.0, -6.0]]


def test_an_engine_is_built_once_with_its_profile(
    tensorrt: TensorRt, graph: Path, cache: EngineCache
) -> None:
    for _ in range(2):
        TensorRtNetwork(graph, PROFILE, "float16", cache)
    assert tensorrt.built == [
        {"shapes": {"windows": ((1, 3, 2), (4, 3, 2), (8, 3, 2))}, "flags": set(), "timing": b""}
    ]
    graph.write_bytes(b"another graph")
    TensorRtNetwork(graph, PROFILE, "float16", cache)
    assert len(tensorrt.built) == 2
    assert tensorrt.built[1]["timing"] == b"+"  # what the first build measured


def test_a_graph_that_tensorrt_does_not_take_is_named(
    tensorrt: TensorRt, graph: Path, cache: EngineCache
) -> None:
    graph.write_bytes(b"unsupported")
    with pytest.raises(UserError, match=r"points\.onnx: .*node 7: no"):
        TensorRtNetwork(graph, PROFILE, "float16", cache)


@pytest.mark.parametrize("version", ["8.6.1", "10.0.1", "12.0"])
def test_other_versions_are_refused(monkeypatch: pytest.MonkeyPatch, graph: Path, version: str) -> None:
    install(monkeypatch, version)
    with pytest.raises(UserError, match=rf"found TensorRT {version}, needs 10\.1 to 11\.x"):
        TensorRtNetwork(graph, PROFILE, "float16")


def test_no_gpu_is_a_user_error(monkeypatch: pytest.MonkeyPatch, graph: Path) -> None:
    install(monkeypatch, devices=0)
    with pytest.raises(UserError, match=r"cudaGetDeviceCount failed.*GPU"):
        TensorRtNetwork(graph, PROFILE, "float16")


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch, model_folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(UserError, match="pip install tensorrt cuda-python"):
        load(model_folder, "tensorrt", precision="float32")


def test_auto_takes_tensorrt_where_it_works(
    tensorrt: TensorRt, model_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said: list[str] = []
    encoders = load(model_folder, precision="float32", say=said.append)
    assert encoders.device == "tensorrt"
    assert said == ["encoders made-up 1: TensorRT 10.9.0.34 on Fake 9000, float32"]
