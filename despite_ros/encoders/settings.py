"""Settings of the encoders room."""

from dataclasses import dataclass

from despite_ros.config import setting


@dataclass(frozen=True)
class EncoderSettings:
    """Settings of `despite_ros.encoders`."""

    model: str = setting("despite-pi", "name of a released model, or the path of a model's folder")
    device: str = setting("auto", "where the encoders run: auto, cpu, cuda or tensorrt")
    threads: int = setting(0, "CPU threads of the encoders; 0: one per core", 0, 256)
