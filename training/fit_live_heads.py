"""Fit the activity heads that a released model uses live, its encoders staying as they are.

`python -m training.fit_live_heads models/NAME --mocap FOLDER` simulates rooms, reads them by the whole
pipeline (`training.data.live`) and fits a head with one hidden layer for points, for IMUs and for both, each
on embeddings and cues. Labels weigh by the inverse square root of how often they occur. The temperature is
the one with the best log-likelihood on rooms of the group `validate`. Writes live_heads.safetensors and, into
the card, the command with the accuracies on those rooms. What was read of a room is kept in `--rows`.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from despite_ros.activities import ACTIVITIES
from despite_ros.arrays import FloatArray, IntArray
from despite_ros.encoders.card import read_card, write_card
from despite_ros.encoders.heads import ActivityHeads
from despite_ros.encoders.model import LIVE_HEADS
from training.command import command
from training.data.live import LiveRows, live_rows
from training.data.scenes import Job
from training.facts import command_line

HIDDEN = 128
DROPOUT = 0.5
EPOCHS = 10
BATCH = 256
RATE = 2e-3
WEIGHT_DECAY = 1e-2
NEVER = -100.0  # score of a label that nobody showed
GIVEN = {
    "points": ("points", "track_cues"),
    "imu": ("imu", "wearer_cues"),
    "both": ("points", "track_cues", "imu", "wearer_cues"),
}
"""Head → what it is given, in this order."""


def inputs(rows: LiveRows, name: str) -> FloatArray:
    """M×D of a head."""
    return np.concatenate([getattr(rows, part) for part in GIVEN[name]], axis=1)


def fit_head(
    train: FloatArray, labels: IntArray, validate: FloatArray, truth: IntArray
) -> dict[str, FloatArray]:
    """M×D and labels → `hidden.weight`, `hidden.bias`, `weight`, `bias`, tempered on `validate`."""
    mean, scale = train.mean(axis=0), train.std(axis=0) + 1e-6
    network = _network((train - mean) / scale, labels)
    state = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    weight, bias = state["1.weight"] / scale, state["1.bias"]
    temperature = _temperature(_scores(network, (validate - mean) / scale), torch.from_numpy(truth))
    tensors = {
        "hidden.weight": weight,
        "hidden.bias": bias - weight @ mean,
        "weight": state["4.weight"] / temperature,
        "bias": state["4.bias"] / temperature,
    }
    return {name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()}


def _network(rows: FloatArray, labels: IntArray) -> nn.Sequential:
    torch.manual_seed(0)
    last = nn.Linear(HIDDEN, len(ACTIVITIES))
    network = nn.Sequential(
        nn.Dropout(DROPOUT),
        nn.Linear(rows.shape[1], HIDDEN),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        last,
    )
    counts = np.bincount(labels, minlength=len(ACTIVITIES))
    weights = torch.from_numpy((len(labels) / counts.clip(1)) ** 0.5).float()
    steps = EPOCHS * -(-len(rows) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    x, y = torch.from_numpy(rows.astype(np.float32)), torch.from_numpy(labels)
    for _ in range(EPOCHS):
        for chosen in torch.split(torch.randperm(len(x)), BATCH):
            loss = F.cross_entropy(network(x[chosen]), y[chosen], weights)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        missing = torch.from_numpy(counts == 0)
        last.weight[missing], last.bias[missing] = 0.0, NEVER
    return network.eval()


@torch.no_grad()
def _scores(network: nn.Sequential, rows: FloatArray) -> Tensor:
    found: Tensor = network(torch.from_numpy(rows.astype(np.float32)))
    return found


def _temperature(scores: Tensor, truth: Tensor) -> float:
    def loss(logarithm: float) -> float:
        return float(F.cross_entropy(scores / np.exp(logarithm), truth))

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def fit(train: LiveRows, validate: LiveRows) -> tuple[dict[str, FloatArray], dict[str, Any]]:
    """The tensors of all heads, and what they get right on `validate`."""
    tensors: dict[str, FloatArray] = {}
    for name in GIVEN:
        head = fit_head(inputs(train, name), train.labels, inputs(validate, name), validate.labels)
        tensors |= {f"{name}.{part}": value for part, value in head.items()}
    return tensors, {
        "rows": len(train.labels),
        "validate_rows": len(validate.labels),
        **told(tensors, validate),
    }


def told(tensors: Mapping[str, FloatArray], rows: LiveRows) -> dict[str, Any]:
    """{head: accuracy, mean confidence and accuracy per label}, as the runtime computes them."""
    heads, found = ActivityHeads(tensors), {}
    for name in GIVEN:
        points, track = (rows.points, rows.track_cues) if name != "imu" else (None, None)
        imu, wearer = (rows.imu, rows.wearer_cues) if name != "points" else (None, None)
        probabilities = heads.probabilities(points, imu, track, wearer)
        right = probabilities.argmax(axis=1) == rows.labels
        found[name] = {
            "accuracy": round(float(right.mean()), 4),
            "confidence": round(float(probabilities.max(axis=1).mean()), 4),
            "per_label": {
                label: round(float(right[rows.labels == index].mean()), 4)
                for index, label in enumerate(ACTIVITIES)
                if (rows.labels == index).any()
            },
        }
    return found


def read_rooms(args: argparse.Namespace, group: str, scenes: int) -> LiveRows:
    """The rows of a group's rooms."""
    jobs = [Job(i, group, args.seed, 7 + i % 5, args.seconds, args.mocap) for i in range(scenes)]
    return live_rows(jobs, args.model, args.rows, args.workers)


@command("training.fit_live_heads")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("--mocap", default="", help="folder of packed motion capture files")
    parser.add_argument(
        "--scenes", type=int, default=26, help="rooms to learn from; a sixth more to validate"
    )
    parser.add_argument("--seconds", type=float, default=50.0, help="length of a scene")
    parser.add_argument("--seed", type=int, default=8001)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument(
        "--rows", type=Path, default=Path("out/live"), help="folder for what was read of rooms"
    )
    args = parser.parse_args(arguments)
    train = read_rooms(args, "train", args.scenes)
    validate = read_rooms(args, "validate", max(1, args.scenes // 6))
    tensors, result = fit(train, validate)
    save_file(tensors, args.model / LIVE_HEADS)
    card = read_card(args.model)
    entry = {"command": command_line("training.fit_live_heads"), "result": result}
    write_card(replace(card, measured={**card.measured, "live_heads": entry}), args.model)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    sys.exit(main())
