"""TensorRT engines on disk: each beside a JSON file that says exactly what it was built from and for."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar

from despite_ros.errors import UserError

Engine = TypeVar("Engine")


@dataclass(frozen=True)
class Profile:
    """Batches that an engine takes (least, largest) and is tuned for (best); the shape of one window."""

    shape: tuple[int, ...]
    largest: int
    best: int = 16
    least: int = 1

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Input shapes of the least, best and largest batch."""
        return tuple((batch, *self.shape) for batch in (self.least, self.best, self.largest))

    def bucket(self, batch: int) -> int:
        """The power of two that a batch is filled up to, so that few CUDA graphs serve all batches."""
        return min(self.largest, 1 << (batch - 1).bit_length())


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on. sm: compute capability, "9.0"."""

    onnx_sha256: str
    tensorrt: str
    cuda: str
    gpu: str
    sm: str
    precision: str
    profile: Profile

    @property
    def digest(self) -> str:
        """A name for files: the sha256 of all fields."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:24]


class EngineCache:
    """A folder of engines."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: None for `despite/engines` in the user's cache folder."""
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self.folder = folder or home / "despite" / "engines"

    def read(self, key: EngineKey) -> bytes | None:
        """The serialised engine of that key; None where there is none, or not a whole one."""
        try:
            plan = self._plan(key).read_bytes()
            fields = json.loads(self._fields(key).read_text())
        except (OSError, ValueError):
            return None
        return plan if fields == _described(key, plan) else None

    def write(self, key: EngineKey, plan: bytes) -> None:
        """Keeps an engine; a reader finds either the old one or the new one, never a part."""
        write_atomically(self._plan(key), plan)
        write_atomically(self._fields(key), json.dumps(_described(key, plan), indent=1).encode())

    def timing_cache(self, key: EngineKey) -> Path:
        """Where the builder keeps its measurements for this GPU and these versions, shared by all engines."""
        device = hashlib.sha256("|".join((key.tensorrt, key.cuda, key.gpu, key.sm)).encode()).hexdigest()
        return self.folder / f"timing-{device[:24]}.cache"

    def _plan(self, key: EngineKey) -> Path:
        return self.folder / f"{key.digest}.plan"

    def _fields(self, key: EngineKey) -> Path:
        return self.folder / f"{key.digest}.json"


def load_or_build(
    cache: EngineCache,
    key: EngineKey,
    deserialise: Callable[[bytes], Engine | None],
    build: Callable[[], bytes],
) -> Engine:
    """The engine from the cache, built and kept anew where it is missing, damaged or does not load.

    Raises:
        UserError: not even the engine just built loads.
    """
    plan = cache.read(key)
    engine = None if plan is None else deserialise(plan)
    if engine is None:
        plan = build()
        cache.write(key, plan)
        engine = deserialise(plan)
    if engine is None:
        raise UserError(
            f"TensorRT {key.tensorrt} built an engine for {key.gpu} and cannot load it; see its log"
        )
    return engine


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file so that nobody ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)


def _described(key: EngineKey, plan: bytes) -> dict[str, object]:
    fields: dict[str, object] = json.loads(json.dumps(asdict(key)))  # as JSON gives it back
    return fields | {"plan_sha256": hashlib.sha256(plan).hexdigest()}
