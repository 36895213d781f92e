"""Activity recognition from one modality (DeSPITE, section 4.4, Table 3).

Zero-shot from text; a linear or non-linear probe on a frozen encoder; fine-tuning; the same from
scratch. For points the embedding head is replaced: the 80 pooled features are classified. Accuracy
is given per window and per sequence (summed softmax of its windows, the "video accuracy").
"""

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from despite_ros.arrays import DoubleArray, IntArray
from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES
from training.data.batches import LABEL_FRAME, gather
from training.data.store import SequenceStore, Windows
from training.networks import Despite, TextEncoder

MODES = ("linear", "non_linear", "fine_tuned", "from_scratch")
HIDDEN = 256
DROPOUT = 0.1


@dataclass(frozen=True)
class RecognitionSettings:
    """The authors' protocol: SGD, linear warm-up per iteration, ×0.1 at two epochs."""

    mode: str = "linear"
    epochs: int = 35
    batch: int = 24
    rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warm_up: int = 10  # epochs
    drops: tuple[int, int] = (20, 30)  # epochs
    seed: int = 0


@dataclass(frozen=True)
class LabelledWindows:
    """Windows of a store with a label each. labels: M, index into `classes`."""

    store: SequenceStore
    windows: Windows
    labels: IntArray
    classes: tuple[str, ...]

    @classmethod
    def of(
        cls, store: SequenceStore, stride: int = 1, classes: Sequence[str] = (), frame: int = LABEL_FRAME
    ) -> "LabelledWindows":
        """The windows whose frame number `frame` has a label, of `classes` only where those are given.

        Raises:
            UserError: no labelled window.
        """
        every = store.windows(stride)
        names = [
            store.sequences[sequence].label_at(int(start) + frame)
            for sequence, start in zip(every.sequence, every.start, strict=True)
        ]
        known = tuple(classes) or tuple(sorted(set(names) - {""}))
        keep = [i for i, name in enumerate(names) if name in known]
        if not keep:
            raise UserError(f"no labelled windows of {FRAMES} frames among {len(store)} sequences")
        labels = np.array([known.index(names[i]) for i in keep])
        return cls(store, Windows(every.sequence[keep], every.start[keep]), labels, known)


class Classifier(nn.Module):
    """An encoder of one modality with a classifier on top; a frozen encoder stays in eval mode."""

    def __init__(self, model: Despite, modality: str, classes: int, mode: str) -> None:
        super().__init__()
        encoders = {"points": "pointcloud_encoder", "imu": "imu_encoder", "skeleton": "skeleton_encoder"}
        self.encoder = copy.deepcopy(getattr(model, encoders[modality]))
        self.modality = modality
        self.frozen = mode in ("linear", "non_linear")
        if mode == "from_scratch":
            self.encoder.apply(_start_anew)
        features = self.encoder.head[0].in_features if modality == "points" else model.width
        self.head = _head(features, classes, mode)
        self.encoder.requires_grad_(not self.frozen)

    def features(self, windows: Tensor) -> Tensor:
        """What is classified: B×80 for points, B×E otherwise."""
        if self.modality == "points":
            return self.encoder.features(windows)  # type: ignore[no-any-return]
        return self.encoder(windows)  # type: ignore[no-any-return]

    def forward(self, windows: Tensor) -> Tensor:
        """Windows of the modality → logits B×classes."""
        return self.head(self.features(windows))  # type: ignore[no-any-return]

    def train(self, mode: bool = True) -> "Classifier":
        """As nn.Module's, but a frozen encoder is never put in train mode."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self


def recognise(
    model: Despite, modality: str, sets: Mapping[str, LabelledWindows], settings: RecognitionSettings
) -> dict[str, Any]:
    """Train a classifier on `sets["train"]` and test it on "validate" and "test" after every epoch.

    Returns accuracies on "test": of the last epoch, of the one that is best on "validate", and of the best
    (which nobody could have chosen); per label and with the confusion matrix (rows truth, columns found) of
    the last.
    """
    if settings.mode not in MODES:
        raise UserError(f"unknown mode '{settings.mode}'; known: {', '.join(MODES)}")
    torch.manual_seed(settings.seed)
    train, started = sets["train"], time.process_time()
    classifier = Classifier(model, modality, len(train.classes), settings.mode)
    rng = np.random.default_rng(settings.seed)
    learner = _Learner(classifier, modality, sets, settings)
    history: dict[str, list[dict[str, Any]]] = {"validate": [], "test": []}
    for _ in tqdm(range(settings.epochs), desc=settings.mode, unit="epochs", mininterval=5):
        learner.epoch(rng)
        for name, measured in history.items():
            measured.append(learner.test(name))
    chosen = int(np.argmax([item["video_accuracy"] for item in history["validate"]]))
    last, best = history["test"][-1], history["test"][chosen]
    return {
        "mode": settings.mode,
        "modality": modality,
        "classes": list(train.classes),
        **{f"{name}_windows": len(part.labels) for name, part in sets.items()},
        "cpu_seconds": round(time.process_time() - started),
        "accuracy": last["accuracy"],
        "video_accuracy": last["video_accuracy"],
        "chosen_epoch": chosen + 1,
        "chosen_epoch_accuracy": best["accuracy"],
        "chosen_epoch_video_accuracy": best["video_accuracy"],
        "best_epoch_accuracy": max(item["accuracy"] for item in history["test"]),
        "best_epoch_video_accuracy": max(item["video_accuracy"] for item in history["test"]),
        "per_label": last["per_label"],
        "confusion": last["confusion"],
    }


@torch.no_grad()
def zero_shot(model: Despite, modality: str, test: LabelledWindows, text: TextEncoder) -> dict[str, Any]:
    """Recognise by the nearest of the labels' text embeddings, of the encoder that the model learned with."""
    model.eval()
    prompts = F.normalize(text(test.classes), dim=1)
    scores = []
    for begin in range(0, len(test.labels), 64):
        given: dict[str, Any] = {
            modality: _inputs(test, np.arange(begin, min(begin + 64, len(test.labels))), modality)
        }
        rows = F.normalize(model.encode(**given)[modality], dim=1)
        scores.append((rows @ prompts.T).softmax(dim=1))
    return measure(torch.cat(scores).numpy().astype(np.float64), test)


