"""Release a checkpoint: `python -m training.export CHECKPOINT --out models/NAME`.

Writes points.onnx and imu.onnx (float32), points_fp16.onnx and imu_fp16.onnx (for TensorRT),
weights.safetensors, heads.safetensors and card.yaml. Nothing is written where a graph's embeddings differ
from torch's.
"""

import argparse
import copy
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from despite_ros.activities import ACTIVITIES
from despite_ros.arrays import FloatArray
from despite_ros.config import load_yaml
from despite_ros.encoders.card import CARD, Calibration, Card, write_card
from despite_ros.errors import UserError
from despite_ros.limbs import CHANNELS, FRAMES, POINTS
from despite_ros.motion.sampling import make_crop
from despite_ros.simulation.made_up import made_up_motion
from training.checkpoints import HEADS, WEIGHTS, Checkpoint, read, released_state
from training.command import command
from training.data.simulated import simulate_sequence
from training.graphs import difference, run_graph, write_graph
from training.networks import Despite, PointCloudEncoder
from training.shared_weights import share_lstm_weights

SHAPES = {"points": (FRAMES, POINTS, 3), "imu": (FRAMES, CHANNELS)}
LARGEST_DIFFERENCE = 1e-5  # of a float32 graph from torch
LARGEST_HALF_DIFFERENCE = 2e-2  # of a float16 graph
CONVENTIONS = {
    "frame": "fixed frame: z up, right-handed, metres, seconds; heading common to LiDAR and IMUs",
    "points": "one person's points in the fixed frame's axes, minus their own mean frame by frame, in"
    " farthest point sampling order from the first point on: the graph takes the first 8 as anchors; fewer"
    " points are tiled; a missed sweep repeats the crop before",
    "imu": "row-major rotation matrices bone to world, then free acceleration in the world, m/s²; a limb"
    " without a sensor is all zeros",
    "embeddings": "unnormalised; compare by cosine",
    "files": "imu.onnx reads its LSTM weights from weights.safetensors, which must lie beside it",
}
CARD_FIELDS = ("version", "text_embeddings", "training_data", "split", "measured", "similarity")


def windows_to_check(seed: int = 0) -> dict[str, dict[str, FloatArray]]:
    """Windows by modality and kind, B×24×256×3 and B×24×48: random, simulated, and every borderline case."""
    rng = np.random.default_rng(seed)
    simulated = [simulate_sequence(made_up_motion(rng, 4.0), rng) for _ in range(3)]
    spread = np.array([0.25, 0.25, 0.5])
    points = {
        "random": _crops(rng, POINTS, spread),
        "simulated": np.stack([sequence.crops[:FRAMES] for sequence in simulated]),
        "tiled": _crops(rng, 100, spread),
        "fewer than anchors": _crops(rng, 3, spread),
        "empty balls": _crops(rng, POINTS, 4 * spread) + rng.uniform(-2, 2, (2, FRAMES, 1, 3)),
        "zeros": np.zeros((2, *SHAPES["points"])),
    }
    units = np.repeat([1.0, 10.0], [36, 12])
    imu = {
        "random": rng.normal(size=(3, *SHAPES["imu"])) * units,
        "simulated": np.stack([sequence.imu[:FRAMES] for sequence in simulated]),
        "zeros": np.zeros((2, *SHAPES["imu"])),
    }
    return {"points": _float32(points), "imu": _float32(imu)}


def _crops(rng: np.random.Generator, count: int, spread: FloatArray) -> FloatArray:
    clouds = rng.normal(size=(2 * FRAMES, count, 3)) * spread
    return np.stack([make_crop(cloud.astype(np.float32)) for cloud in clouds]).reshape(2, FRAMES, POINTS, 3)


def _float32(windows: Mapping[str, Any]) -> dict[str, FloatArray]:
    return {kind: np.ascontiguousarray(values, np.float32) for kind, values in windows.items()}


