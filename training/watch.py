"""Measuring while training: IMU→points matching and activities on people who are not trained on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from despite_ros.arrays import AnyArray, BoolArray, FloatArray, IntArray
from despite_ros.matching.calibration import fit_calibration
from training.data.batches import UNLABELLED, gather
from training.data.store import SequenceStore, Windows
from training.heads import SENSED, ActivityHeads
from training.networks import Despite

PEOPLE = 8
CONSECUTIVE = (1, 4)
SCENES = 1000
CHUNK = 64


@dataclass(frozen=True)
class Watch:
    """Up to `sequences` runs of consecutive windows, each from another sequence, fixed by the seed."""

    store: SequenceStore
    windows: Windows
    runs: IntArray  # R×4, indices of consecutive windows

    @classmethod
    def choose(cls, store: SequenceStore, runs: int = 250, spacing: int = 1, seed: int = 0) -> "Watch":
        """Runs of 4 windows `spacing` frames apart, at random places."""
        rng = np.random.default_rng(seed)
        length = max(CONSECUTIVE)
        every = store.windows(frames=24 + spacing * (length - 1))
        first = np.unique(every.sequence, return_index=True)[1]
        counts = np.diff([*first, len(every)])
        chosen = rng.permutation(len(first))[:runs]
        starts = rng.integers(0, counts[chosen])
        sequence = np.repeat(every.sequence[first[chosen]], length)
        start = (starts[:, None] + spacing * np.arange(length)).ravel()
        return cls(store, Windows(sequence, start), np.arange(len(start)).reshape(-1, length))

    def measure(self, model: Despite, heads: ActivityHeads, device: torch.device) -> dict[str, float]:
        """Accuracy of matching among 8, for each number of consecutive windows, and of each activity head."""
        found, activity = self._embed(model, heads, device)
        return self._matching(found) | _accuracy(found, activity)

    def calibrate(self, model: Despite, heads: ActivityHeads, device: torch.device) -> dict[str, float]:
        """{scale, bias}: log-odds of a pair being one person = scale · cosine + bias."""
        found, _ = self._embed(model, heads, device)
        similarity = found["imu"] @ found["points"].T
        right, wrong = similarity.diagonal(), similarity[~self._same_sequence()]
        scale, bias = fit_calibration(right, wrong)
        return {"scale": float(scale), "bias": float(bias)}

    @torch.no_grad()
    def unit_scale(self, model: Despite, device: torch.device) -> float:
        """The power of two that brings the entries of point embeddings nearest to an rms of 1.

        The loss sees directions only, so lengths grow as training goes on, and rounding errors with them.
        """
        chunk = Windows(self.windows.sequence[:CHUNK], self.windows.start[:CHUNK])
        points = gather(self.store, chunk, ("points",)).points
        assert points is not None  # as asked for
        rows = model.encode(points=torch.from_numpy(points).to(device))["points"]
        return float(2.0 ** -rows.square().mean().sqrt().log2().round())

    def _same_sequence(self) -> BoolArray:
        return np.asarray(self.windows.sequence[:, None] == self.windows.sequence)

    @torch.no_grad()
    def _embed(
        self, model: Despite, heads: ActivityHeads, device: torch.device
    ) -> tuple[dict[str, AnyArray], IntArray]:
        """Normalised embeddings and the heads' answers for all windows, and the true activities."""
        found: dict[str, list[torch.Tensor]] = {}
        activity = []
        for begin in range(0, len(self.windows), CHUNK):
            part = slice(begin, begin + CHUNK)
            chunk = Windows(self.windows.sequence[part], self.windows.start[part])
            batch = gather(self.store, chunk, SENSED)
            assert batch.points is not None and batch.imu is not None  # as asked for
            points, imu = (torch.from_numpy(array).to(device) for array in (batch.points, batch.imu))
            rows = model.encode(points=points, imu=imu)
            for name, logits in heads(rows).items():
                found.setdefault(f"head_{name}", []).append(logits.argmax(-1).cpu())
            for name, embedding in rows.items():
                found.setdefault(name, []).append(F.normalize(embedding, dim=-1).cpu())
            activity.append(batch.activity)
        return {name: torch.cat(parts).numpy() for name, parts in found.items()}, np.concatenate(activity)

    def _matching(self, embeddings: Mapping[str, FloatArray]) -> dict[str, float]:
        imu, points = embeddings["imu"][self.runs], embeddings["points"][self.runs]
        similarity = np.einsum("awe,bwe->wab", imu, points)
        rng = np.random.default_rng(1)
        people = min(PEOPLE, len(self.runs))
        scenes = np.stack([rng.permutation(len(self.runs))[:people] for _ in range(SCENES)])
        found = {}
        for count in CONSECUTIVE:
            mean = similarity[:count].mean(0)[scenes[:, :, None], scenes[:, None, :]]
            found[f"matching_n{people}_w{count}"] = float((mean.argmax(-1) == np.arange(people)).mean())
        return found


def _accuracy(found: Mapping[str, FloatArray], activity: IntArray) -> dict[str, float]:
    labelled = activity != UNLABELLED
    if not labelled.any():
        return {}
    heads = {name: rows for name, rows in found.items() if name.startswith("head_")}
    return {
        name.replace("head", "activity"): float((rows == activity)[labelled].mean())
        for name, rows in heads.items()
    }
