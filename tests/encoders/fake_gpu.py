"""Stand-ins for `tensorrt` and `cuda.bindings.runtime`: an "engine" that sums each window, in host memory.

They check what the real ones demand: no work on a context before its shape and addresses are set, nothing run
while a stream records, and contexts alive as long as their graphs.
"""

# ruff: noqa: N802, N815 (the names are CUDA's)
import ctypes
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

WIDTH = 2


class Error(Enum):
    cudaSuccess = 0
    cudaErrorNoDevice = 100


class Runtime(ModuleType):
    """cuda.bindings.runtime with one device."""

    cudaError_t = Error
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)
    cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)
    cudaStreamNonBlocking = 1

    def __init__(self, devices: int = 1) -> None:
        super().__init__("cuda.bindings.runtime")
        self.devices = devices
        self.memory: list[Any] = []
        self.recording: list[Callable[[], None]] | None = None
        self.graphs: list[list[Callable[[], None]]] = []
        self.records = True  # whether an engine can be captured

    def enqueue(self, work: Callable[[], None]) -> None:
        if self.recording is None:
            work()
        else:
            self.recording.append(work)

    def cudaGetDeviceCount(self) -> tuple[Error, int]:
        return (Error.cudaSuccess if self.devices else Error.cudaErrorNoDevice), self.devices

    def cudaGetDevice(self) -> tuple[Error, int]:
        return Error.cudaSuccess, 0

    def cudaGetDeviceProperties(self, device: int) -> tuple[Error, Any]:
        return Error.cudaSuccess, SimpleNamespace(name=b"Fake 9000", major=9, minor=0)

    def cudaRuntimeGetVersion(self) -> tuple[Error, int]:
        return Error.cudaSuccess, 12080

    def cudaStreamCreateWithFlags(self, flags: int) -> tuple[Error, int]:
        return Error.cudaSuccess, 77

    def cudaMalloc(self, size: int) -> tuple[Error, int]:
        self.memory.append(ctypes.create_string_buffer(size))
        return Error.cudaSuccess, ctypes.addressof(self.memory[-1])

    cudaMallocHost = cudaMalloc

    def cudaMemcpyAsync(self, to: int, source: int, size: int, kind: int, stream: int) -> tuple[Error]:
        def copy() -> None:
            ctypes.memmove(to, source, size)

        self.enqueue(copy)
        return (Error.cudaSuccess,)

    def cudaStreamSynchronize(self, stream: int) -> tuple[Error]:
        assert self.recording is None, "a synchronisation breaks a capture"
        return (Error.cudaSuccess,)

    def cudaStreamBeginCapture(self, stream: int, mode: int) -> tuple[Error]:
        self.recording = []
        return (Error.cudaSuccess,)

    def cudaStreamEndCapture(self, stream: int) -> tuple[Error, Any]:
        graph, self.recording = self.recording, None
        return Error.cudaSuccess, graph

    def cudaGraphInstantiate(self, graph: Any, flags: int) -> tuple[Error, Any]:
        self.graphs.append(graph)
        return Error.cudaSuccess, graph

    def cudaGraphLaunch(self, graph: Any, stream: int) -> tuple[Error]:
        for work in graph:
            work()
        return (Error.cudaSuccess,)


class Context:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._addresses: dict[str, int] = {}
        self._shape: tuple[int, ...] = ()
        self._runs = 0

    def set_device_memory(self, address: int, size: int) -> None:
        assert address

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> None:
        self._shape = shape

    def set_tensor_address(self, name: str, address: int) -> None:
        self._addresses[name] = address

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == 77
        assert self._runtime.recording is None or self._runs, "the first run of a shape must not be captured"
        if self._runtime.recording is not None and not self._runtime.records:
            return False
        self._runs += 1
        self._runtime.enqueue(self._run)
        return True

    def _run(self) -> None:
        count = int(np.prod(self._shape))
        given = (ctypes.c_float * count).from_address(self._addresses["windows"])
        sums = np.ctypeslib.as_array(given).reshape(self._shape).sum(axis=tuple(range(1, len(self._shape))))
        out = (ctypes.c_float * (len(sums) * WIDTH)).from_address(self._addresses["embeddings"])
        np.ctypeslib.as_array(out)[:] = np.stack([sums, -sums], axis=1).ravel()


