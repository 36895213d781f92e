"""Fit a released model's activity heads anew, its encoders staying as they are.

`python -m training.fit_heads models/NAME --data STORE...` embeds windows of the stores' group `train`, varied
as in training, and fits a logistic regression a head. Labels weigh by the inverse square root of how often
they occur. Regularisation and temperature are those with the best log-likelihood on the group `validate`.
Writes heads.safetensors and, into the card, the command with the accuracies on `validate`.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import normalize
from tqdm import tqdm

from despite_ros.activities import ACTIVITIES
from despite_ros.arrays import DoubleArray, FloatArray, IntArray
from despite_ros.encoders.card import read_card, write_card
from training.checkpoints import HEADS, read
from training.command import command
from training.data.augment import NONE, AugmentSettings
from training.data.batches import augment, gather
from training.data.store import SequenceStore, Windows
from training.facts import command_line
from training.heads import SENSED
from training.networks import Despite
from training.tasks.recognition import LabelledWindows, measure

LABEL_FRAME = 18  # of a window's 24: between the middle, which it shows best, and now, which is asked for
REGULARISATIONS = (3.0, 10.0, 30.0, 100.0)  # scikit-learn's C
ITERATIONS = 200
NEVER = -20.0  # bias of a label that nobody showed
BATCH = 64

Rows = Mapping[str, FloatArray]


@dataclass(frozen=True)
class Head:
    """weight: L×E. bias: L. temperature: what they were divided by."""

    weight: DoubleArray
    bias: DoubleArray
    temperature: float = 1.0

    def log_probabilities(self, rows: FloatArray) -> DoubleArray:
        """M×E → M×L."""
        return np.asarray(log_softmax(rows @ self.weight.T + self.bias, axis=1))


@torch.no_grad()
def embed(model: Despite, given: LabelledWindows, settings: AugmentSettings, seed: int = 0) -> Rows:
    """{head: M×E normalised embeddings of the windows}; `both` M×2E."""
    rng = np.random.default_rng(seed)
    parts: dict[str, list[FloatArray]] = {name: [] for name in SENSED}
    for begin in tqdm(range(0, len(given.labels), BATCH), desc="embedding", mininterval=5):
        rows = slice(begin, begin + BATCH)
        windows = Windows(given.windows.sequence[rows], given.windows.start[rows])
        batch = augment(gather(given.store, windows, SENSED), settings, rng)
        inputs: dict[str, Any] = {name: torch.from_numpy(getattr(batch, name)) for name in SENSED}
        for name, found in model.encode(**inputs).items():
            parts[name].append(normalize(found, dim=1).numpy())
    points, imu = (np.concatenate(parts[name]) for name in SENSED)
    return {"points": points, "imu": imu, "both": np.concatenate([points, imu], axis=1)}


def fit_head(train: FloatArray, labels: IntArray, validate: FloatArray, truth: IntArray) -> Head:
    """The head with the best log-likelihood on `validate`, tempered."""
    heads = [_tempered(_regression(train, labels, c), validate, truth) for c in REGULARISATIONS]
    return min(heads, key=lambda head: _loss(head, validate, truth))


def _regression(rows: FloatArray, labels: IntArray, regularisation: float) -> Head:
    weights = (len(labels) / np.bincount(labels, minlength=len(ACTIVITIES)).clip(1)) ** 0.5
    fitted = LogisticRegression(C=regularisation, max_iter=ITERATIONS).fit(
        rows, labels, sample_weight=weights[labels] / weights[labels].mean()
    )
    weight = np.zeros((len(ACTIVITIES), rows.shape[1]))
    bias = np.full(len(ACTIVITIES), NEVER)
    weight[fitted.classes_], bias[fitted.classes_] = fitted.coef_, fitted.intercept_
    return Head(weight, bias)


def _tempered(head: Head, rows: FloatArray, truth: IntArray) -> Head:
    def divided(logarithm: float) -> Head:
        temperature = float(np.exp(logarithm))
        return Head(head.weight / temperature, head.bias / temperature, temperature)

    found = minimize_scalar(lambda t: _loss(divided(t), rows, truth), bounds=(-2, 2), method="bounded")
    return divided(found.x)


def _loss(head: Head, rows: FloatArray, truth: IntArray) -> float:
    return -float(head.log_probabilities(rows)[np.arange(len(truth)), truth].mean())


def fit(
    model: Despite, train: LabelledWindows, validate: LabelledWindows
) -> tuple[dict[str, Head], dict[str, Any]]:
    """All heads, and their accuracies on `validate`."""
    rows, other = embed(model, train, AugmentSettings()), embed(model, validate, NONE)
    heads = {name: fit_head(rows[name], train.labels, other[name], validate.labels) for name in rows}
    told = {
        name: _told(head, np.exp(head.log_probabilities(other[name])), validate)
        for name, head in heads.items()
    }
    return heads, {"windows": len(train.labels), "validate": told}


def _told(head: Head, probabilities: DoubleArray, validate: LabelledWindows) -> dict[str, float]:
    found = measure(probabilities, validate)
    per_label = float(np.mean(list(found["per_label"].values())))
    return {
        "accuracy": round(found["accuracy"], 4),
        "mean_per_label": round(per_label, 4),
        "temperature": round(head.temperature, 3),
    }


def release(folder: Path, data: Sequence[Path], stride: int, command: str) -> dict[str, Any]:
    """Fit, write heads.safetensors and the card; what was measured.

    Raises:
        UserError: no such model or stores, or none of their windows is labelled.
    """
    store, model = SequenceStore.open(*data), read(folder).model
    train, validate = (
        LabelledWindows.of(store.group(group), stride, ACTIVITIES, LABEL_FRAME)
        for group in ("train", "validate")
    )
    heads, told = fit(model, train, validate)
    tensors: dict[str, DoubleArray] = {}
    for name, head in heads.items():
        tensors |= {f"{name}.weight": head.weight, f"{name}.bias": head.bias}
    contiguous = {name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()}
    save_file(contiguous, folder / HEADS)
    card = read_card(folder)
    measured = {**card.measured, "heads": {"command": command, "result": told}}
    write_card(replace(card, measured=measured), folder)
    return told


@command("training.fit_heads")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="sequence stores")
    parser.add_argument("--stride", type=int, default=10, help="frames between windows")
    args = parser.parse_args(arguments)
    told = release(args.model, args.data, args.stride, command_line("training.fit_heads"))
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    sys.exit(main())
