"""Every window of a store embedded once, for all tasks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from despite_ros.arrays import BoolArray, FloatArray, IntArray
from despite_ros.limbs import FRAMES, RATE
from training.data.store import SequenceInfo, SequenceStore, StoredSequence
from training.networks import Despite

BATCH = 64
MOVING_SPEED = 0.25  # m/s; the mean speed of the joints from which a window counts as moving


@dataclass(frozen=True)
class EmbeddedSequence:
    """A sequence's windows: first frames (M), L2-normalised embeddings (M×E each), whether they move (M)."""

    info: SequenceInfo
    starts: IntArray
    embeddings: Mapping[str, FloatArray]
    moving: BoolArray

    def __len__(self) -> int:
        return len(self.starts)


@torch.no_grad()
def embed_store(
    model: Despite, store: SequenceStore, stride: int = 1, modalities: Sequence[str] = ()
) -> list[EmbeddedSequence]:
    """Embed the windows of a store, `stride` frames apart; sequences shorter than a window are left out.

    modalities: all that the model encodes and a sequence holds, when empty.
    """
    model.eval()
    wanted = [name for name in modalities or model.modalities if name != "text"]
    found = []
    for sequence in tqdm(store.sequences, desc="embedding", unit="sequences", mininterval=5):
        starts = np.arange(0, sequence.info.frames - FRAMES + 1, stride)
        if len(starts):
            present = [name for name in wanted if name in sequence.info.modalities]
            embeddings = {name: _embed(model, sequence, starts, name) for name in present}
            found.append(EmbeddedSequence(sequence.info, starts, embeddings, moving(sequence, starts)))
    return found


def moving(sequence: StoredSequence, starts: IntArray) -> BoolArray:
    """Whether the joints' mean speed over a window is at least `MOVING_SPEED`; for each of M windows."""
    steps = np.linalg.norm(np.diff(sequence.joints, axis=0), axis=2).mean(axis=1) * RATE
    total = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray((total[starts + FRAMES - 1] - total[starts]) / (FRAMES - 1) >= MOVING_SPEED)


def alignment(sequences: Sequence[EmbeddedSequence], one: str, other: str) -> dict[str, float]:
    """Mean cosine between two modalities of the same window, and of windows of different sequences."""
    both = [item.embeddings for item in sequences if {one, other} <= item.embeddings.keys()]
    same = np.concatenate([(item[one] * item[other]).sum(axis=1) for item in both])
    centres = [{name: item[name].mean(axis=0) for name in (one, other)} for item in both]
    cosines = np.stack([item[one] for item in centres]) @ np.stack([item[other] for item in centres]).T
    apart = cosines[~np.eye(len(both), dtype=np.bool_)]
    return {
        "same window": round(float(same.mean()), 4),
        "different sequences": round(float(apart.mean()), 4) if len(apart) else float("nan"),
    }


def _embed(model: Despite, sequence: StoredSequence, starts: IntArray, modality: str) -> FloatArray:
    device = next(model.parameters()).device
    parts = []
    for chunk in _chunks(starts):
        windows = np.stack([_window(sequence, int(start), modality) for start in chunk])
        given: dict[str, Any] = {modality: torch.from_numpy(windows).to(device)}
        rows = model.encode(**given)[modality]
        parts.append(torch.nn.functional.normalize(rows, dim=1).cpu().numpy())
    return np.concatenate(parts)


def _window(sequence: StoredSequence, start: int, modality: str) -> FloatArray:
    if modality == "points":
        return sequence.points(start)
    if modality == "skeleton":
        return sequence.skeleton(start)
    return sequence.imu[start : start + FRAMES]


def _chunks(starts: IntArray) -> Iterator[IntArray]:
    for begin in range(0, len(starts), BATCH):
        yield starts[begin : begin + BATCH]
