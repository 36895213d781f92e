"""`despite search`."""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from despite_ros import encoders
from despite_ros.bags.curves import Panel, draw_curves
from despite_ros.bags.index import collection_of, is_index, likely_series
from despite_ros.bags.moments import Curve, Moment, Series, best_moments, curve, embed_recording
from despite_ros.bags.replay import Replay
from despite_ros.bags.search import CSV_FORMAT, SECOND, Query, describe, read_query
from despite_ros.bags.vectors import VectorStore
from despite_ros.encoders import Encoders
from despite_ros.errors import UserError
from despite_ros.motion.wearers import load_wearers
from despite_ros.settings import load_settings

HELP = (
    "Find the moments of a recording, or of an index made by `despite index`, that are most like a snippet. "
    f"An imu.csv has {CSV_FORMAT}."
)
MOST_PANELS = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("target", help="recording, or index: its folder or a Qdrant server's URL")
    parser.add_argument(
        "--query",
        required=True,
        help="imu.csv; or RECORDING@t0..t1 in seconds from its first sweep, with #NAME of a wearer (IMU) or "
        "#TRACK of a person (points), which a recording with one wearer can do without",
    )
    parser.add_argument(
        "--modality", default="points", choices=("points", "imu", "skeleton"), help="what to search among"
    )
    add_pipeline_arguments(parser)
    parser.add_argument("--count", type=int, default=10, help="moments to tell")
    parser.add_argument("--apart", type=float, default=2.4, help="least seconds between two of one person")
    parser.add_argument("--figure", type=Path, help="draw similarity over time into this .png or .svg")
    parser.add_argument("--json", action="store_true", help="print the moments as JSON instead of a table")


def add_pipeline_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how recordings are embedded."""
    parser.add_argument("--wearers", type=Path, help="wearers file; else wearers.yaml beside a recording")
    parser.add_argument("--model", default="despite-pi", help="released model: a name, or a model folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or tensorrt")
    parser.add_argument("--params", type=Path, help="settings file (YAML, also a ROS parameters file)")
    parser.add_argument("--fixed-frame", default="", help="frame to track in, by the recording's tf")


def run(args: argparse.Namespace) -> int:
    """Search and tell; 1 if nothing was found."""
    model = encoders.load(args.model, args.device)
    if args.modality not in model.modalities:
        known = ", ".join(model.modalities)
        raise UserError(f"--modality {args.modality}: the model '{model.card.name}' encodes {known}")
    embed = embedder(args, model, Console(stderr=True))
    query = read_query(args.query, model, embed)
    curves = [curve(query.embeddings, item) for item in _searched(args, model, query, embed)]
    moments = best_moments(curves, len(query.embeddings), args.count, args.apart)
    if args.figure:
        draw_curves(panels(curves, moments), args.figure)
    if args.json:
        print(json.dumps({"query": query.text, "moments": [describe(moment) for moment in moments]}))
    else:
        _print(moments)
    return 0 if moments else 1


def embedder(
    args: argparse.Namespace, model: Encoders, console: Console
) -> Callable[[Path], Sequence[Series]]:
    """Recording → its series, each recording embedded once."""
    settings = load_settings(args.params)

    @cache
    def embed(path: Path) -> Sequence[Series]:
        with console.status(f"embedding {path}") as status:

            def show(replay: Replay) -> None:
                status.update(f"embedding {path}: {replay.elapsed_ns / SECOND:.0f} s")

            file = args.wearers or wearers_beside(path)
            wearers = load_wearers(file) if file else ()
            return embed_recording(path, settings, wearers, model, args.fixed_frame, show)

    return embed


def wearers_beside(recording: Path) -> Path | None:
    """The wearers file in a recording's folder, or beside a file."""
    file = (recording if recording.is_dir() else recording.parent) / "wearers.yaml"
    return file if file.is_file() else None


def panels(curves: Sequence[Curve], moments: Sequence[Moment]) -> list[Panel]:
    """A panel for each series in which a moment was found, in the order of their best."""
    marks: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for moment in moments:
        middle_ns = (moment.start_ns + moment.end_ns) / 2
        seconds = (middle_ns - moment.series.start_ns) / SECOND
        marks[id(moment.series)].append((seconds, moment.similarity))
    length_ns = moments[0].end_ns - moments[0].start_ns if moments else 0
    by_series = {id(item.series): item for item in curves}
    found = [(by_series[key], marks[key]) for key in list(marks)[:MOST_PANELS]]
    return [
        Panel(
            f"{item.series.recording}  {_whose(item.series)}",
            np.asarray(item.stamps_ns - item.series.start_ns - length_ns / 2) / SECOND,
            item.similarity,
            own,
        )
        for item, own in found
    ]


def _searched(
    args: argparse.Namespace, model: Encoders, query: Query, embed: Callable[[Path], Sequence[Series]]
) -> list[Series]:
    """The series to search in."""
    if not is_index(args.target):
        return [item for item in embed(Path(args.target)) if item.modality == args.modality]
    with VectorStore(args.target, collection_of(model.card), model.card.width) as store:
        if not len(store):
            raise UserError(f"{args.target}: nothing in it by the model '{model.card.name}'; index it anew")
        return likely_series(store, query.embeddings, args.modality)


def _print(moments: Sequence[Moment]) -> None:
    table = Table("similarity", "from", "to", "whose", "recording", box=None)
    for moment in moments:
        found = describe(moment)
        times = (f"{found['start_s']:.1f} s", f"{found['end_s']:.1f} s")
        table.add_row(f"{moment.similarity:.3f}", *times, _whose(moment.series), moment.series.recording)
    Console().print(table if moments else "nothing found: nobody has as many windows as the query")


def _whose(series: Series) -> str:
    return f"track {series.who}" if series.modality == "points" else series.who
