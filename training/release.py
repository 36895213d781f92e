"""From motion to a released model by one command: simulate, train, export.

`python -m training.release models/small --work out/small --sequences 200 --steps 300 --width 64` makes a
small one in minutes. With `--mocap FOLDER` a third of the sequences are captured motion, varied. Whatever
a broken run left in `--work` is taken up again.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.checkpoints import read
from training.command import command
from training.data.simulated import Job, fill
from training.export import export
from training.settings import TrainSettings
from training.train import LAST, RELEASED, train

SECONDS = 6.0
VALIDATE_SHARE = 0.2  # sequences to watch, of people apart, for each sequence to train on


def jobs(group: str, count: int, mocap: str, seed: int) -> list[Job]:
    """Sequences of a group: parametric and made-up motion in halves, or with captured motion in thirds."""
    kinds = ("made_up", "parametric", *(("captured",) if mocap else ()))
    return [Job(kinds[i % len(kinds)], i // len(kinds), group, seed, SECONDS, mocap) for i in range(count)]


def release(out: Path, work: Path, sequences: int, mocap: str, workers: int, settings: TrainSettings) -> None:
    """Simulate `sequences` into `work`, train with `settings` there, and write the model folder `out`."""
    counts = {"train": sequences, "validate": max(24, round(VALIDATE_SHARE * sequences))}
    for group, count in counts.items():
        fill(work / group, jobs(group, count, mocap, settings.seed), workers)
    run = work / "run"
    data, validate = (str(work / "train"),), (str(work / "validate"),)
    train(replace(settings, out=str(run), data=data, validate=validate), resume=(run / LAST).is_file())
    export(read(run / RELEASED), out)


@command("training.release")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    defaults = TrainSettings()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="the model's folder, such as models/small")
    parser.add_argument("--work", type=Path, default=Path("out/release"), help="stores and checkpoints")
    parser.add_argument("--sequences", type=int, default=2000, help="simulated sequences of 6 s to train on")
    parser.add_argument("--mocap", default="", help="folder of packed motion capture files")
    parser.add_argument("--workers", type=int, default=2, help="processes that simulate")
    parser.add_argument("--steps", type=int, default=defaults.steps, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=defaults.batch, help="windows in a batch")
    parser.add_argument("--width", type=int, default=defaults.width, help="embedding width")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    args = parser.parse_args(arguments)
    warmup = min(defaults.warmup, args.steps // 10)
    settings = replace(
        defaults, steps=args.steps, warmup=warmup, batch=args.batch, width=args.width, seed=args.seed
    )
    release(args.out, args.work, args.sequences, args.mocap, args.workers, settings)


if __name__ == "__main__":
    sys.exit(main())