def measure(probabilities: DoubleArray, test: LabelledWindows) -> dict[str, Any]:
    """Accuracies and confusion matrix of M×classes probabilities."""
    found, classes = probabilities.argmax(axis=1), len(test.classes)
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (test.labels, found), 1)
    sums: dict[tuple[int, int], DoubleArray] = {}
    for sequence, label, row in zip(test.windows.sequence, test.labels, probabilities, strict=True):
        key = (int(sequence), int(label))
        sums[key] = sums.get(key, np.zeros(classes)) + row
    totals = confusion.sum(axis=1)
    return {
        "accuracy": float((found == test.labels).mean()),
        "video_accuracy": float(np.mean([row.argmax() == label for (_, label), row in sums.items()])),
        "per_label": {
            name: float(confusion[i, i] / totals[i]) for i, name in enumerate(test.classes) if totals[i]
        },
        "confusion": confusion.tolist(),
    }


class _Learner:
    """One training run. A frozen encoder's features are computed once."""

    def __init__(
        self,
        classifier: Classifier,
        modality: str,
        sets: Mapping[str, LabelledWindows],
        settings: RecognitionSettings,
    ) -> None:
        self._classifier, self._modality, self._settings = classifier, modality, settings
        self._sets = sets
        self._features = {
            name: _features(classifier, part, modality)
            for name, part in self._sets.items()
            if classifier.frozen
        }
        trained = [value for value in classifier.parameters() if value.requires_grad]
        self._optimizer = torch.optim.SGD(
            trained, settings.rate, settings.momentum, weight_decay=settings.weight_decay
        )
        self._steps_per_epoch = -(-len(sets["train"].labels) // settings.batch)
        self._step = 0

    def epoch(self, rng: np.random.Generator) -> None:
        """One pass over the training windows."""
        self._classifier.train()
        labels = torch.from_numpy(self._sets["train"].labels)
        order = rng.permutation(len(labels))
        for begin in range(0, len(order), self._settings.batch):
            chosen = order[begin : begin + self._settings.batch]
            for group in self._optimizer.param_groups:
                group["lr"] = self._settings.rate * self._factor()
            loss = F.cross_entropy(self._logits("train", chosen), labels[chosen])
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._step += 1

    @torch.no_grad()
    def test(self, name: str) -> dict[str, Any]:
        """Figures on the windows of a set."""
        self._classifier.eval()
        test = self._sets[name]
        parts = np.array_split(np.arange(len(test.labels)), -(-len(test.labels) // 64))
        probabilities = torch.cat([self._logits(name, part).softmax(dim=1) for part in parts])
        return measure(probabilities.numpy().astype(np.float64), test)

    def _logits(self, name: str, chosen: IntArray) -> Tensor:
        if name in self._features:
            return self._classifier.head(self._features[name][chosen])  # type: ignore[no-any-return]
        return self._classifier(_inputs(self._sets[name], chosen, self._modality))  # type: ignore[no-any-return]

    def _factor(self) -> float:
        epoch = self._step / self._steps_per_epoch
        warm = min(1.0, (self._step + 1) / (self._settings.warm_up * self._steps_per_epoch))
        return warm * 0.1 ** sum(epoch >= drop for drop in self._settings.drops)


@torch.no_grad()
def _features(classifier: Classifier, part: LabelledWindows, modality: str) -> Tensor:
    classifier.eval()
    chunks = np.array_split(np.arange(len(part.labels)), -(-len(part.labels) // 64))
    return torch.cat([classifier.features(_inputs(part, chunk, modality)) for chunk in chunks])


def _inputs(part: LabelledWindows, chosen: IntArray, modality: str) -> Tensor:
    windows = Windows(part.windows.sequence[chosen], part.windows.start[chosen])
    return torch.from_numpy(getattr(gather(part.store, windows, (modality,)), modality))


def _head(features: int, classes: int, mode: str) -> nn.Module:
    if mode != "non_linear":
        return nn.Linear(features, classes)
    layers = [nn.LayerNorm(features), nn.Linear(features, HIDDEN), nn.GELU(), nn.Dropout(DROPOUT)]
    return nn.Sequential(*layers, nn.Linear(HIDDEN, classes))


def _start_anew(module: nn.Module) -> None:
    reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
    if reset is not None:
        reset()
