from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from despite_ros.errors import UserError
from despite_ros.simulation.skeleton import Span
from training.data.store import SequenceInfo, SequenceStore, StoreWriter
from training.networks import Despite
from training.tasks.recognition import (
    MODES,
    Classifier,
    LabelledWindows,
    RecognitionSettings,
    recognise,
    zero_shot,
)

FRAMES = 30


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> SequenceStore:
    """Three activities that differ in one channel; two sequences each to train and to test."""
    folder = tmp_path_factory.mktemp("store")
    rng = np.random.default_rng(0)
    with StoreWriter(folder) as writer:
        for number in range(12):
            kind = number % 3
            imu = 0.05 * rng.normal(size=(FRAMES, 48)).astype(np.float32)
            imu[:, kind] += 1
            group = "train" if number < 6 else "test"
            spans = (Span(0.0, 3.0, ("walk", "sit", "wave")[kind], ""),)
            info = SequenceInfo(f"s{number}", f"p{number}", "test", "", group, "made_up", 0, 0, (), spans)
            writer.add(info, imu=imu)
    return SequenceStore.open(folder)


@pytest.fixture(scope="module")
def model() -> Despite:
    torch.manual_seed(0)
    return Despite(("imu",), width=64)


@pytest.mark.parametrize("mode", MODES)
def test_separable_activities_are_learned(store: SequenceStore, model: Despite, mode: str) -> None:
    train = LabelledWindows.of(store.group("train"))
    test = LabelledWindows.of(store.group("test"), classes=train.classes)
    sets = {"train": train, "validate": test, "test": test}
    settings = RecognitionSettings(mode=mode, epochs=40, batch=8, rate=0.1, warm_up=1, drops=(30, 35))
    found = recognise(model, "imu", sets, settings)
    assert found["classes"] == ["sit", "walk", "wave"]
    assert found["accuracy"] > 0.9
    assert np.array(found["confusion"]).sum() == len(test.labels)


def test_frozen_encoder_stays_as_it_is_and_in_eval_mode(model: Despite) -> None:
    classifier = Classifier(model, "imu", 3, "linear").train()
    assert not classifier.encoder.training
    assert [name for name, value in classifier.named_parameters() if value.requires_grad] == [
        "head.weight",
        "head.bias",
    ]


def test_points_are_classified_from_the_pooled_features() -> None:
    classifier = Classifier(Despite(("points",), width=64), "points", 5, "fine_tuned")
    assert classifier(torch.randn(2, 24, 256, 3)).shape == (2, 5)
    assert classifier.head.in_features == 80


def test_from_scratch_forgets_the_pretrained_weights(model: Despite) -> None:
    scratch = Classifier(model, "imu", 3, "from_scratch")
    tuned = Classifier(model, "imu", 3, "fine_tuned")
    pairs = zip(scratch.encoder.parameters(), tuned.encoder.parameters(), strict=True)
    assert not any(torch.equal(a, b) for a, b in pairs)


def test_nearest_text_is_the_label(store: SequenceStore, model: Despite) -> None:
    class Taught:
        """Embeds a label as the model embeds the windows that have it."""

        width = 64

        def __call__(self, descriptions: Sequence[str]) -> Tensor:
            rows = np.zeros((len(descriptions), 24, 48), np.float32)
            for row, label in zip(rows, descriptions, strict=True):
                row[:, ("walk", "sit", "wave").index(label)] = 1
            return model.encode(imu=torch.from_numpy(rows))["imu"]

    test = LabelledWindows.of(store.group("test"))
    assert zero_shot(model, "imu", test, Taught())["accuracy"] > 0.9


def test_unlabelled_windows_are_said(store: SequenceStore, model: Despite) -> None:
    with pytest.raises(UserError, match="no labelled windows"):
        LabelledWindows.of(store, classes=("fly",))
