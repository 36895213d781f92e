"""What a run trains: networks, heads, temperature, optimiser and moving average, one step at a time."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from despite_ros.errors import UserError
from training import distributed
from training.checkpoints import Checkpoint
from training.data.batches import Batch
from training.heads import ActivityHeads, activity_loss
from training.losses import ContrastiveLoss
from training.networks import Despite
from training.networks.text import text_encoder
from training.settings import TrainSettings


@dataclass
class Trainer:
    """A run: networks, optimiser, their moving average, and the step reached.

    model, heads, loss: what is trained. averaged: moving average of the state of model and heads. bfloat16:
    whether encoders run in it, which takes a setting and a device.
    """

    settings: TrainSettings
    rank: int = 0
    world: int = 1
    step: int = 0
    device: torch.device = field(init=False)
    bfloat16: bool = field(init=False)

    def __post_init__(self) -> None:
        s = self.settings
        self.device = torch.device(device_name(s.device))
        self.bfloat16 = s.bfloat16 and has_bfloat16(self.device.type)
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
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
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

    def start_from(self, checkpoint: Checkpoint, name: str) -> None:
        """Take over the weights of a trained model, as it was released; the optimiser starts anew.

        Raises:
            UserError: its encoders, or their width, are others.
        """
        try:
            self.model.load_state_dict(checkpoint.model.state_dict())
            if checkpoint.heads is not None:
                self.heads.load_state_dict(checkpoint.heads.state_dict())
        except RuntimeError as error:
            raise UserError(f"{name}: cannot start from here ({error})") from error
        if "imu" in self.settings.modalities:
            self.model.imu_encoder.unfold_scale()
        self.averaged = {name: value.clone() for name, value in self._tensors().items()}

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


def device_name(name: str) -> str:
    """ "cuda" or "cpu" of a setting; "auto" takes a GPU where there is one."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def has_bfloat16(device: str) -> bool:
    """Whether "cuda" or "cpu" computes in bfloat16; torch has no LSTM in it for CPUs without AVX-512."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return torch.backends.cpu.get_cpu_capability().startswith("AVX512")


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
