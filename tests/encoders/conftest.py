from pathlib import Path

import pytest

from despite_ros.encoders import Encoders, load
from tests.encoders.made_up_model import write_model


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("made-up"))


@pytest.fixture(scope="session")
def encoders(model_folder: Path) -> Encoders:
    return load(model_folder, device="cpu", threads=1)
