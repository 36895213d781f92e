"""Measure a model at the paper's tasks: `python -m training.evaluate TASK --model models/NAME --data STORE`.

With `--card` the result is written into the model's card under `measured`, with the command beside it; with
`--card FOLDER --entry NAME` into that of another model, to stand beside its own.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.activities import ACTIVITIES
from despite_ros.bags.vectors import MEMORY
from despite_ros.encoders.card import read_card, write_card
from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES
from despite_ros.simulation.skeleton import Motion
from training.checkpoints import read
from training.command import command
from training.data.batches import LABEL_FRAME
from training.data.simulated import pieces_of
from training.data.store import SequenceStore
from training.facts import command_line
from training.networks.text import ENCODERS, text_encoder
from training.tasks.activities import measure_heads
from training.tasks.conditions import conditions
from training.tasks.embedding import EmbeddedSequence, alignment, embed_store
from training.tasks.figures import (
    draw_embedding,
    draw_moment_curves,
    draw_retrievals,
)
from training.tasks.matching import PEOPLE, WINDOWS, MatchingSettings, matching
from training.tasks.moments import moments, moments_by_chance
from training.tasks.real_imu import real_imu
from training.tasks.recognition import MODES, LabelledWindows, RecognitionSettings, recognise, zero_shot
from training.tasks.retrieval import Database, RetrievalSettings, retrieval

Result = dict[str, Any]
PIECE = 3.0  # seconds of each motion under each condition
DIGITS = 4  # of a figure in a card
DETAILS = {"recognition": ("mode", "modality", "classes", "per_label", "confusion")}
"""What of a task's result is left out of a card; `--json` has it."""


def run_matching(args: argparse.Namespace) -> Result:
    """IMU → points and every other ordered pair, per test set, over all windows and over moving ones."""
    sequences = embed_store(read(args.model).model, _store(args), args.stride)
    found: Result = {}
    for name, part in _by_set(sequences).items():
        found[name] = {
            f"{ask} → {among}": {
                kind: _timed_matching(
                    part, ask, among, replace(_matching(args), moving_only=kind == "moving")
                )
                for kind in _kinds(part)
            }
            for ask, among in _pairs(part)
        }
    return found


def _timed_matching(
    sequences: Sequence[EmbeddedSequence], ask: str, among: str, settings: MatchingSettings
) -> Result:
    started = time.process_time()
    found = matching(sequences, ask, among, settings)
    sizes = f"{settings.scenes} scenes × {len(settings.people)} sizes × {len(settings.windows)} windows"
    print(f"{ask} → {among}: {sizes} in {time.process_time() - started:.1f} s of CPU", file=sys.stderr)
    return dict(found)


def _kinds(sequences: Sequence[EmbeddedSequence]) -> tuple[str, ...]:
    """Over all windows, and over moving ones where somebody moves."""
    moving = any(item.moving[: 1 - max(WINDOWS)].any() for item in sequences)
    return ("all", "moving") if moving else ("all",)


def run_conditions(args: argparse.Namespace) -> Result:
    """IMU → points under a deployment's conditions, on people of a group in `--mocap`."""
    if not args.mocap:
        raise UserError(
            "conditions: --mocap FOLDER is needed; the sensors are simulated anew for each condition"
        )
    model = read(args.model).model
    return dict(
        conditions(model, _some(pieces_of(args.mocap, args.group, PIECE), args), _matching(args), args.seed)
    )


def run_moments(args: argparse.Namespace) -> Result:
    """Recall@k of every ordered pair of modalities and within each, beside chance, per test set."""
    store = _store(args)
    long = store.subset(s for s in store.sequences if s.info.frames >= FRAMES + args.at_least - 1)
    sequences = embed_store(read(args.model).model, long, args.stride)
    found = {name: _moments(part) for name, part in _by_set(sequences).items()}
    if args.figures:
        for ask, among in _pairs(sequences):
            draw_moment_curves(
                sequences, ask, among, args.figures / f"moment_{ask}_{among}.png", seed=args.seed
            )
    return found