class Engine:
    num_io_tensors = 2
    device_memory_size_v2 = 64

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def get_tensor_name(self, place: int) -> str:
        return ("windows", "embeddings")[place]

    def get_tensor_mode(self, name: str) -> str:
        return {"windows": "in", "embeddings": "out"}[name]

    def get_tensor_dtype(self, name: str) -> str:
        return "float32"

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return (-1, WIDTH)

    def create_execution_context(self, strategy: str) -> Context:
        assert strategy == "user managed"
        return Context(self._runtime)


class TensorRt(ModuleType):
    """tensorrt with a builder that counts what it builds."""

    float32 = "float32"
    TensorIOMode = SimpleNamespace(INPUT="in", OUTPUT="out")
    ExecutionContextAllocationStrategy = SimpleNamespace(USER_MANAGED="user managed")
    NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
    BuilderFlag = SimpleNamespace(TF32="tf32")

    def __init__(self, runtime: Runtime, version: str = "10.9.0.34") -> None:
        super().__init__("tensorrt")
        self.__version__ = version
        self.cuda = runtime
        self.built: list[dict[str, Any]] = []
        self.loads = True
        self.Logger = type("Logger", (), {"WARNING": 1, "__init__": lambda self, level: None})
        self.Runtime = lambda logger: SimpleNamespace(deserialize_cuda_engine=self._deserialise)
        self.Builder = lambda logger: SimpleNamespace(
            create_network=self._network,
            create_builder_config=self._config,
            create_optimization_profile=self._profile,
            build_serialized_network=self._build,
        )
        self.OnnxParser = lambda network, logger: SimpleNamespace(
            parse_from_file=lambda path: Path(path).read_bytes() != b"unsupported",
            num_errors=1,
            get_error=lambda place: "node 7: no",
        )

    def _deserialise(self, plan: bytes) -> Engine | None:
        return Engine(self.cuda) if self.loads and plan.startswith(b"plan") else None

    def _network(self, flags: int) -> Any:
        assert flags == 2, "strongly typed"
        return SimpleNamespace(get_input=lambda place: SimpleNamespace(name="windows"))

    def _config(self) -> Any:
        config = SimpleNamespace(profiles=[], cache=b"", flags={"tf32"})
        config.clear_flag = config.flags.discard
        config.create_timing_cache = lambda known: known
        config.set_timing_cache = lambda cache, ignore_mismatch: setattr(config, "cache", cache)
        config.add_optimization_profile = config.profiles.append
        config.get_timing_cache = lambda: SimpleNamespace(serialize=lambda: config.cache + b"+")
        return config

    def _profile(self) -> Any:
        profile = SimpleNamespace(shapes={})
        profile.set_shape = lambda name, *shapes: profile.shapes.update({name: shapes})
        return profile

    def _build(self, network: Any, config: Any) -> bytes:
        facts = {"shapes": config.profiles[0].shapes, "flags": config.flags, "timing": config.cache}
        self.built.append(facts)
        return b"plan %d" % len(self.built)


def install(monkeypatch: pytest.MonkeyPatch, version: str = "10.9.0.34", devices: int = 1) -> TensorRt:
    """Puts the stand-ins where `import` finds them."""
    runtime = Runtime(devices)
    tensorrt = TensorRt(runtime, version)
    bindings = ModuleType("cuda.bindings")
    bindings.runtime = runtime  # type: ignore[attr-defined]
    modules = {"cuda": ModuleType("cuda"), "cuda.bindings": bindings, "cuda.bindings.runtime": runtime}
    for name, module in {**modules, "tensorrt": tensorrt}.items():
        monkeypatch.setitem(sys.modules, name, module)
    return tensorrt
