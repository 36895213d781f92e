"""`despite index`."""

import argparse
from pathlib import Path

from rich.console import Console

from despite_ros import encoders
from despite_ros.bags.index import add_to_index, collection_of, recordings_below
from despite_ros.bags.vectors import VectorStore
from despite_ros.commands.search import add_pipeline_arguments, embedder
from despite_ros.errors import UserError

HELP = (
    "Embed every recording of a folder into a vector store (Qdrant, extra: search), for `despite search`. "
    "Recordings indexed before are indexed anew. Each window's payload: recording, modality, who (wearer or "
    "track), stamp_ns."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("folder", type=Path, help="bags and recordings, in it or below it")
    parser.add_argument("--out", required=True, help="the index: a folder, or a Qdrant server's URL")
    add_pipeline_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Index; 1 if some recording could not be."""
    console = Console(stderr=True)
    recordings = recordings_below(args.folder)
    model = encoders.load(args.model, args.device)
    embed = embedder(args, model, console)
    skipped = 0
    with VectorStore(args.out, collection_of(model.card), model.card.width) as store:
        for path in recordings:
            name = str(path.relative_to(args.folder)) if path != args.folder else path.name
            try:
                console.print(f"{name}: {add_to_index(store, name, embed(path))} windows")
            except UserError as error:
                skipped += 1
                console.print(f"{name}: left out: {error}")
    return 1 if skipped else 0
