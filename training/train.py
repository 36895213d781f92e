"""Train encoders of motion into one space: `python -m training.train --data STORE --out RUN`.

Several processes: `torchrun --nproc-per-node 2 -m training.train …`. Going on where a run stopped:
the same command with `--resume`; settings given then replace those that were saved.
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from despite_ros.config import describe, flatten, load_yaml, override
from despite_ros.errors import UserError
from training import checkpoints, distributed, facts
from training.data.batches import Batch, BatchSource
from training.data.store import SequenceStore
from training.heads import ActivityHeads, activity_loss
from training.losses import ContrastiveLoss
from training.networks import Despite
from training.networks.text import text_encoder
from training.settings import TrainSettings
from training.watch import Watch

SETTINGS_FILE = "settings.yaml"
LAST = "last.pt"
RELEASED = "model.safetensors"


@dataclass
class Trainer:
    """A run: networks, optimiser, their moving average, and the step reached.

    model, heads, loss: what is trained. averaged: moving average of the state of model and heads.
    """

    settings: TrainSettings
    rank: int = 0
    world: int = 1
    step: int = 0
    device: torch.device = field(init=False)

    def __post_init__(self) -> None:
        s = self.settings
        self.device = torch.device(_device(s.device))
        torch.manual_seed(s.seed)
        self.model = self._network()
        self.heads = ActivityHeads(s.width).to(self.device)
        self.loss = ContrastiveLoss(s.loss, s.temperature, s.learn_temperature).to(self.device)
        learned = [p for p in (*self.model.parameters(), *self.loss.parameters()) if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in learned if p.ndim > 1], "peak": s.lr},
                {"params": [p for p in learned if p.ndim <= 1], "peak": s.lr, "weight_decay": 0.0},
                {"params": [*self.heads.parameters()], "peak": s.activity_lr, "weight_decay": 0.0},
            ],
            lr=s.lr,
            betas=(0.9, s.beta2),
            weight_decay=s.weight_decay,
        )
        self.averaged = {name: value.clone() for name, value in self._tensors().items()}

    def train_step(self, batch: Batch) -> dict[str, float]:
        """One optimiser step on this rank's share of a batch; the measures of the step."""
        s = self.settings
        torch.manual_seed(hash((s.seed, self.step, self.rank)) % 2**63)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * learning_rate_factor(self.step, s)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=s.bfloat16):
            own = self._embed(self._inputs(batch))
        embeddings = distributed.gather_embeddings({name: rows.float() for name, rows in own.items()})
        contrast = self.loss(embeddings, self._described(batch))
        total = contrast
        activity = distributed.gather_rows(torch.from_numpy(batch.activity).to(self.device))
        if s.activity:
            detached = {name: rows.detach() for name, rows in embeddings.items()}
            total = contrast + activity_loss(self.heads(detached), activity)
        total.backward()
        distributed.average_gradients(self._parameters())
        if s.clip:
            torch.nn.utils.clip_grad_norm_((*self.model.parameters(), *self.loss.parameters()), s.clip)
        self.optimizer.step()
        self.step += 1
        self._average()
        return {
            "loss": float(contrast.detach()),
            "activity_loss": float((total - contrast).detach()),
            "temperature": float(self.loss.temperature.detach()),
            "lr": float(self.optimizer.param_groups[0]["lr"]),
        }

    def save(self, path: Path) -> None:
        """Everything needed to go on exactly, and the averaged weights for release."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "heads": self.heads.state_dict(),
            "loss": self.loss.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averaged": self.averaged,
        }
        partial = path.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a saved state.

        Raises:
            UserError: there is none, or it is of networks of another shape.
        """
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.heads.load_state_dict(state["heads"])
            self.loss.load_state_dict(state["loss"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            raise UserError(f"{path}: cannot go on from here ({error})") from error
        for group, peak in zip(self.optimizer.param_groups, self._peaks(), strict=True):
            group["peak"] = peak
        self.averaged = state["averaged"]
        self.step = int(state["step"])

    def released(self) -> tuple[Despite, ActivityHeads]:
        """Copies of model and heads that hold the averaged weights (the plain ones without averaging)."""
        model = self._network()
        heads = ActivityHeads(self.settings.width).to(self.device)
        model.load_state_dict(_part(self.averaged, "model."))
        heads.load_state_dict(_part(self.averaged, "heads."))
        return model.eval(), heads.eval()

    def _embed(self, inputs: dict[str, Any]) -> dict[str, Tensor]:
        """Embeddings by modality; of the point tokens only a random share is kept (FLIP, CVPR 2023)."""
        if self.settings.token_share == 1.0 or "points" not in inputs:
            return self.model.encode(**inputs)
        crops = inputs.pop("points")
        encoder = self.model.pointcloud_encoder
        anchors, tokens = encoder.tube_embedding(crops)
        count = max(1, round(self.settings.token_share * tokens.shape[1]))
        kept = torch.rand(tokens.shape[:2], device=tokens.device).argsort(1)[:, :count, None]
        anchors, tokens = anchors.take_along_dim(kept, 1), tokens.take_along_dim(kept, 1)
        points = encoder.head(encoder.transformer(anchors, tokens).amax(dim=1))
        return {"points": points} | self.model.encode(**inputs)

    def _network(self) -> Despite:
        s = self.settings
        scale = s.acceleration_scale
        text = text_encoder(s.text_encoder, s.width) if "text" in s.modalities else None
        network = Despite(s.modalities, s.width, scale, in_sampling_order=True, text=text)
        return network.to(self.device)

    def _described(self, batch: Batch) -> Tensor | None:
        """Which rows of the whole batch have a description, B bool; None without the modality text."""
        if "text" not in self.settings.modalities:
            return None
        rows = torch.tensor([bool(text) for text in batch.text], device=self.device)
        return distributed.gather_rows(rows.float()) > 0

    def _inputs(self, batch: Batch) -> dict[str, Any]:
        arrays = {"points": batch.points, "imu": batch.imu, "skeleton": batch.skeleton}
        inputs: dict[str, Any] = {
            name: torch.from_numpy(array).to(self.device)
            for name, array in arrays.items()
            if array is not None
        }
        return inputs | ({"text": batch.text} if "text" in self.settings.modalities else {})

    def _parameters(self) -> list[torch.nn.Parameter]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def _peaks(self) -> tuple[float, float, float]:
        return self.settings.lr, self.settings.lr, self.settings.activity_lr

    def _tensors(self) -> dict[str, Tensor]:
        model = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        return model | {f"heads.{name}": value for name, value in self.heads.state_dict().items()}

    def _average(self) -> None:
        """Moving average, warmed up so that the start is soon forgotten."""
        decay = min(self.settings.average, (1 + self.step) / (10 + self.step))
        for name, value in self._tensors().items():
            self.averaged[name].lerp_(value, 1 - decay)


def learning_rate_factor(step: int, settings: TrainSettings) -> float:
    """Linear warm-up, then 1, then a cosine to 0 over the last `decay` of the steps."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    span = max(1.0, settings.decay * settings.steps)
    left = (settings.steps - step) / span
    return 1.0 if left >= 1 else 0.5 - 0.5 * math.cos(math.pi * max(0.0, left))


def train(settings: TrainSettings, resume: bool = False) -> Trainer:
    """Run to `settings.steps`, leaving checkpoints, settings and TensorBoard logs in `settings.out`.

    Raises:
        UserError: nothing to train on, or nothing to resume.
    """
    rank, world = distributed.start(_device(settings.device))
    if settings.threads:
        torch.set_num_threads(settings.threads)
    out = Path(settings.out)
    trainer = Trainer(settings, rank, world)
    if resume:
        trainer.load(out / LAST)
    store = SequenceStore.open(*settings.data).group("train")
    source = BatchSource(
        store, settings.modalities, settings.batch, settings.windows_per_sequence, settings.window_gap,
        settings.augment, settings.seed, rank, world,
    )  # fmt: skip
    watch = _watch(settings) if rank == 0 else None
    if rank == 0:
        out.mkdir(parents=True, exist_ok=True)
        (out / SETTINGS_FILE).write_text(yaml.safe_dump(plain(flatten(settings)), sort_keys=False))
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
    bar.close()


def _release(trainer: Trainer, store: SequenceStore, watch: Watch | None, path: Path) -> None:
    """The averaged weights in the form that `training.export` takes, with what the card says of them."""
    model, heads = trainer.released()
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


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


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
    settings = TrainSettings()
    saved = Path(options.get("out", settings.out)) / SETTINGS_FILE
    if resume:
        settings = override(settings, load_yaml(saved), str(saved))
    if config:
        settings = override(settings, load_yaml(config), config)
    return override(settings, options, "command line"), resume


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the exit status is 2 for errors that the user can mend."""
    try:
        settings, resume = settings_from(sys.argv[1:] if arguments is None else arguments)
        train(settings, resume)
    except UserError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
