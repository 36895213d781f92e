"""ONNX Runtime back ends: CPU and CUDA."""

import os
from pathlib import Path

import numpy as np
import onnxruntime

from despite_ros.arrays import FloatArray
from despite_ros.errors import UserError

MOST_THREADS = 4  # beyond which windows of this size gain nothing
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxNetwork:
    """A graph with one input and one output, batch first."""

    def __init__(self, graph: Path, device: str, threads: int) -> None:
        self._session = open_session(graph, device, threads)
        self._input = self._session.get_inputs()[0].name
        on = "the CPU" if device == "cpu" else "CUDA"
        self.provider = f"ONNX Runtime {onnxruntime.__version__} on {on}"

    def __call__(self, batch: FloatArray) -> FloatArray:
        """B×… → B×E."""
        return np.asarray(self._session.run(None, {self._input: batch})[0], np.float32)


def open_session(graph: Path | bytes, device: str = "cpu", threads: int = 0) -> onnxruntime.InferenceSession:
    """A session on that device and no other.

    graph: a file or a serialised model. threads: 0 as in `resolve_threads`.

    Raises:
        UserError: the device is not there, or the file is not an ONNX model.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = resolve_threads(threads)
    options.log_severity_level = 3  # errors; a missing provider is an error of ours below
    # Idle threads sleep: spinning costs other nodes their CPU for half a millisecond gained.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    _require_provider(device)
    source = graph if isinstance(graph, bytes) else str(graph)
    try:
        session = onnxruntime.InferenceSession(source, options, providers=[PROVIDERS[device]])
    except Exception as error:  # its exceptions share no base class
        raise UserError(
            f"{graph!s:.200}: ONNX Runtime cannot load it ({error})".replace("\n", " ")
        ) from error
    if session.get_providers()[0] != PROVIDERS[device]:
        raise UserError(
            f"device '{device}': ONNX Runtime could not start {PROVIDERS[device]} and would run on"
            f" {session.get_providers()[0]}; is there an NVIDIA GPU with its driver, and CUDA and cuDNN?"
            " `pip install onnxruntime-gpu[cuda,cudnn]` brings the latter"
        )
    return session


def resolve_threads(threads: int) -> int:
    """0 → as many as the process may use, at most MOST_THREADS."""
    return threads or min(len(os.sched_getaffinity(0)), MOST_THREADS)


def _require_provider(device: str) -> None:
    available = onnxruntime.get_available_providers()
    if PROVIDERS[device] not in available:
        raise UserError(
            f"device '{device}': this ONNX Runtime {onnxruntime.__version__} has only {', '.join(available)};"
            " `pip uninstall onnxruntime && pip install onnxruntime-gpu` brings CUDA, or choose device: cpu"
        )
    if device == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()  # CUDA and cuDNN libraries that pip installed
