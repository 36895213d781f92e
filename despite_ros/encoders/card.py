"""A released model's folder: its card (`card.yaml`), where it is found, and whether its files are whole."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from despite_ros.config import load_yaml
from despite_ros.errors import UserError
from despite_ros.limbs import CHANNELS, FRAMES, LIMBS, POINTS, RATE
from despite_ros.resources import share

CARD = "card.yaml"
CHANNEL_NAMES = (
    *(f"{limb}.r{row}{column}" for limb in LIMBS for row in range(3) for column in range(3)),
    *(f"{limb}.a{axis}" for limb in LIMBS for axis in "xyz"),
)


@dataclass(frozen=True)
class Calibration:
    """Turns a cosine into a log-odds of "same person": scale · cosine + bias."""

    scale: float = 10.0
    bias: float = -5.0


@dataclass(frozen=True)
class Card:
    """What a released model takes, gives, was trained on and was measured at.

    width: of an embedding. rate: frames per second. channels: names of the IMU channels in order.
    conventions: coordinate frames, order of the points, what stands for missing data.
    labels: activities told apart by the heads. text_embeddings: label → embedding, where there is a
    text encoder. training_data, split, measured: for the reader. files: file name → sha256.
    """

    name: str
    version: str
    width: int
    frames: int = FRAMES
    points: int = POINTS
    rate: float = RATE
    channels: tuple[str, ...] = CHANNEL_NAMES
    conventions: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    text_embeddings: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    similarity: Calibration = Calibration()
    training_data: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def read_card(folder: str | Path) -> Card:
    """The card of a model folder.

    Raises:
        UserError: no card there, or a card that is not complete or not for these inputs.
    """
    path = Path(folder) / CARD
    if not path.is_file():
        raise UserError(f"{folder}: no model here ({CARD} is missing); `despite models list` shows what is")
    content = load_yaml(path)
    _check_names(content, path)
    try:
        card = Card(**{name: _typed(name, value) for name, value in content.items()})
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise UserError(f"{path}: {error}") from error
    if (card.frames, len(card.channels)) != (FRAMES, CHANNELS) or card.rate != RATE:
        raise UserError(
            f"{path}: the runtime gives {FRAMES} frames of {CHANNELS} channels at {RATE} Hz; this model"
            f" takes {card.frames} of {len(card.channels)} at {card.rate} Hz"
        )
    return card


def write_card(card: Card, folder: str | Path) -> None:
    """Writes `card.yaml`, with the sha256 of every other file in the folder."""
    folder = Path(folder)
    files = {
        path.name: sha256(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name != CARD
    }
    content = dataclasses.asdict(dataclasses.replace(card, files=files))
    content["channels"], content["labels"] = list(card.channels), list(card.labels)
    content["text_embeddings"] = {label: list(row) for label, row in card.text_embeddings.items()}
    (folder / CARD).write_text(yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=110))


def check_files(card: Card, folder: str | Path, names: Iterable[str] | None = None) -> None:
    """Compares files with the card's sha256: all of them, or those in `names`.

    Raises:
        UserError: a file is missing, damaged, or not in the card.
    """
    for name in card.files if names is None else names:
        path = Path(folder) / name
        if name not in card.files:
            raise UserError(f"{path}: not among the files of {CARD} ({', '.join(card.files)})")
        if not path.is_file():
            raise UserError(f"{path}: missing; the model '{card.name}' is incomplete, get it again")
        found = sha256(path)
        if found != card.files[name]:
            raise UserError(
                f"{path}: damaged or exchanged: sha256 is {found[:12]}…, the card says"
                f" {card.files[name][:12]}…; get the model again, or export it again if the change is yours"
            )


def sha256(path: Path) -> str:
    """The file's sha256, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_model(name: str | Path) -> Path:
    """The folder of a model, given a folder or a released model's name.

    Raises:
        UserError: there is no such folder or model.
    """
    candidates = (Path(name), share("models") / name)
    for candidate in candidates:
        if (candidate / CARD).is_file():
            return candidate
    tried = ", ".join(str(candidate) for candidate in candidates)
    raise UserError(
        f"no model '{name}': no {CARD} in any of {tried}; `despite models list` shows what is there"
    )


def _check_names(content: Mapping[str, Any], path: Path) -> None:
    known = {item.name for item in dataclasses.fields(Card)}
    unknown = sorted(set(content) - known)
    missing = sorted({"name", "version", "width", "files"} - set(content))
    if unknown or missing:
        raise UserError(f"{path}: not a model card: missing {missing}, unknown {unknown}")


def _typed(name: str, value: Any) -> Any:
    """A YAML value as the card's field has it."""
    if name == "similarity":
        return Calibration(float(value["scale"]), float(value["bias"]))
    if name == "text_embeddings":
        return {label: tuple(float(number) for number in row) for label, row in value.items()}
    kind = get_type_hints(Card)[name]
    if kind in (int, float, str):
        return kind(value)
    return tuple(str(item) for item in value) if name in ("channels", "labels") else dict(value)
