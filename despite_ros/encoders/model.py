"""A released model, loaded: one interface over ONNX Runtime on the CPU, on CUDA, and TensorRT."""

import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

from despite_ros.arrays import FloatArray
from despite_ros.encoders.card import Card, check_files, find_model, read_card
from despite_ros.encoders.engine_cache import Profile
from despite_ros.encoders.graphs import Weights, below, lstm_step_graph, transformer_graph
from despite_ros.encoders.heads import ActivityHeads
from despite_ros.encoders.memories import Memory, StateMemory, TubeMemory, WindowMemory
from despite_ros.encoders.onnx import OnnxNetwork, open_session, resolve_threads
from despite_ros.errors import UserError
from despite_ros.limbs import CHANNELS, FRAMES, POINTS

DEVICES = ("tensorrt", "cuda", "cpu")  # in the order in which `auto` tries them
MODALITIES = {"points": (FRAMES, POINTS, 3), "imu": (FRAMES, CHANNELS)}
SUFFIXES = {"float16": "_fp16", "float32": ""}  # of the graph that a TensorRT engine is built from
LIVE_HEADS = "live_heads.safetensors"  # on embeddings and cues
LARGEST_BATCH = 64  # windows that go through a network at once; more are cut into such batches


class Network(Protocol):
    """An encoder on some device."""

    provider: str

    def __call__(self, batch: FloatArray) -> FloatArray:
        """B×24×… → B×E, 1 ≤ B ≤ LARGEST_BATCH."""


class Encoders:
    """The encoders of a released model on one device.

    card: the model's card. device: "cpu", "cuda" or "tensorrt". provider: what runs it, in words.
    """

    def __init__(self, card: Card, folder: Path, device: str, threads: int, precision: str) -> None:
        self.card = card
        self.device = device
        self._folder = folder
        self._threads = resolve_threads(threads)
        self._networks: dict[str, Network] = {
            modality: self._open(modality, precision)
            for modality in MODALITIES
            if f"{modality}.onnx" in card.files
        }
        providers = {network.provider for network in self._networks.values()}
        self.provider = ", ".join(sorted(providers))

    @property
    def modalities(self) -> tuple[str, ...]:
        """What the model encodes: "points", "imu", or both."""
        return tuple(self._networks)

    def points(self, crops: FloatArray) -> FloatArray:
        """Crops of whole windows, B×24×256×3 m, in sampling order → B×E, unnormalised."""
        return self._encode("points", crops)

    def imu(self, windows: FloatArray) -> FloatArray:
        """Windows B×24×48, rotation matrices and m/s² → B×E, unnormalised."""
        return self._encode("imu", windows)

    def activity(
        self,
        points: FloatArray | None,
        imu: FloatArray | None,
        track_cues: FloatArray | None = None,
        wearer_cues: FloatArray | None = None,
    ) -> FloatArray:
        """Embeddings of points B×E, of IMUs B×E, or both → probabilities of `card.labels`, B×L.

        Cues (`despite_ros.matching.cues`) of what is given say more about now; they count where the model
        has heads for them.
        """
        if LIVE_HEADS not in self.card.files or (track_cues is None and wearer_cues is None):
            return self._heads.probabilities(points, imu)
        return self._live_heads.probabilities(points, imu, track_cues, wearer_cues)

    def point_memory(self) -> Memory:
        """What a `PointStream` on this device keeps."""
        if self.device != "cpu":
            return WindowMemory(self.points, MODALITIES["points"][1:])
        tube_weight = self._weights["pointcloud_encoder.tube_embedding.conv_d.0.weight"]
        return TubeMemory(tube_weight[:, :, 0, 0], self._transformer)

    def imu_memory(self, stride: int) -> Memory:
        """What an `ImuStream` on this device keeps. stride: see `EncoderSettings.imu_stride`."""
        if self.device != "cpu":
            return WindowMemory(self.imu, MODALITIES["imu"][1:])
        return StateMemory(self.card.width, self._lstm_step, stride)

    def _open(self, modality: str, precision: str) -> Network:
        if self.device != "tensorrt":
            return OnnxNetwork(self._file(f"{modality}.onnx"), self.device, self._threads)
        from despite_ros.encoders.tensorrt import TensorRtNetwork

        graph = self._file(f"{modality}{SUFFIXES[precision]}.onnx")
        return TensorRtNetwork(graph, Profile(MODALITIES[modality], LARGEST_BATCH), precision)

    def _encode(self, modality: str, windows: FloatArray) -> FloatArray:
        if modality not in self._networks:
            raise UserError(f"model '{self.card.name}' has no {modality} encoder")
        windows = np.ascontiguousarray(windows, np.float32)
        if windows.shape[1:] != MODALITIES[modality]:
            raise ValueError(f"{modality}: expected B×{MODALITIES[modality]}, found {windows.shape}")
        batches = range(0, len(windows), LARGEST_BATCH)
        found = [self._networks[modality](windows[start : start + LARGEST_BATCH]) for start in batches]
        return np.concatenate([np.zeros((0, self.card.width), np.float32), *found])

    def _file(self, name: str) -> Path:
        if name not in self.card.files:
            raise UserError(
                f"model '{self.card.name}' comes without {name}, which device '{self.device}' needs"
            )
        return self._folder / name

    @cached_property
    def _weights(self) -> Weights:
        weights: Weights = load_file(self._file("weights.safetensors"))
        return weights

    @cached_property
    def _heads(self) -> ActivityHeads:
        return ActivityHeads(load_file(self._file("heads.safetensors")))

    @cached_property
    def _live_heads(self) -> ActivityHeads:
        return ActivityHeads(load_file(self._file(LIVE_HEADS)))

    @cached_property
    def _transformer(self) -> onnxruntime.InferenceSession:
        return open_session(
            transformer_graph(below(self._weights, "pointcloud_encoder.")), "cpu", self._threads
        )

    @cached_property
    def _lstm_step(self) -> onnxruntime.InferenceSession:
        return open_session(lstm_step_graph(below(self._weights, "imu_encoder.lstm.")), "cpu", self._threads)


def load(
    path: str | Path,
    device: str = "auto",
    threads: int = 0,
    precision: str = "float16",
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
) -> Encoders:
    """Loads a released model, by name or folder, and says what it runs on.

    device: "cpu", "cuda", "tensorrt", or "auto": the first of tensorrt, cuda, cpu that works.
    threads: of the CPU back end; 0: as many as there are cores, at most 4.
    precision: of a TensorRT engine, "float16" or "float32".

    Raises:
        UserError: no such model, a damaged file, or a device that is not there.
    """
    folder = find_model(path)
    card = read_card(folder)
    check_files(card, folder)
    if device != "auto" and device not in DEVICES:
        raise UserError(f"device '{device}' is unknown; choose auto, {', '.join(DEVICES)}")
    if precision not in SUFFIXES:
        raise UserError(f"precision '{precision}' is unknown; choose {', '.join(SUFFIXES)}")
    candidates = DEVICES if device == "auto" else (device,)
    passed_over = []
    for candidate in candidates[:-1]:
        try:
            encoders = Encoders(card, folder, candidate, threads, precision)
            break
        except UserError as error:
            passed_over.append(f"\n  not {candidate}: {error}")
    else:
        encoders = Encoders(card, folder, candidates[-1], threads, precision)
    say(f"encoders {card.name} {card.version}: {encoders.provider}{''.join(passed_over)}")
    return encoders
