"""TensorRT 10 and 11 back end: strongly typed engines, one stream, one CUDA graph for each size of batch."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.encoders.card import sha256
from despite_ros.encoders.cuda import Cuda
from despite_ros.encoders.engine_cache import (
    EngineCache,
    EngineKey,
    Profile,
    load_or_build,
    write_atomically,
)
from despite_ros.errors import UserError

OLDEST, NOT_YET = (10, 1), (12,)  # versions


class TensorRtNetwork:
    """A graph with one float32 input and one float32 output, batch first, as a TensorRT engine."""

    def __init__(
        self, graph: Path, profile: Profile, precision: str, cache: EngineCache | None = None
    ) -> None:
        """Loads the engine from the cache, or builds it (minutes).

        graph: an ONNX file whose own types are those that the engine computes in. precision: their name.

        Raises:
            UserError: TensorRT, cuda-python or a GPU is missing, or TensorRT cannot build the engine.
        """
        self._tensorrt = import_tensorrt()
        self._cuda = Cuda()
        self._profile = profile
        self._logger = self._tensorrt.Logger(self._tensorrt.Logger.WARNING)
        self._runtime = self._tensorrt.Runtime(self._logger)
        cache = cache or EngineCache()
        version = self._tensorrt.__version__
        gpu = self._cuda.gpu
        key = EngineKey(sha256(graph), version, self._cuda.version, gpu, self._cuda.sm, precision, profile)
        build = partial(build_plan, self._tensorrt, self._logger, graph, profile, cache.timing_cache(key))
        self._engine = load_or_build(cache, key, self._runtime.deserialize_cuda_engine, build)
        self._allocate(graph)
        self._contexts: dict[int, Any] = {}  # by bucket; a graph needs its context alive
        self._graphs: dict[int, Any] = {}  # by bucket, None where TensorRT cannot be captured
        self.provider = f"TensorRT {version} on {gpu}, {precision}"

    def __call__(self, batch: FloatArray) -> FloatArray:
        """B×shape → B×E, B ≤ profile.largest."""
        bucket = self._profile.bucket(len(batch))
        if bucket not in self._graphs:
            self._graphs[bucket] = self._capture(bucket)
        # Rows up to the bucket keep what they had; nobody reads their results.
        self._host_input[: len(batch)] = batch
        if self._graphs[bucket] is None:
            self._enqueue(bucket)
        else:
            self._cuda.launch(self._graphs[bucket])
        self._cuda.wait()
        return np.array(self._host_output[: len(batch)])

    def _allocate(self, graph: Path) -> None:
        engine, modes = self._engine, self._tensorrt.TensorIOMode
        names = [engine.get_tensor_name(place) for place in range(engine.num_io_tensors)]
        inputs = [name for name in names if engine.get_tensor_mode(name) == modes.INPUT]
        outputs = [name for name in names if engine.get_tensor_mode(name) == modes.OUTPUT]
        floats = all(engine.get_tensor_dtype(name) == self._tensorrt.float32 for name in names)
        if (len(inputs), len(outputs)) != (1, 1) or not floats:
            raise UserError(f"{graph}: needs one float32 input and one float32 output, has {names}")
        self._input, self._output = inputs[0], outputs[0]
        width = engine.get_tensor_shape(self._output)[-1]
        self._host_input = self._cuda.pinned((self._profile.largest, *self._profile.shape))
        self._host_output = self._cuda.pinned((self._profile.largest, width))
        self._device_input = self._cuda.allocate(self._host_input.nbytes)
        self._device_output = self._cuda.allocate(self._host_output.nbytes)
        # One scratch memory serves all contexts, since they run one after the other on one stream.
        self._scratch = self._cuda.allocate(engine.device_memory_size_v2)

    def _capture(self, bucket: int) -> Any | None:
        """A CUDA graph of copy, inference, copy for batches of that size; None for an engine with loops.

        A context's shapes are part of what is captured, so each bucket has a context of its own.
        """
        self._contexts[bucket] = self._context(bucket)
        self._enqueue(bucket)  # a first run outside the capture: TensorRT prepares for the shape
        self._cuda.wait()
        graph = self._cuda.record(partial(self._enqueue, bucket))
        if graph is None:
            self._contexts[bucket] = self._context(bucket)  # the old one has seen a capture fail
        return graph

    def _context(self, bucket: int) -> Any:
        strategy = self._tensorrt.ExecutionContextAllocationStrategy.USER_MANAGED
        context = self._engine.create_execution_context(strategy)
        context.set_device_memory(self._scratch, self._engine.device_memory_size_v2)
        context.set_input_shape(self._input, (bucket, *self._profile.shape))
        context.set_tensor_address(self._input, self._device_input)
        context.set_tensor_address(self._output, self._device_output)
        return context

    def _enqueue(self, bucket: int) -> None:
        self._cuda.upload(self._device_input, self._host_input[:bucket])
        if not self._contexts[bucket].execute_async_v3(int(self._cuda.stream)):
            raise UserError(f"TensorRT could not run a batch of {bucket}; see its log")
        self._cuda.download(self._host_output[:bucket], self._device_output)


def import_tensorrt() -> Any:
    """The tensorrt module.

    Raises:
        UserError: it is not installed, or of a version that is not known to work.
    """
    try:
        import tensorrt
    except ImportError as error:
        raise UserError(
            f"device 'tensorrt': {error}; `pip install tensorrt cuda-python` brings it, or choose device: cpu"
        ) from error
    version = tuple(int(part) for part in tensorrt.__version__.split(".")[:2])
    if not OLDEST <= version < NOT_YET:
        raise UserError(f"device 'tensorrt': found TensorRT {tensorrt.__version__}, needs 10.1 to 11.x")
    return tensorrt


def build_plan(tensorrt: Any, logger: Any, graph: Path, profile: Profile, timing_cache: Path) -> bytes:
    """Builds a strongly typed engine with one profile, and serialises it.

    timing_cache: file with the builder's measurements, read where it is and brought up to date.

    Raises:
        UserError: TensorRT does not take the graph.
    """
    builder = tensorrt.Builder(logger)
    strongly_typed = 1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(strongly_typed)
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(graph)):  # by file: weights may lie in another one beside it
        errors = "; ".join(str(parser.get_error(place)) for place in range(parser.num_errors))
        raise UserError(f"{graph}: TensorRT {tensorrt.__version__} cannot read it: {errors}")
    config = builder.create_builder_config()
    config.clear_flag(tensorrt.BuilderFlag.TF32)  # float32 means float32
    known = timing_cache.read_bytes() if timing_cache.is_file() else b""
    config.set_timing_cache(config.create_timing_cache(known), False)
    optimisation = builder.create_optimization_profile()
    optimisation.set_shape(network.get_input(0).name, *profile.shapes())
    config.add_optimization_profile(optimisation)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise UserError(f"{graph}: TensorRT {tensorrt.__version__} cannot build an engine; see its log")
    write_atomically(timing_cache, bytes(config.get_timing_cache().serialize()))
    return bytes(plan)
