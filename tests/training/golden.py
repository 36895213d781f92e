"""The authors' networks at width 64: weights, inputs and what their code makes of them.

`golden_points_imu.npz` has two of the windows and the weights of two encoders. The whole set, with the
skeleton encoder, is read from the file that DESPITE_GOLDEN names, where it is there.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from despite_ros.arrays import AnyArray
from training.networks import Despite

SMALL = Path(__file__).parent / "golden_points_imu.npz"
WHOLE = os.environ.get("DESPITE_GOLDEN", "")
NAMES = {"points": "pc", "imu": "imu", "skeleton": "skeleton"}


def arrays(path: str | Path = SMALL) -> dict[str, AnyArray]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def state(found: dict[str, AnyArray]) -> dict[str, Tensor]:
    prefix = "weight/"
    return {name[len(prefix) :]: torch.from_numpy(v) for name, v in found.items() if name.startswith(prefix)}


def inputs(found: dict[str, AnyArray]) -> dict[str, Any]:
    return {
        name: torch.from_numpy(found[f"input/{key}"])
        for name, key in NAMES.items()
        if f"input/{key}" in found
    }


def model(found: dict[str, AnyArray]) -> Despite:
    built = Despite(tuple(inputs(found)), 64)
    built.load_state_dict(state(found))
    return built.eval()


def worst(embeddings: Tensor, expected: AnyArray) -> float:
    return float(np.abs(embeddings.detach().numpy() - expected).max())
