"""The CUDA runtime through cuda-python: every call checked, and the little memory that an engine needs."""

import ctypes
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.errors import UserError


class Cuda:
    """The CUDA runtime on the current device, with one stream. Memory is held until the process ends.

    gpu: the device's name. sm: its compute capability, "9.0". version: of CUDA, "13.0".
    """

    def __init__(self) -> None:
        try:
            from cuda.bindings import runtime
        except ImportError as error:
            raise UserError(f"device 'tensorrt': {error}; `pip install cuda-python` brings it") from error
        self.runtime = runtime
        if not self("cudaGetDeviceCount"):
            raise UserError("device 'tensorrt': no NVIDIA GPU here; choose device: cpu")
        properties = self("cudaGetDeviceProperties", self("cudaGetDevice"))
        self.gpu = properties.name.decode().rstrip("\0")
        self.sm = f"{properties.major}.{properties.minor}"
        version = self("cudaRuntimeGetVersion")
        self.version = f"{version // 1000}.{version % 1000 // 10}"
        self.stream = self("cudaStreamCreateWithFlags", runtime.cudaStreamNonBlocking)

    def __call__(self, function: str, *arguments: Any) -> Any:
        """Calls a function of the CUDA runtime and gives its result.

        Raises:
            UserError: it failed.
        """
        error, *results = getattr(self.runtime, function)(*arguments)
        if error != self.runtime.cudaError_t.cudaSuccess:
            raise UserError(
                f"device 'tensorrt': {function} failed ({error.name}); is there a GPU and its driver?"
            )
        return results[0] if results else None

    def pinned(self, shape: tuple[int, ...]) -> FloatArray:
        """A float32 host array that the GPU copies from and to without a detour."""
        address = int(self("cudaMallocHost", 4 * math.prod(shape)))
        numbers = (ctypes.c_float * math.prod(shape)).from_address(address)
        return np.ctypeslib.as_array(numbers).reshape(shape)

    def allocate(self, size: int) -> int:
        """Address of `size` bytes on the device."""
        return int(self("cudaMalloc", max(size, 1)))

    def upload(self, device: int, host: FloatArray) -> None:
        """Enqueues host → device."""
        kind = self.runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self("cudaMemcpyAsync", device, host.ctypes.data, host.nbytes, kind, self.stream)

    def download(self, host: FloatArray, device: int) -> None:
        """Enqueues device → host."""
        kind = self.runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self("cudaMemcpyAsync", host.ctypes.data, device, host.nbytes, kind, self.stream)

    def wait(self) -> None:
        """Until the stream has done all that was enqueued."""
        self("cudaStreamSynchronize", self.stream)

    def record(self, work: Callable[[], None]) -> Any | None:
        """What `work` enqueues, recorded as a graph instead of run; None where that cannot be recorded."""
        mode = self.runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self("cudaStreamBeginCapture", self.stream, mode)
        try:
            work()
        except UserError:
            self.runtime.cudaStreamEndCapture(self.stream)
            return None
        error, graph = self.runtime.cudaStreamEndCapture(self.stream)
        if error != self.runtime.cudaError_t.cudaSuccess:
            return None
        return self("cudaGraphInstantiate", graph, 0)

    def launch(self, graph: Any) -> None:
        """Enqueues a graph."""
        self("cudaGraphLaunch", graph, self.stream)
