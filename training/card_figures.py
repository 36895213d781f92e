"""Draw what a model's card says: `python -m training.card_figures models/NAME --out FOLDER`.

Matching (DeSPITE, Figure 2) and moment retrieval (Figure 3) of the model and of those beside it in the card,
and the confusion matrices of its activity heads.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from despite_ros.encoders.card import Card, read_card
from training.command import command
from training.tasks.figures import draw_confusion, draw_matching, draw_moments


def draw(card: Card, out: Path) -> list[Path]:
    """Write the figures that the card has results for."""
    written = []
    for task, draw_all in (("matching", draw_matching), ("moments", draw_moments)):
        if found := _entries(card, task):
            written.append(out / f"{task}.png")
            draw_all({name: entry["result"]["all"] for name, entry in found.items()}, written[-1])
    for name, entry in _entries(card, "activities").items():
        written.append(out / f"confusion_{name.replace(' ', '_')}.png")
        draw_confusion(entry["result"], written[-1])
    return written


def _entries(card: Card, task: str) -> dict[str, Mapping[str, Any]]:
    """The model's own result of a task, and those with a name after the task's ("matching_NAME")."""
    return {
        name.removeprefix(task).strip("_").replace("_", " ") or card.name: entry
        for name, entry in card.measured.items()
        if name.startswith(task)
    }


@command("training.card_figures")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the figures")
    args = parser.parse_args(arguments)
    print(*draw(read_card(args.model), args.out), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