def _moments(sequences: Sequence[EmbeddedSequence]) -> Result:
    pairs = _pairs(sequences, within=True)
    return {"chance": moments_by_chance(sequences)} | {
        f"{ask} → {among}": moments(sequences, ask, among) for ask, among in pairs
    }


def run_retrieval(args: argparse.Namespace) -> Result:
    """Every ordered pair of modalities: windows ask among those of other people in a vector store."""
    store = _store(args)
    database = Database(store, embed_store(read(args.model).model, store, args.stride), args.database)
    found: Result = {}
    for ask, among in _pairs([embedded for _, embedded in database.pairs]):
        settings = RetrievalSettings(args.queries, seed=args.seed)
        found[f"{ask} → {among}"], answers = retrieval(database, ask, among, settings)
        if args.figures:
            draw_retrievals(answers, args.figures / f"retrieval_{ask}_{among}.png")
    return found


def run_embedding(args: argparse.Namespace) -> Result:
    """How near the modalities of one window lie, and how far those of different windows."""
    store = _store(args)
    sequences = embed_store(read(args.model).model, store, args.stride)
    if args.figures:
        draw_embedding(store, sequences, args.figures / "embedding.png", seed=args.seed)
    return {
        f"{one} – {other}": alignment(sequences, one, other)
        for one, other in _pairs(sequences)
        if one < other
    }


def run_recognition(args: argparse.Namespace) -> Result:
    """One modality, every mode asked for; train on `--train-group`, choose on validate, test on `--group`."""
    model, store = read(args.model).model, SequenceStore.open(*args.data)
    train = LabelledWindows.of(store.group(args.train_group), args.stride)
    validate, test = (
        LabelledWindows.of(store.group(group), args.stride, train.classes)
        for group in ("validate", args.group)
    )
    found = {
        mode: recognise(
            model,
            args.modality,
            {"train": train, "validate": validate, "test": test},
            RecognitionSettings(mode, epochs=args.epochs, seed=args.seed),
        )
        for mode in args.modes
    }
    if args.zero_shot:
        text = text_encoder(args.zero_shot, model.width)
        found["zero_shot"] = zero_shot(model, args.modality, test, text)
    return found


def run_activities(args: argparse.Namespace) -> Result:
    """The released activity heads: accuracy per label and confusion matrix."""
    checkpoint = read(args.model)
    if checkpoint.heads is None:
        raise UserError(f"{args.model}: this model has no activity heads")
    test = LabelledWindows.of(_store(args), args.stride, ACTIVITIES, args.frame)
    return measure_heads(checkpoint.model, checkpoint.heads, test)


def run_real_imu(args: argparse.Namespace) -> Result:
    """One real IMU without orientation to real points, on a store of UTD-MHAD."""
    return real_imu(
        read(args.model).model, SequenceStore.open(*args.data), args.group, args.scenes, args.seed
    )


TASKS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "matching": run_matching,
    "conditions": run_conditions,
    "moments": run_moments,
    "retrieval": run_retrieval,
    "embedding": run_embedding,
    "recognition": run_recognition,
    "activities": run_activities,
    "real_imu": run_real_imu,
}


