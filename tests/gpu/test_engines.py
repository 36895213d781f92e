"""TensorRT engines and CUDA against ONNX Runtime on the CPU, and how long each takes."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from despite_ros.arrays import FloatArray
from despite_ros.encoders import Encoders, load
from despite_ros.encoders.streaming import ImuStream, PointStream
from despite_ros.limbs import FRAMES
from despite_ros.motion.sampling import make_crop

pytestmark = pytest.mark.gpu
BATCHES = (1, 3, 16, 64)
LIMITS = {"float32": 1e-3, "float16": 2e-2}  # of an embedding's entry


@pytest.fixture(scope="module", params=LIMITS)
def engines(
    request: pytest.FixtureRequest, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Encoders, float]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        built = load(model_folder, "tensorrt", precision=request.param)
        load(model_folder, "tensorrt", precision=request.param)  # from the cache
    return built, LIMITS[request.param]


def windows(batch: int) -> dict[str, FloatArray]:
    rng = np.random.default_rng(batch)
    clouds = rng.normal(size=(batch * FRAMES, 300, 3)) * [0.2, 0.2, 0.5]
    crops = np.stack([make_crop(cloud.astype(np.float32)) for cloud in clouds])
    imu = rng.normal(size=(batch, FRAMES, 48)).astype(np.float32)
    return {"points": crops.reshape(batch, FRAMES, 256, 3), "imu": imu}


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("modality", ["points", "imu"])
def test_engines_equal_onnx_runtime(
    engines: tuple[Encoders, float], reference: Encoders, modality: str, batch: int
) -> None:
    built, limit = engines
    given = windows(batch)[modality]
    expected = getattr(reference, modality)(given)
    np.testing.assert_allclose(getattr(built, modality)(given), expected, rtol=0, atol=limit)
    times = {
        encoders.provider: least_ms(getattr(encoders, modality), given) for encoders in (built, reference)
    }
    print(f"{modality}, {batch} windows: " + ", ".join(f"{name} {ms:.2f} ms" for name, ms in times.items()))


def test_streams_run_on_engines(engines: tuple[Encoders, float]) -> None:
    built, limit = engines
    given = windows(2)
    points, imu = PointStream(built), ImuStream(built)
    for frame in range(FRAMES):
        points.push([4, 9], given["points"][:, frame])
        imu.push([0, 1], given["imu"][:, frame])
    np.testing.assert_allclose(points.embeddings().rows, built.points(given["points"]), rtol=0, atol=limit)
    np.testing.assert_allclose(imu.embeddings().rows, built.imu(given["imu"]), rtol=0, atol=limit)


@pytest.mark.skipif(
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers(), reason="needs onnxruntime-gpu"
)
@pytest.mark.parametrize("modality", ["points", "imu"])
def test_cuda_equals_the_cpu(model_folder: Path, reference: Encoders, modality: str) -> None:
    given = windows(5)[modality]
    found = getattr(load(model_folder, "cuda"), modality)(given)
    np.testing.assert_allclose(found, getattr(reference, modality)(given), rtol=0, atol=LIMITS["float32"])


def least_ms(encode: Callable[[FloatArray], FloatArray], given: FloatArray, repeats: int = 20) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        encode(given)
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)
