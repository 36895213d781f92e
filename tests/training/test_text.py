import sys

import pytest

from despite_ros.errors import UserError
from training.networks import Despite, text_encoder


def test_descriptions_of_like_spelling_lie_near() -> None:
    walking, walks, sits = text_encoder("ngrams", 256)(["A person is walking", "a person walks", "sits down"])
    assert float(walking @ walks) > 0.4 > 0.2 > abs(float(walking @ sits))
    assert float(walking @ walking) == pytest.approx(1.0, abs=1e-5)


def test_the_embedding_of_a_description_never_changes() -> None:
    (row,) = text_encoder("ngrams", 4)(["wave"])
    assert row.tolist() == pytest.approx([-0.3554, 0.5947, 0.5391, 0.4790], abs=1e-3)


def test_the_joint_model_encodes_text_beside_what_it_senses() -> None:
    model = Despite(("imu",), 32, text=text_encoder("ngrams", 32))
    assert model.modalities == ("imu", "text")
    assert model.encode(text=["walk", "sit", ""])["text"].shape == (3, 32)
    assert not any("text" in name for name in model.state_dict())
    with pytest.raises(UserError, match="make them equal"):
        Despite(("imu",), 16, text=text_encoder("ngrams", 32))


def test_clip_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match="pip install transformers"):
        text_encoder("clip", 512)


def test_an_unknown_text_encoder_is_an_error() -> None:
    with pytest.raises(UserError, match="known: clip, ngrams"):
        text_encoder("other", 512)
