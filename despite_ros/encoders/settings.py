"""Settings of the encoders room."""

from dataclasses import dataclass

from despite_ros.config import setting


@dataclass(frozen=True)
class EncoderSettings:
    """Settings of `despite_ros.encoders`."""

    model: str = setting("despite-pi", "released model: a name below models/, or a folder")
    device: str = setting("auto", "cpu, cuda, tensorrt, or auto: the first of tensorrt, cuda, cpu that works")
    threads: int = setting(0, "threads of the CPU back end; 0: as many as there are cores, at most 4", 0, 256)
    precision: str = setting("float16", "precision of a TensorRT engine: float16 or float32")
    windows_per_sweep: int = setting(
        4, "people whose windows are encoded each sweep, by who has waited longest; 0: all", 0, 10000
    )
    imu_stride: int = setting(
        4,
        "on the CPU, frames between two openings of IMU windows, which get 24 to 23 + this many; 1: 24 each",
        1,
        24,
    )
