"""One store for every data set: memory-mapped sequences, of which windows are views.

A store is a folder: `store.json` (points per crop), `sequences.jsonl` (one line a sequence) and three
raw files that hold the frames of all sequences one after another: `crops.i16` (points in steps of
`CROP_STEP`), `imu.f32` (48 channels) and `joints.f32` (24 joints). A modality that a data set lacks is
stored as zeros and named absent. A frame with 256 points takes 2 kB, and windows are views: 500,000
of them in about 1 GB.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from despite_ros.arrays import AnyArray, FloatArray, IntArray
from despite_ros.errors import UserError
from despite_ros.limbs import CHANNELS, FRAMES, POINTS, RATE
from despite_ros.simulation.skeleton import JOINTS, Span

CROP_STEP = 2.5e-4  # metres; ±8.19 m fit into 16 bits
MODALITIES = ("points", "imu", "skeleton")
GROUPS = ("train", "validate", "test")


@dataclass(frozen=True)
class SequenceInfo:
    """One line of `sequences.jsonl`. `first` and `frames` locate it in the raw files; spans in seconds.

    group: "train", "validate" or "test". kind: how the motion came about, for choosing shares.
    """

    name: str
    person: str
    source: str
    licence: str
    group: str
    kind: str
    first: int
    frames: int
    modalities: tuple[str, ...] = MODALITIES
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class StoredSequence:
    """A sequence of T frames at 10 Hz, its arrays being views of files.

    crops: T×P×3 int16 in steps of CROP_STEP. imu: T×48 float32. joints: T×24×3 float32, metres, world.
    """

    info: SequenceInfo
    crops: AnyArray
    imu: FloatArray
    joints: FloatArray

    def points(self, start: int, frames: int = FRAMES) -> FloatArray:
        """Crops of a window, frames×P×3, metres."""
        return self.crops[start : start + frames].astype(np.float32) * np.float32(CROP_STEP)

    def skeleton(self, start: int, frames: int = FRAMES) -> FloatArray:
        """Joints relative to the pelvis, frames×24×3, metres; the global orientation is kept."""
        joints = self.joints[start : start + frames]
        return joints - joints[:, :1]

    def span_at(self, frame: int) -> Span | None:
        """The span that covers a frame; of overlapping ones the last, None where there is none."""
        seconds = frame / RATE
        found = [span for span in self.info.spans if span.start_s <= seconds <= span.end_s]
        return found[-1] if found else None

    def label_at(self, frame: int) -> str:
        """The activity at a frame, "" where there is none."""
        span = self.span_at(frame)
        return span.label if span else ""


@dataclass(frozen=True)
class Windows:
    """Windows of a store: sequence index and first frame, each M."""

    sequence: IntArray
    start: IntArray

    def __len__(self) -> int:
        return len(self.sequence)


@dataclass(frozen=True)
class SequenceStore:
    """Sequences of one or several store folders."""

    sequences: tuple[StoredSequence, ...]

    @classmethod
    def open(cls, *directories: str | Path) -> "SequenceStore":
        """Map the files of store folders, in the order given.

        Raises:
            UserError: no store there, or its files are shorter than its list of sequences says.
        """
        return cls(tuple(item for directory in directories for item in _map(Path(directory))))

    def __len__(self) -> int:
        return len(self.sequences)

    def group(self, name: str) -> "SequenceStore":
        """The sequences of a group ("train", "validate", "test")."""
        return self.subset(item for item in self.sequences if item.info.group == name)

    def subset(self, sequences: Iterable[StoredSequence]) -> "SequenceStore":
        """A store of some of the sequences."""
        return SequenceStore(tuple(sequences))

    def windows(self, stride: int = 1, frames: int = FRAMES) -> Windows:
        """Every window of `frames` frames, `stride` frames apart within a sequence."""
        starts = [np.arange(0, item.info.frames - frames + 1, stride) for item in self.sequences]
        sequence = np.repeat(np.arange(len(starts)), [len(s) for s in starts])
        return Windows(sequence, np.concatenate(starts) if starts else np.zeros(0, np.int64))


@dataclass
class StoreWriter:
    """Appends sequences to a store folder; opened on an unfinished one it goes on after its last line.

    names: of the sequences already there.
    """

    directory: Path
    points: int = POINTS
    names: set[str] = field(default_factory=set)
    _frames: int = 0

    def __post_init__(self) -> None:
        self.directory = Path(self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        header = self.directory / "store.json"
        if header.exists() and _read_header(self.directory)["points"] != self.points:
            raise UserError(f"{header}: this store does not hold {self.points} points a crop")
        header.write_text(json.dumps({"points": self.points, "crop_step_m": CROP_STEP, "rate_hz": RATE}))
        infos = _read_infos(self.directory)
        self.names = {info.name for info in infos}
        self._frames = infos[-1].first + infos[-1].frames if infos else 0
        self._files = {
            kind: _open_at(self.directory / name, self._frames * size)
            for kind, (name, size) in _layout(self.points).items()
        }
        self._lines = (self.directory / "sequences.jsonl").open("a")

    def add(
        self,
        info: SequenceInfo,
        points: FloatArray | None = None,
        imu: FloatArray | None = None,
        joints: FloatArray | None = None,
    ) -> None:
        """Append a sequence; `info.first` and `info.modalities` are set here from what is given.

        points: T×P×3 metres. imu: T×48. joints: T×24×3 metres. None where the data set has none.

        Raises:
            UserError: an array has another shape; nothing has been written then.
        """
        given = {"points": points, "imu": imu, "skeleton": joints}
        present = {name: array for name, array in given.items() if array is not None}
        frames = len(next(iter(present.values())))
        shapes = {"points": (self.points, 3), "imu": (CHANNELS,), "skeleton": (len(JOINTS), 3)}
        for name, array in present.items():
            if array.shape != (frames, *shapes[name]):
                wanted = (frames, *shapes[name])
                raise UserError(f"{info.name}: {name} has shape {array.shape}, expected {wanted}")
        for name, shape in shapes.items():
            array = present.get(name, np.zeros((frames, *shape), np.float32))
            coded = (
                np.rint(array / CROP_STEP).clip(-32767, 32767).astype("<i2") if name == "points" else array
            )
            self._files[name].write(
                np.ascontiguousarray(coded, "<i2" if name == "points" else "<f4").tobytes()
            )
        line = asdict(info) | {"first": self._frames, "frames": frames, "modalities": tuple(present)}
        self._frames += frames
        self.names.add(info.name)
        for file in self._files.values():
            file.flush()
        self._lines.write(json.dumps(line) + "\n")
        self._lines.flush()

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._lines.close()

    def __enter__(self) -> "StoreWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _layout(points: int) -> dict[str, tuple[str, int]]:
    """Modality → file name and bytes a frame."""
    return {
        "points": ("crops.i16", points * 3 * 2),
        "imu": ("imu.f32", CHANNELS * 4),
        "skeleton": ("joints.f32", len(JOINTS) * 3 * 4),
    }


def _open_at(path: Path, size: int) -> BinaryIO:
    """A file opened for writing after its first `size` bytes; what a broken run left behind is cut off."""
    path.touch()
    file = path.open("r+b")
    file.truncate(size)
    file.seek(size)
    return file


def _read_header(directory: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((directory / "store.json").read_text()))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{directory}: not a sequence store ({error}); make one with training.data"
        ) from error


def _read_infos(directory: Path) -> list[SequenceInfo]:
    path = directory / "sequences.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    infos = []
    for line in lines:
        entry = json.loads(line)
        spans = tuple(Span(*span) for span in entry.pop("spans"))
        infos.append(SequenceInfo(**entry | {"modalities": tuple(entry["modalities"]), "spans": spans}))
    return infos


def _map(directory: Path) -> list[StoredSequence]:
    points = int(_read_header(directory)["points"])
    infos = _read_infos(directory)
    if not infos:
        return []
    total = infos[-1].first + infos[-1].frames
    for name, size in _layout(points).values():
        found = (directory / name).stat().st_size if (directory / name).exists() else 0
        if found < total * size:
            raise UserError(f"{directory / name}: {found} bytes, its sequences need {total * size}")
    crops = np.asarray(np.memmap(directory / "crops.i16", "<i2", "r", shape=(total, points, 3)))
    imu = np.asarray(np.memmap(directory / "imu.f32", "<f4", "r", shape=(total, CHANNELS)))
    joints = np.asarray(np.memmap(directory / "joints.f32", "<f4", "r", shape=(total, len(JOINTS), 3)))
    parts = [slice(info.first, info.first + info.frames) for info in infos]
    return [
        StoredSequence(info, crops[part], imu[part], joints[part])
        for info, part in zip(infos, parts, strict=True)
    ]
