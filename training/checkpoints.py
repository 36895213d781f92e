"""Checkpoints: read the authors' files and ours, write ours. No pickled code is ever executed.

Three things can be read: a `.pth` of the authors (a state dict), a checkpoint of ours (`NAME.safetensors`
with `NAME.json` beside it), and the folder of a released model. All have the authors' state names and take SI
inputs.
"""

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from despite_ros.encoders.card import read_card
from despite_ros.errors import UserError
from training.heads import ActivityHeads
from training.networks import Despite

WEIGHTS = "weights.safetensors"  # of a released model's folder
HEADS = "heads.safetensors"
HEADS_PREFIX = "heads."  # of the heads' names in a checkpoint of ours
WIDTH_KEYS = {  # per modality: a state name and the axis whose size is the embedding width
    "skeleton": ("skeleton_encoder.muQuery", 1),
    "points": ("pointcloud_encoder.head.2.weight", 0),
    "imu": ("imu_encoder.lstm.weight_hh_l0", 1),
}


@dataclass(frozen=True)
class Checkpoint:
    """A model in evaluation mode, its activity heads where there are any, and what is known about it.

    information: of a checkpoint of ours, `in_sampling_order` and what `save` was given, such as the card's
    `training_data`, `split`, `measured` and `similarity`; of a released model, its card.
    """

    model: Despite
    heads: ActivityHeads | None = None
    information: Mapping[str, Any] = field(default_factory=dict)


def load(path: str | Path) -> Despite:
    """The model of a checkpoint, in evaluation mode. Modalities and width follow from the state names.

    Raises:
        UserError: see `read`.
    """
    return read(path).model


def read(path: str | Path) -> Checkpoint:
    """A checkpoint, whichever of the three kinds `path` is.

    Raises:
        UserError: no such file, not a checkpoint, pickled code in it, or missing and unexpected state names.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: no such checkpoint; expected a .pth, a .safetensors or a model's folder")
    if path.is_dir():
        heads = _tensors(path / HEADS) if (path / HEADS).is_file() else {}
        known = asdict(read_card(path)) | {"in_sampling_order": True}
        return _build(_tensors(path / WEIGHTS), heads, known, path / WEIGHTS)
    if path.suffix != ".safetensors":
        return _build(_unpickled(path), {}, {}, path)
    state = _tensors(path)
    heads = {name: state.pop(name) for name in list(state) if name.startswith(HEADS_PREFIX)}
    heads = {name.removeprefix(HEADS_PREFIX): value for name, value in heads.items()}
    return _build(state, heads, _described(path.with_suffix(".json")), path)


def save(path: str | Path, model: Despite, heads: ActivityHeads | None = None, **information: Any) -> None:
    """Write `path` (`NAME.safetensors`) and `NAME.json`. The IMU's input scale is folded into the weights.

    information: plain values that JSON can hold.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    states = released_state(model)
    if heads is not None:
        states |= {HEADS_PREFIX + name: value for name, value in _plain(heads.state_dict()).items()}
    ordered = getattr(model, "pointcloud_encoder", None)
    in_sampling_order = bool(ordered is not None and ordered.tube_embedding.in_sampling_order)
    save_file(states, path)
    content = {"in_sampling_order": in_sampling_order, **information}
    path.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")


def released_state(model: Despite) -> dict[str, Tensor]:
    """State by the authors' names, for SI inputs; `model` itself is left as it is."""
    released = copy.deepcopy(model)
    if "imu" in released.modalities:
        released.imu_encoder.fold_scale()
    return _plain(released.state_dict())


def _build(
    state: Mapping[str, Tensor], heads: Mapping[str, Tensor], information: Mapping[str, Any], path: Path
) -> Checkpoint:
    modalities = [name for name in WIDTH_KEYS if any(key.startswith(_prefix(name)) for key in state)]
    if not modalities:
        raise UserError(f"{path}: no state of {', '.join(_prefix(name)[:-1] for name in WIDTH_KEYS)} in it")
    in_sampling_order = bool(information.get("in_sampling_order", False))
    model = Despite(modalities, _width(state, modalities, path), in_sampling_order=in_sampling_order)
    _fill(model, state, path)
    if not heads:
        return Checkpoint(model.eval(), None, information)
    filled = ActivityHeads(model.width, len(heads.get("points.bias", ())))
    _fill(filled, heads, path)
    return Checkpoint(model.eval(), filled.eval(), information)


def _prefix(modality: str) -> str:
    return WIDTH_KEYS[modality][0].split(".")[0] + "."


def _width(state: Mapping[str, Tensor], modalities: list[str], path: Path) -> int:
    widths = {}
    for modality in modalities:
        key, axis = WIDTH_KEYS[modality]
        if key in state and state[key].ndim > axis:
            widths[key] = state[key].shape[axis]
    if len(set(widths.values())) != 1:
        wanted = ", ".join(WIDTH_KEYS[modality][0] for modality in modalities)
        raise UserError(
            f"{path}: the embedding width follows from {wanted}; found {widths or 'none of them'}"
        )
    return next(iter(widths.values()))


def _fill(module: torch.nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    expected = module.state_dict()
    missing = sorted(set(expected) - set(state))
    unexpected = sorted(set(state) - set(expected))
    if missing or unexpected:
        raise UserError(f"{path}: missing keys: {_listed(missing)}; unexpected keys: {_listed(unexpected)}")
    wrong = [
        f"{name} is {tuple(state[name].shape)}, expected {tuple(value.shape)}"
        for name, value in expected.items()
        if state[name].shape != value.shape
    ]
    if wrong:
        raise UserError(f"{path}: wrong shapes: {'; '.join(wrong)}")
    module.load_state_dict(dict(state))


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in state.items()}


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read as safetensors ({error})") from error


def _unpickled(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can make the unpickler raise anything
        named = re.search(r"GLOBAL (\S+)", str(error))
        if named:
            raise UserError(
                f"{path}: needs {named[1]}; pickled code is never executed, save a plain state dict instead"
            ) from error
        raise UserError(f"{path}: cannot be read as a PyTorch checkpoint ({type(error).__name__})") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(
            f"{path}: expected a state dict, names to tensors, found another {type(state).__name__}"
        )
    return dict(state)


def _described(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: the checkpoint's description cannot be read ({error})") from error
    return dict(content)
