"""Settings of a training run: each an option of `python -m training.train` and a line of its YAML file."""

from dataclasses import dataclass

from despite_ros.config import section, setting
from training.data.augment import AugmentSettings


@dataclass(frozen=True)
class TrainSettings:
    """Recipes are files of `training/config`: that of the released model and the paper's."""

    data: tuple[str, ...] = setting((), "sequence stores to train on (their group `train`)")
    validate: tuple[str, ...] = setting((), "sequence stores to watch (their group `validate`)")
    out: str = setting("out/run", "folder of checkpoints, effective settings and TensorBoard logs")
    initial: str = setting("", "trained model to start from, a checkpoint or a model's folder; empty: none")
    modalities: tuple[str, ...] = setting(("points", "imu"), "which of points, imu, skeleton, text")
    text_encoder: str = setting("clip", "frozen encoder of the modality text: clip or ngrams")
    width: int = setting(512, "embedding width E", 8, 4096)
    loss: str = setting("paper", "form of the loss: paper or code")
    temperature: float = setting(0.07, "start of the temperature", 0.01, 10.0)
    learn_temperature: bool = setting(True, "train the temperature")
    batch: int = setting(192, "windows in a batch, over all processes", 2)
    windows_per_sequence: int = setting(2, "windows of one sequence in a batch: hard negatives", 1)
    single_source: float = setting(
        0.0, "share of the batches that are drawn from one source alone: harder negatives", 0.0, 1.0
    )
    window_gap: int = setting(5, "frames that windows of one sequence lie apart at least", 1)
    steps: int = setting(4000, "optimiser steps", 1)
    lr: float = setting(1e-3, "learning rate", 0.0, 1.0)
    warmup: int = setting(100, "steps of linear warm-up", 0)
    decay: float = setting(
        1.0, "share of the steps, at the end, over which a cosine takes the rate to 0", 0, 1
    )
    beta2: float = setting(0.98, "Adam's decay of the second moment", 0, 1)
    weight_decay: float = setting(0.01, "decoupled weight decay (AdamW); 0 is plain Adam", 0, 10)
    clip: float = setting(1.0, "largest norm of the gradient; 0 for none", 0)
    average: float = setting(
        0.998, "decay of the moving average of the weights that is released; 0 for none", 0, 1
    )
    token_share: float = setting(1.0, "share of the point tokens that a training step looks at", 0.05, 1.0)
    acceleration_scale: float = setting(
        0.1, "factor on acceleration channels, folded into released weights", 0, 1
    )
    activity: bool = setting(True, "train activity heads on the (detached) embeddings")
    activity_lr: float = setting(1e-2, "learning rate of the activity heads", 0.0, 1.0)
    seed: int = setting(0, "everything random follows from it", 0)
    threads: int = setting(0, "CPU threads; 0 for torch's own choice", 0)
    bfloat16: bool = setting(
        False, "encoders run in bfloat16 (autocast) where the device can; weights and loss stay float32"
    )
    device: str = setting("auto", "auto, cpu or cuda")
    watch_every: int = setting(200, "steps between measurements on `validate`", 1)
    keep_every: int = setting(1000, "steps between checkpoints that are kept; the last is always kept", 1)
    augment: AugmentSettings = section(AugmentSettings)
