"""Measure a model at the paper's tasks: `python -m training.evaluate TASK --model models/NAME --data STORE`.

With `--card` the result is written into the model's card under `measured`, with the command beside it.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.activities import ACTIVITIES
from despite_ros.bags.vectors import MEMORY
from despite_ros.encoders.card import read_card, write_card
from despite_ros.errors import UserError
from despite_ros.simulation.skeleton import Motion
from training.checkpoints import read
from training.data.simulated import pieces_of
from training.data.store import SequenceStore
from training.tasks.activities import measure_heads
from training.tasks.conditions import conditions
from training.tasks.embedding import EmbeddedSequence, alignment, embed_store
from training.tasks.figures import (
    draw_embedding,
    draw_matching,
    draw_moment_curves,
    draw_moments,
    draw_retrievals,
)
from training.tasks.matching import WINDOWS, MatchingSettings, matching
from training.tasks.moments import moments
from training.tasks.recognition import MODES, LabelledWindows, RecognitionSettings, recognise
from training.tasks.retrieval import Database, RetrievalSettings, retrieval

Result = dict[str, Any]
PIECE = 3.0  # seconds of each motion under each condition


def run_matching(args: argparse.Namespace) -> Result:
    """IMU → points and every other ordered pair, per test set, over all windows and over moving ones."""
    sequences = embed_store(read(args.model).model, _store(args), args.stride)
    found: Result = {}
    for name, part in _by_set(sequences).items():
        found[name] = {
            f"{ask} → {among}": {
                kind: matching(part, ask, among, replace(_matching(args), moving_only=kind == "moving"))
                for kind in _kinds(part)
            }
            for ask, among in _pairs(part)
        }
    if args.figures:
        draw_matching(found["all"], args.figures / "matching.png")
    return found


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
    """Recall@k of every ordered pair of modalities, per test set."""
    sequences = embed_store(read(args.model).model, _store(args), args.stride)
    found = {
        name: {f"{ask} → {among}": moments(part, ask, among) for ask, among in _pairs(part)}
        for name, part in _by_set(sequences).items()
    }
    if args.figures:
        draw_moments(found["all"], args.figures / "moments.png")
        for ask, among in _pairs(sequences):
            draw_moment_curves(
                sequences, ask, among, args.figures / f"moment_{ask}_{among}.png", seed=args.seed
            )
    return found


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
    """One modality, every mode asked for; train on the people of `--train-group`, test on `--group`."""
    model, store = read(args.model).model, SequenceStore.open(*args.data)
    train = LabelledWindows.of(store.group(args.train_group), args.stride)
    test = LabelledWindows.of(store.group(args.group), args.stride, train.classes)
    return {
        mode: recognise(
            model, args.modality, train, test, RecognitionSettings(mode, epochs=args.epochs, seed=args.seed)
        )
        for mode in args.modes
    }


def run_activities(args: argparse.Namespace) -> Result:
    """The released activity heads: accuracy per label and confusion matrix."""
    checkpoint = read(args.model)
    if checkpoint.heads is None:
        raise UserError(f"{args.model}: this model has no activity heads")
    test = LabelledWindows.of(_store(args), args.stride, ACTIVITIES)
    return measure_heads(checkpoint.model, checkpoint.heads, test)


TASKS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "matching": run_matching,
    "conditions": run_conditions,
    "moments": run_moments,
    "retrieval": run_retrieval,
    "embedding": run_embedding,
    "recognition": run_recognition,
    "activities": run_activities,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the exit status is 2 for errors that the user can mend."""
    args = _parser().parse_args(arguments)
    try:
        result = TASKS[args.task](args)
        if args.card:
            _write_to_card(args, result)
    except UserError as error:
        print(f"training.evaluate {args.task}: {error}", file=sys.stderr)
        return 2
    text = json.dumps(result, indent=1, ensure_ascii=False)
    if args.json:
        args.json.write_text(text + "\n")
    print(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="training.evaluate", description=__doc__)
    parser.add_argument("task", choices=TASKS, help="what to measure")
    parser.add_argument("--model", type=Path, required=True, help="model folder or checkpoint")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="sequence stores")
    parser.add_argument("--mocap", default="", help="motion capture folder, for conditions")
    parser.add_argument("--group", default="test", help="whose sequences: train, validate or test")
    parser.add_argument("--train-group", default="train", help="recognition: whom to train on")
    parser.add_argument("--modality", default="points", help="recognition: points, imu or skeleton")
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES, help="recognition: how")
    parser.add_argument("--epochs", type=int, default=35, help="recognition: epochs")
    parser.add_argument("--stride", type=int, default=1, help="frames between windows")
    parser.add_argument("--scenes", type=int, default=1000, help="matching: scenes of each size")
    parser.add_argument("--motions", type=int, default=200, help="conditions: motions to simulate")
    parser.add_argument("--queries", type=int, default=200, help="retrieval: windows that ask")
    parser.add_argument(
        "--database", default=MEMORY, help="retrieval: vector store: a folder, or a Qdrant server's URL"
    )
    parser.add_argument(
        "--figures", type=Path, help="folder for figures: of matching, moments, retrieval, embedding"
    )
    parser.add_argument("--as-released", action="store_true", help="matching with the authors' code's slips")
    parser.add_argument("--seed", type=int, default=0, help="of draws and simulation")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    parser.add_argument("--card", action="store_true", help="write the result into the model's card")
    return parser


def _matching(args: argparse.Namespace) -> MatchingSettings:
    return MatchingSettings(scenes=args.scenes, seed=args.seed, as_released=args.as_released)


def _store(args: argparse.Namespace) -> SequenceStore:
    if not args.data:
        raise UserError(f"{args.task}: --data STORE is needed; training.data.simulated makes one")
    return SequenceStore.open(*args.data).group(args.group)


def _by_set(sequences: Sequence[Any]) -> dict[str, list[Any]]:
    """Sequences by data set (the first part of the person's name), and all together."""
    sets: dict[str, list[Any]] = {"all": list(sequences)}
    for item in sequences:
        sets.setdefault(item.info.person.partition("/")[0], []).append(item)
    return sets if len(sets) > 2 else {"all": sets["all"]}


def _pairs(sequences: Sequence[Any]) -> list[tuple[str, str]]:
    names = sorted({name for item in sequences for name in item.embeddings})
    return list(permutations(names, 2))


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
    card = read_card(args.model)
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    entry = {"command": f"python -m training.evaluate {' '.join(words)}", "result": result}
    write_card(replace(card, measured={**card.measured, args.task: entry}), args.model)


if __name__ == "__main__":
    sys.exit(main())
