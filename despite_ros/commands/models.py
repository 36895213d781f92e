"""`despite models`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from despite_ros.encoders import find_model, load, read_card
from despite_ros.encoders.card import CARD, check_files
from despite_ros.encoders.check import TOLERANCE, streaming_differences
from despite_ros.encoders.model import SUFFIXES
from despite_ros.errors import UserError
from despite_ros.resources import share

HELP = "List released models, check that one is whole and right, or build its TensorRT engines ahead of time."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their flags."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the released models of this installation")
    listing.add_argument("--folder", type=Path, default=share("models"), help="where they lie")
    for action, summary in (
        ("check", "compare files with the card, and streaming with whole windows"),
        ("build", "build the TensorRT engines now instead of at the first start"),
    ):
        subparser = actions.add_parser(action, help=summary)
        subparser.add_argument("name", help="released model: a name, or a folder with card.yaml")
        if action == "build":
            subparser.add_argument("--precision", default="float16", choices=sorted(SUFFIXES))


def run(args: argparse.Namespace) -> int:
    """Do the action; 1 where a check fails."""
    if args.action == "list":
        return _list(args.folder)
    if args.action == "check":
        return _check(args.name)
    load(args.name, device="tensorrt", precision=args.precision, say=print)
    return 0


def _list(folder: Path) -> int:
    table = Table("model", "version", "encodes", "width", "activities")
    for model in _models(folder):
        try:
            card = read_card(model)
        except UserError as error:
            table.add_row(model.name, str(error))
            continue
        modalities = ", ".join(name for name in ("points", "imu") if f"{name}.onnx" in card.files)
        table.add_row(card.name, card.version, modalities, str(card.width), " ".join(card.labels) or "–")
    if not table.row_count:
        raise UserError(f"{folder}: no models here (folders with a {CARD})")
    Console().print(table)
    return 0


def _models(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path.parent for path in folder.glob(f"*/{CARD}"))


def _check(name: str) -> int:
    folder = find_model(name)
    card = read_card(folder)
    check_files(card, folder)
    print(f"{folder}: {len(card.files)} files are those of the card")
    differences = streaming_differences(load(folder, device="cpu", say=print))
    for modality, value in differences.items():
        print(
            f"{modality}: streaming differs from whole windows by {value:.1e} at most (limit {TOLERANCE:g})"
        )
    return int(any(value > TOLERANCE for value in differences.values()))
