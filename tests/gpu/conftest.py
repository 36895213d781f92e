from pathlib import Path

import pytest

from despite_ros.encoders import Encoders, load
from despite_ros.encoders.cuda import Cuda
from despite_ros.encoders.tensorrt import import_tensorrt
from despite_ros.errors import UserError


@pytest.fixture(scope="session", autouse=True)
def gpu() -> str:
    """The GPU's name; all tests here are skipped without one."""
    try:
        import_tensorrt()
        name: str = Cuda().gpu
        return name
    except UserError as error:
        pytest.skip(f"needs TensorRT and an NVIDIA GPU: {error}")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A released model with random weights, in full size."""
    torch = pytest.importorskip("torch")
    from training.checkpoints import Checkpoint
    from training.export import export
    from training.networks import Despite

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "random"
    export(Checkpoint(Despite(("points", "imu")).eval()), folder)
    return folder


@pytest.fixture(scope="session")
def reference(model_folder: Path) -> Encoders:
    """The same model in ONNX Runtime on the CPU."""
    return load(model_folder, "cpu")
