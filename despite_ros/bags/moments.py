"""The windows of a recording, embedded, and the moments in them that are like a query's windows.

What is compared is consecutive windows: the cosines of the query's windows with as many of the
recording's, averaged (DeSPITE, section 4.9, Figure 7).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IntArray
from despite_ros.bags.reader import Recording
from despite_ros.bags.replay import Replay
from despite_ros.bags.sightings import ReadingOptions
from despite_ros.encoders import Encoders
from despite_ros.limbs import FRAMES, RATE
from despite_ros.motion.wearers import Wearer
from despite_ros.pipeline import Pipeline
from despite_ros.settings import Settings

FRAME_NS = round(1e9 / RATE)
WINDOW_NS = (FRAMES - 1) * FRAME_NS  # from a window's first frame to its last
LEAST_SHARE = 0.5  # of the query's windows that must have a partner


@dataclass(frozen=True)
class Series:
    """The full windows of one track (modality "points") or wearer ("imu") of a recording.

    who: the track's number or the wearer's name. start_ns: stamp of the recording's first sweep.
    stamps_ns: M, ascending, of each window's last frame. embeddings: M×E, of length 1.
    """

    recording: str
    modality: str
    who: str
    start_ns: int
    stamps_ns: IntArray
    embeddings: FloatArray

    def between(self, first_ns: int, last_ns: int) -> "Series":
        """The windows that lie whole within two stamps."""
        kept = (self.stamps_ns - WINDOW_NS >= first_ns) & (self.stamps_ns <= last_ns)
        return replace(self, stamps_ns=self.stamps_ns[kept], embeddings=self.embeddings[kept])

    def on_grid(self) -> FloatArray:
        """Embeddings with one row for each frame from the first window to the last, NaN for none."""
        places = np.rint((self.stamps_ns - self.stamps_ns[0]) / FRAME_NS).astype(np.int64)
        rows = np.full((int(places[-1]) + 1, self.embeddings.shape[1]), np.nan, np.float32)
        rows[places] = self.embeddings
        return rows


@dataclass(frozen=True)
class Curve:
    """How like the query a series is, over the stamps at which the compared windows end; NaN: no windows."""

    series: Series
    stamps_ns: IntArray
    similarity: DoubleArray


@dataclass(frozen=True)
class Moment:
    """A stretch of a series, its first and last frame's stamps, and its mean cosine with the query."""

    series: Series
    start_ns: int
    end_ns: int
    similarity: float


def embed_recording(
    path: Path,
    settings: Settings,
    wearers: tuple[Wearer, ...],
    encoders: Encoders,
    fixed_frame: str = "",
    progress: Callable[[Replay], None] = lambda replay: None,
) -> list[Series]:
    """Every track and wearer of a recording that has a full window, in every frame.

    Raises:
        UserError: the recording cannot be read, or has no clouds.
    """
    settings = replace(settings, encoders=replace(settings.encoders, windows_per_sweep=0))
    pipeline = Pipeline(settings, wearers, encoders)
    rows: dict[tuple[str, str], list[tuple[int, FloatArray]]] = defaultdict(list)
    first_ns, newest = None, None
    with Recording(path) as recording:
        replay = Replay(recording, pipeline, ReadingOptions(wearers, fixed_frame=fixed_frame))
        for sweep in replay.sweeps():
            first_ns = sweep.people.stamp_ns if first_ns is None else first_ns
            if sweep.reid is not newest:
                newest, found = sweep.reid, pipeline.reidentifier.embeddings
                for name, row in zip(newest.wearers, found.imu, strict=True):
                    rows["imu", name].append((newest.stamp_ns, row))
                for number, row in zip(newest.track_ids, found.points, strict=True):
                    rows["points", str(number)].append((newest.stamp_ns, row))
            progress(replay)
    series = (
        series_of(path.name, modality, who, first_ns or 0, part) for (modality, who), part in rows.items()
    )
    return [item for item in series if len(item.stamps_ns)]


def series_of(
    recording: str, modality: str, who: str, start_ns: int, rows: Iterable[tuple[int, FloatArray]]
) -> Series:
    """Stamps with embeddings of any length → a series in order of time; rows that hold NaN are left out."""
    full = sorted((row for row in rows if np.isfinite(row[1]).all()), key=lambda row: row[0])
    stamps = np.array([stamp for stamp, _ in full], np.int64)
    embeddings = np.array([row for _, row in full], np.float32)
    lengths = np.linalg.norm(embeddings, axis=-1, keepdims=True)
    return Series(recording, modality, who, start_ns, stamps, embeddings / lengths)


def curve(query: FloatArray, series: Series) -> Curve:
    """Mean cosine of K consecutive query windows (K×E of length 1, NaN for none) along a series."""
    rows = series.on_grid()
    count = max(0, len(rows) - len(query) + 1)
    cosines = rows @ query.T
    lined_up = np.stack([cosines[k : k + count, k] for k in range(len(query))]) if count else cosines[:0].T
    known = np.isfinite(lined_up)
    total = np.where(known, lined_up, 0).sum(axis=0, dtype=np.float64)
    enough = known.sum(axis=0) >= max(1.0, LEAST_SHARE * np.isfinite(query[:, 0]).sum())
    mean = np.where(enough, total / np.maximum(known.sum(axis=0), 1), np.nan)
    ends = series.stamps_ns[0] + FRAME_NS * (np.arange(count) + len(query) - 1)
    return Curve(series, ends, mean)


def best_moments(curves: Sequence[Curve], windows: int, count: int, apart_s: float) -> list[Moment]:
    """The `count` best moments of K = `windows` windows, best first.

    apart_s: least seconds between two of one series (non-maximum suppression).
    """
    length_ns = WINDOW_NS + (windows - 1) * FRAME_NS
    found = []
    for item in curves:
        left = np.where(np.isfinite(item.similarity), item.similarity, -np.inf)
        for _ in range(count):
            if not len(left) or left.max() == -np.inf:
                break
            peak = int(left.argmax())
            end_ns = int(item.stamps_ns[peak])
            found.append(Moment(item.series, end_ns - length_ns, end_ns, float(left[peak])))
            left[np.abs(item.stamps_ns - end_ns) < 1e9 * apart_s] = -np.inf
    return sorted(found, key=lambda moment: -moment.similarity)[:count]
