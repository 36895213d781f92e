"""Train encoders of motion into one space: `python -m training.train --data STORE --out RUN`.

Several processes: `torchrun --nproc-per-node 2 -m training.train …`. Going on where a run stopped:
the same command with `--resume`; settings given then replace those that were saved.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from despite_ros.config import describe, flatten, load_yaml, override
from training import checkpoints, distributed, facts
from training.command import command
from training.data.batches import BatchSource
from training.data.store import SequenceStore
from training.settings import TrainSettings
from training.trainer import Trainer, device_name
from training.watch import Watch

SETTINGS_FILE = "settings.yaml"
LAST = "last.pt"
RELEASED = "model.safetensors"


def train(settings: TrainSettings, resume: bool = False) -> Trainer:
    """Run to `settings.steps`, leaving checkpoints, settings and TensorBoard logs in `settings.out`.

    Raises:
        UserError: nothing to train on, or nothing to resume.
    """
    rank, world = distributed.start(device_name(settings.device))
    if settings.threads:
        torch.set_num_threads(settings.threads)
    out = Path(settings.out)
    trainer = Trainer(settings, rank, world)
    if resume:
        trainer.load(out / LAST)
    elif settings.initial:
        trainer.start_from(checkpoints.read(settings.initial), settings.initial)
    store = SequenceStore.open(*settings.data).group("train")
    source = BatchSource(
        store, settings.modalities, settings.batch, settings.windows_per_sequence, settings.window_gap,
        settings.augment, settings.seed, rank, world, settings.single_source,
    )  # fmt: skip
    watch = _watch(settings) if rank == 0 else None
    if rank == 0:
        out.mkdir(parents=True, exist_ok=True)
        (out / SETTINGS_FILE).write_text(yaml.safe_dump(plain(flatten(settings)), sort_keys=False))
        if settings.bfloat16 and not trainer.bfloat16:
            print(f"bfloat16: this {trainer.device.type} does not compute in it; training in float32")
    _loop(trainer, source, watch, out)
    if rank == 0:
        _release(trainer, store, watch, out / RELEASED)
    distributed.stop()
    return trainer


def _loop(trainer: Trainer, source: BatchSource, watch: Watch | None, out: Path) -> None:
    settings, chief = trainer.settings, trainer.rank == 0
    log = SummaryWriter(str(out / "tensorboard"), purge_step=trainer.step) if chief else None
    bar = tqdm(
        total=settings.steps * settings.batch, initial=trainer.step * settings.batch, unit="samples",
        disable=not chief, dynamic_ncols=True, mininterval=2.0,
    )  # fmt: skip
    trainer.model.train()
    while trainer.step < settings.steps:
        measures = trainer.train_step(source.draw(trainer.step))
        bar.update(settings.batch)
        bar.set_postfix(step=trainer.step, loss=f"{measures['loss']:.3f}", refresh=False)
        done = trainer.step == settings.steps
        if chief and log and (done or trainer.step % settings.watch_every == 0):
            if watch:
                measures |= watch.measure(*trainer.released(), trainer.device)
            trainer.save(out / LAST)
            told = "  ".join(f"{name} {value:.4g}" for name, value in measures.items())
            tqdm.write(f"{time.strftime('%H:%M:%S')}  step {trainer.step}  {told}", file=sys.stdout)
            sys.stdout.flush()
        if chief and trainer.step % settings.keep_every == 0:
            trainer.save(out / f"step_{trainer.step:06d}.pt")
        for name, value in measures.items():
            if log:
                log.add_scalar(name, value, trainer.step)
    if chief:
        trainer.save(out / LAST)
    if log:
        log.close()
    bar.close()


def _release(trainer: Trainer, store: SequenceStore, watch: Watch | None, path: Path) -> None:
    """The averaged weights in the form that `training.export` takes, with what the card says of them."""
    model, heads = trainer.released()
    if watch:
        model.pointcloud_encoder.scale_output(watch.unit_scale(model, trainer.device))
    groups = {"train": store} | ({"validate": watch.store} if watch else {})
    information: dict[str, Any] = {
        "training_data": facts.training_data(store),
        "split": facts.split(groups),
    }
    if watch:
        information["similarity"] = watch.calibrate(model, heads, trainer.device)
        information["measured"] = {"validate": watch.measure(model, heads, trainer.device)}
    checkpoints.save(path, model, heads if trainer.settings.activity else None, **information)


def _watch(settings: TrainSettings) -> Watch | None:
    if not {"points", "imu"} <= set(settings.modalities):
        return None  # what is watched is IMU to points
    store = SequenceStore.open(*settings.validate).group("validate")
    return Watch.choose(store) if store.sequences else None


def plain(flat: dict[str, Any]) -> dict[str, Any]:
    """Settings as YAML can hold them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in flat.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", help="YAML file with any of the settings below")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    defaults = flatten(TrainSettings())
    for name, note in describe(TrainSettings()).items():
        default = defaults[name]
        many = isinstance(default, tuple)
        shown = " ".join(default) if many else default
        parser.add_argument(
            f"--{name}", nargs="*" if many else None, type=str if many else _reader(default), metavar="VALUE",
            help=f"{note['description']} (default: {shown})".replace("%", "%%"),
        )  # fmt: skip
    return parser


def _reader(default: Any) -> Any:
    if isinstance(default, bool):
        return lambda text: {"true": True, "false": False}[text.lower()]
    return type(default)


def settings_from(arguments: Sequence[str]) -> tuple[TrainSettings, bool]:
    """Settings of a command line, and whether to resume: defaults < saved ones < --config < options."""
    given = vars(_parser().parse_args(arguments))
    config, resume = given.pop("config"), given.pop("resume")
    options = {name: value for name, value in given.items() if value is not None}
    of_file = load_yaml(config) if config else {}

    def settled(start: TrainSettings) -> TrainSettings:
        return override(override(start, of_file, config or ""), options, "command line")

    settings = settled(TrainSettings())
    if resume:
        saved = Path(settings.out) / SETTINGS_FILE
        settings = settled(override(TrainSettings(), load_yaml(saved), str(saved)))
    return settings, resume


@command("training.train")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    settings, resume = settings_from(sys.argv[1:] if arguments is None else arguments)
    train(settings, resume)


if __name__ == "__main__":
    sys.exit(main())