def check_graph(
    path: Path, expected: Mapping[str, FloatArray], windows: Mapping[str, FloatArray], limit: float
) -> float:
    """Compare a graph with torch's embeddings, by kind of window; the largest difference found.

    Raises:
        UserError: it exceeds `limit`, or an embedding is not finite.
    """
    found = {kind: run_graph(path, values) for kind, values in windows.items()}
    differences = {kind: difference(found[kind], expected[kind]) for kind in windows}
    first = next(iter(windows))
    differences["alone in its batch"] = difference(run_graph(path, windows[first][:1]), expected[first][:1])
    wrong = {kind: value for kind, value in differences.items() if not value <= limit}
    if wrong:
        listed = ", ".join(f"{kind}: {value:.1e}" for kind, value in wrong.items())
        raise UserError(
            f"{path.name}: embeddings differ from torch's by more than {limit:g} ({listed}); not released"
        )
    return max(differences.values())


def export(checkpoint: Checkpoint, out: Path, facts: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Release a checkpoint into the folder `out`; the largest difference from torch by file.

    Args:
        checkpoint: its information gives the card's `CARD_FIELDS`.
        out: the model's folder; its name is the model's. A model that lies there is replaced.
        facts: the same fields again; they go before those of the checkpoint.

    Raises:
        UserError: a graph differs from torch, nothing to release, unknown facts, or `out` holds other things.
    """
    card = _card(checkpoint, out.name, facts or {})
    if not set(SHAPES) & set(checkpoint.model.modalities):
        raise UserError(
            "this checkpoint has neither a points nor an imu encoder; there is nothing to release"
        )
    if out.exists() and any(out.iterdir()) and not (out / CARD).is_file():
        raise UserError(f"{out}: holds something that is not a model; choose another folder")
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        (partial / WEIGHTS).write_bytes(save(released_state(checkpoint.model)))
        differences = _write_graphs(checkpoint.model, partial)
        if checkpoint.heads is not None:
            (partial / HEADS).write_bytes(save(checkpoint.heads.state_dict()))
        write_card(card, partial)
        shutil.rmtree(out, ignore_errors=True)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return differences


def _write_graphs(model: Despite, folder: Path) -> dict[str, float]:
    windows = windows_to_check()
    differences = {}
    for modality in (name for name in SHAPES if name in model.modalities):
        encoder = copy.deepcopy(model.encoder(modality)).eval()
        if isinstance(encoder, PointCloudEncoder):
            encoder.tube_embedding.in_sampling_order = True
        expected = {kind: _embed(encoder, values) for kind, values in windows[modality].items()}
        for suffix, half, limit in (
            ("", False, LARGEST_DIFFERENCE),
            ("_fp16", True, LARGEST_HALF_DIFFERENCE),
        ):
            path = folder / f"{modality}{suffix}.onnx"
            write_graph(encoder, SHAPES[modality], path, half)
            if not half:
                share_lstm_weights(path, folder / WEIGHTS)
            differences[path.name] = check_graph(path, expected, windows[modality], limit)
    return differences


@torch.no_grad()
def _embed(encoder: nn.Module, windows: FloatArray) -> FloatArray:
    return np.asarray(encoder(torch.from_numpy(windows)).numpy())


def _card(checkpoint: Checkpoint, name: str, facts: Mapping[str, Any]) -> Card:
    unknown = set(facts) - set(CARD_FIELDS)
    if unknown:
        raise UserError(f"unknown facts {sorted(unknown)}; a card takes {', '.join(CARD_FIELDS)}")
    known = {**checkpoint.information, **facts}
    given = {field: known[field] for field in CARD_FIELDS if field in known}
    if "similarity" in given:
        given["similarity"] = Calibration(**given["similarity"])
    return Card(
        name=name,
        width=checkpoint.model.width,
        labels=ACTIVITIES if checkpoint.heads is not None else (),
        conventions=CONVENTIONS,
        **{"version": "1", **given},
    )


@command("training.export")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "checkpoint", type=Path, help="a .safetensors of ours, a .pth of the authors, or a model"
    )
    parser.add_argument("--out", type=Path, required=True, help="the model's folder, such as models/NAME")
    parser.add_argument("--facts", type=Path, help=f"YAML with any of {', '.join(CARD_FIELDS)} for the card")
    given = parser.parse_args(arguments)
    facts = load_yaml(given.facts) if given.facts else {}
    differences = export(read(given.checkpoint), given.out, facts)
    for name, value in differences.items():
        print(f"{name}: differs from torch by {value:.1e} at most")


if __name__ == "__main__":
    sys.exit(main())
