"""The models that this repository releases are whole."""

from pathlib import Path

import pytest

from despite_ros.encoders import load
from despite_ros.encoders.card import CARD, check_files, read_card
from despite_ros.encoders.check import TOLERANCE, streaming_differences
from despite_ros.resources import share

MODELS = sorted(path.parent for path in share("models").glob(f"*/{CARD}"))


@pytest.mark.parametrize("folder", MODELS, ids=[folder.name for folder in MODELS])
def test_a_released_model_is_whole_and_streams(folder: Path) -> None:
    card = read_card(folder)
    assert card.name == folder.name
    check_files(card, folder)
    assert max(streaming_differences(load(folder, "cpu", threads=1)).values()) <= TOLERANCE
