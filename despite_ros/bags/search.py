"""`despite search`: what to look for, and where."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.bags.moments import WINDOW_NS, Moment, Series
from despite_ros.encoders import Encoders
from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES, LIMBS, RATE, pack_channels
from despite_ros.motion.imu import limb_channels
from despite_ros.motion.wearers import IDENTITY

COLUMNS = ("stamp_ns", "limb", "qx", "qy", "qz", "qw", "gx", "gy", "gz", "ax", "ay", "az")
CSV_FORMAT = (
    f"a header line {','.join(COLUMNS)} and one line a sample, in any order: nanoseconds; one of "
    f"{', '.join(LIMBS)}; orientation sensor → world (z up) as a quaternion; rad/s; m/s² with gravity. "
    "The sensor's axes are the bone's: the identity stands for the T-pose facing world x"
)
PART = re.compile(r"(?P<path>.+)@(?P<start>\d+(\.\d+)?)\.\.(?P<end>\d+(\.\d+)?)(#(?P<who>.+))?")
SECOND = 1_000_000_000

Embed = Callable[[Path], Sequence[Series]]


@dataclass(frozen=True)
class Query:
    """What to look for: consecutive windows' embeddings of one modality, K×E of length 1, NaN for none."""

    text: str
    modality: str
    embeddings: FloatArray


def read_query(text: str, encoders: Encoders, embed: Embed) -> Query:
    """A query as given on the command line: `imu.csv`, or `RECORDING@t0..t1` with `#NAME` or `#TRACK`.

    embed: recording → its series.

    Raises:
        UserError: no such file, recording or name, or less than one window.
    """
    part = PART.fullmatch(text)
    if part is None:
        channels = read_imu(Path(text))
        windows = np.lib.stride_tricks.sliding_window_view(channels, FRAMES, axis=0).transpose(0, 2, 1)
        rows = encoders.imu(windows)
        return Query(text, "imu", rows / np.linalg.norm(rows, axis=1, keepdims=True))
    start, end = float(part["start"]), float(part["end"])
    if end - start < WINDOW_NS / SECOND:
        raise UserError(f"--query {text}: {end - start:.1f} s; a window takes {WINDOW_NS / SECOND:.1f} s")
    series = _chosen(embed(Path(part["path"])), part["who"], text)
    first, last = (series.start_ns + round(SECOND * seconds) for seconds in (start, end))
    inside = series.between(first, last)
    if not len(inside.stamps_ns):
        seen = [(stamp - series.start_ns) / SECOND for stamp in (series.stamps_ns[0], series.stamps_ns[-1])]
        raise UserError(
            f"--query {text}: {series.who} has no whole window then, but between "
            f"{max(0.0, seen[0] - WINDOW_NS / SECOND):.1f} and {seen[1]:.1f} s"
        )
    return Query(text, series.modality, inside.on_grid())


def read_imu(path: Path) -> FloatArray:
    """T×48 channels at 10 Hz of the samples in a CSV file (`CSV_FORMAT`), the last frame at the last sample.

    Raises:
        UserError: no such file, not such a file, or less than one window.
    """
    samples = _read_samples(path)
    first = max(rows[0, 0] for rows in samples.values())
    last = min(rows[-1, 0] for rows in samples.values())
    frames = int((last - first) * RATE + 1e-6) + 1
    if frames < FRAMES:
        raise UserError(
            f"{path}: its sensors have {max(0.0, last - first):.2f} s in common; a window takes "
            f"{WINDOW_NS / SECOND:.1f} s"
        )
    targets = np.rint(SECOND * (last - np.arange(frames)[::-1] / RATE)).astype(np.int64)
    rotations = np.zeros((frames, len(LIMBS), 3, 3), np.float32)
    accelerations = np.zeros((frames, len(LIMBS), 3), np.float32)
    for limb, rows in samples.items():
        place, stamps = LIMBS.index(limb), np.rint(SECOND * rows[:, 0]).astype(np.int64)
        rotations[:, place], accelerations[:, place] = limb_channels(
            stamps, rows[:, 1:5], rows[:, 8:], np.array(IDENTITY), targets
        )
    return pack_channels(rotations, accelerations)


def describe(moment: Moment) -> dict[str, Any]:
    """A moment as JSON has it; seconds count from the recording's first sweep."""
    series = moment.series
    return {
        "recording": series.recording,
        "modality": series.modality,
        "who": series.who,
        "start_ns": moment.start_ns,
        "end_ns": moment.end_ns,
        "start_s": round((moment.start_ns - series.start_ns) / SECOND, 3),
        "end_s": round((moment.end_ns - series.start_ns) / SECOND, 3),
        "similarity": round(moment.similarity, 4),
    }


def _chosen(series: Sequence[Series], who: str | None, text: str) -> Series:
    """The series asked for; where none is named, that of the only wearer."""
    wearers = [item for item in series if item.modality == "imu"]
    named = [item for item in series if item.who == who] if who else wearers
    if len(named) == 1 or (named and who):
        return named[0]
    known = ", ".join(f"#{item.who}" for item in series) or "none; nobody has a full window"
    raise UserError(f"--query {text}: say whose windows, wearer or track; there are: {known}")


def _read_samples(path: Path) -> dict[str, DoubleArray]:
    """Limb → N×11 rows of the columns without limb, ascending seconds since the first sample first."""
    found: dict[str, list[list[float]]] = {}
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise UserError(f"{path}: the columns are {reader.fieldnames}; expected {CSV_FORMAT}")
            lines = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); expected {CSV_FORMAT}") from error
    for number, line in enumerate(lines, 2):
        try:
            limb, stamp = line["limb"], int(line["stamp_ns"])
            LIMBS.index(limb)
            values = [float(line[name]) for name in COLUMNS[2:]]
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}, line {number}: {error}; expected {CSV_FORMAT}") from error
        found.setdefault(limb, []).append([stamp, *values])
    if not found:
        raise UserError(f"{path}: no samples; expected {CSV_FORMAT}")
    start = min(rows[0] for limb in found.values() for rows in limb)
    ordered = (sorted([(row[0] - start) / SECOND, *row[1:]] for row in rows) for rows in found.values())
    return {limb: np.array(rows) for limb, rows in zip(found, ordered, strict=True)}
