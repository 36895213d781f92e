"""Is a cluster a person? Limits of size, then a small learned classifier."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.layers import affine
from despite_ros.people.features import BESIDE, LENGTH, POINTS, RANGE, TOP
from despite_ros.people.settings import GateSettings

REASONS = ("too_few_points", "too_flat", "too_tall", "too_large", "own_body", "not_like_a_person")
WEIGHTS = "gate.npz"  # made by `python -m training.gate`
CERTAIN = 6.0  # log-odds are clipped to ± this; what breaks a limit gets the least


class Gate:
    """Judges clusters by their features (see `features.candidate_features`)."""

    def __init__(self, settings: GateSettings) -> None:
        self.settings = settings
        self.network = load_network()

    def judge(self, features: FloatArray) -> tuple[DoubleArray, list[str]]:
        """Log-odds of being a person (G,) of G×F features, and why each is rejected.

        A reason is one of REASONS, or "" for what may be a person. What has the sensor inside it is the
        robot or the vehicle that carries it.
        """
        if not len(features):
            return np.empty(0), []
        top, length, points = features[:, TOP], features[:, LENGTH], features[:, POINTS]
        likely = np.log(self.settings.probability / (1 - self.settings.probability))
        limits = np.stack(
            [
                points < np.log(self.settings.min_points - 0.5),
                top < self.settings.min_height,
                top > self.settings.max_height,
                length > self.settings.max_length,
                np.exp(features[:, RANGE]) - BESIDE < length / 2,
            ]
        )
        log_odds, within = np.full(len(features), -CERTAIN), ~limits.any(axis=0)
        log_odds[within] = np.clip(self.network(features[within]), -CERTAIN, CERTAIN)
        faults = np.concatenate([limits, [log_odds < likely]])
        first = np.argmax(faults, axis=0)
        return log_odds, [REASONS[k] if faults[k, g] else "" for g, k in enumerate(first)]


class Network:
    """A perceptron with hidden layers of rectified linear units, trained by `training.gate`."""

    def __init__(
        self, mean: FloatArray, scale: FloatArray, layers: list[tuple[FloatArray, FloatArray]]
    ) -> None:
        self.mean, self.scale, self.layers = mean, scale, layers

    def __call__(self, features: FloatArray) -> DoubleArray:
        """Log-odds (G,) of G×F features."""
        values = np.clip((features - self.mean) / self.scale, -5, 5)
        for weights, bias in self.layers[:-1]:
            values = np.maximum(affine(values, weights, bias), 0)
        weights, bias = self.layers[-1]
        return np.asarray(affine(values, weights, bias)[:, 0], np.float64)


def load_network(path: Path | Traversable | None = None) -> Network:
    """The classifier stored at `path` as `training.gate` does; None for the released one."""
    path = files("despite_ros.people").joinpath(WEIGHTS) if path is None else path
    with path.open("rb") as file, np.load(file) as stored:
        layers = [(stored[f"weights{k}"], stored[f"bias{k}"]) for k in range(len(stored.files) // 2 - 1)]
        return Network(stored["mean"], stored["scale"], layers)
