"""Cosine → log-odds of "the same person", fitted, and how honest confidences are."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from despite_ros.arrays import AnyArray, BoolArray


def fit_calibration(right: AnyArray, wrong: AnyArray) -> tuple[float, float]:
    """Cosines of right pairs N and of wrong pairs M → scale and bias of the log-odds, scale · cosine + bias.

    The two kinds weigh the same, whatever N and M are: the log-odds hold for even prior odds, and the
    matcher puts in the prior.
    """
    cosines = np.concatenate([right, wrong]).astype(np.float64)[:, None]
    labels = np.repeat([1, 0], [len(right), len(wrong)])
    model = LogisticRegression(C=np.inf, class_weight="balanced").fit(cosines, labels)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Decisions of about one confidence: how many, their mean confidence, and the share that was right."""

    count: int
    confidence: float
    right: float


def reliability(confidences: AnyArray, right: BoolArray, bins: int = 10) -> list[ReliabilityBin]:
    """The reliability curve of N decisions: equal bins of confidence in 0..1, empty ones left out."""
    places = np.minimum((np.asarray(confidences) * bins).astype(int), bins - 1)
    chosen = [places == place for place in np.unique(places)]
    return [
        ReliabilityBin(int(rows.sum()), float(confidences[rows].mean()), float(right[rows].mean()))
        for rows in chosen
    ]


def calibration_error(curve: list[ReliabilityBin]) -> float:
    """Expected calibration error: |confidence − share right|, averaged over all decisions."""
    total = sum(item.count for item in curve)
    return sum(item.count * abs(item.confidence - item.right) for item in curve) / max(total, 1)