@command("training.evaluate")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    args = _parser().parse_args(arguments)
    result = TASKS[args.task](args)
    if args.card:
        _write_to_card(args, result)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    if args.json:
        args.json.write_text(text + "\n")
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="training.evaluate", description=__doc__)
    parser.add_argument("task", choices=TASKS, help="what to measure")
    parser.add_argument("--model", type=Path, required=True, help="model folder or checkpoint")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="sequence stores")
    parser.add_argument("--mocap", default="", help="motion capture folder, for conditions")
    parser.add_argument("--group", default="test", help="whose sequences: train, validate or test")
    parser.add_argument("--train-group", default="train", help="recognition: whom to train on")
    parser.add_argument("--modality", default="points", help="recognition: points, imu or skeleton")
    parser.add_argument("--modes", nargs="*", default=list(MODES), choices=MODES, help="recognition: how")
    parser.add_argument(
        "--zero-shot", choices=ENCODERS, help="recognition: also by the nearest label, encoded by this"
    )
    parser.add_argument(
        "--frame", type=int, default=LABEL_FRAME, help="activities: frame of a window that has its label"
    )
    parser.add_argument(
        "--at-least",
        type=int,
        default=1,
        help="moments: windows of a sequence; in short ones any answer is near the truth",
    )
    parser.add_argument("--epochs", type=int, default=35, help="recognition: epochs")
    parser.add_argument("--stride", type=int, default=1, help="frames between windows")
    parser.add_argument("--scenes", type=int, default=1000, help="matching: scenes of each size")
    parser.add_argument("--motions", type=int, default=200, help="conditions: motions to simulate")
    parser.add_argument("--queries", type=int, default=200, help="retrieval: windows that ask")
    parser.add_argument(
        "--database", default=MEMORY, help="retrieval: vector store: a folder, or a Qdrant server's URL"
    )
    parser.add_argument(
        "--figures",
        type=Path,
        help="folder for figures of moments, retrieval and embedding; training.card_figures draws more",
    )
    parser.add_argument("--as-released", action="store_true", help="matching with the authors' code's slips")
    parser.add_argument("--seed", type=int, default=0, help="of draws and simulation")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument(
        "--card", nargs="?", type=Path, const=True, help="write the result into the model's card, or FOLDER's"
    )
    parser.add_argument("--entry", help="name of the result in the card (default: the task's)")
    parser.add_argument("--note", help="what a reader of the card should know about the result")
    return parser


def _matching(args: argparse.Namespace) -> MatchingSettings:
    return MatchingSettings(scenes=args.scenes, seed=args.seed, as_released=args.as_released)


def _store(args: argparse.Namespace) -> SequenceStore:
    if not args.data:
        raise UserError(f"{args.task}: --data STORE is needed; training.data.simulated makes one")
    return SequenceStore.open(*args.data).group(args.group)


def _by_set(sequences: Sequence[Any]) -> dict[str, list[Any]]:
    """All sequences together, and each data set (the first part of the person's name) that is large enough.

    With fewer sequences than people in the largest scene, scenes would hold a sequence twice.
    """
    sets: dict[str, list[Any]] = {}
    for item in sequences:
        sets.setdefault(item.info.person.partition("/")[0], []).append(item)
    large = {name: part for name, part in sets.items() if max(PEOPLE) <= len(part) < len(sequences)}
    return {"all": list(sequences), **large}


def _pairs(sequences: Sequence[Any], within: bool = False) -> list[tuple[str, str]]:
    """Ordered pairs of modalities; of one with itself only where asked for."""
    names = sorted({name for item in sequences for name in item.embeddings})
    return [(ask, among) for ask, among in product(names, names) if within or ask != among]


def _some(motions: Sequence[Motion], args: argparse.Namespace) -> list[Motion]:
    """Up to `--motions` of them, the same number of each person as far as they reach."""
    rng = np.random.default_rng(args.seed)
    people: dict[str, list[Motion]] = {}
    for motion in motions:
        people.setdefault(motion.person, []).append(motion)
    shuffled = [[own[i] for i in rng.permutation(len(own))] for _, own in sorted(people.items())]
    turns = [own[turn] for turn in range(max(map(len, shuffled))) for own in shuffled if turn < len(own)]
    return turns[: args.motions]


def _write_to_card(args: argparse.Namespace, result: Result) -> None:
    folder = args.model if args.card is True else args.card
    card = read_card(folder)
    entry = {
        "command": command_line("training.evaluate"),
        "result": _brief(result, DETAILS.get(args.task, ())),
    }
    note = {"note": args.note} if args.note else {}
    measured = {**card.measured, args.entry or args.task: note | entry}
    write_card(replace(card, measured=measured), folder)


def _brief(result: Any, without: Sequence[str] = ()) -> Any:
    """A result as a card shows it: figures rounded, without some of its parts."""
    if isinstance(result, dict):
        return {name: _brief(value, without) for name, value in result.items() if name not in without}
    return round(result, DIGITS) if isinstance(result, float) else result


if __name__ == "__main__":
    sys.exit(main())
