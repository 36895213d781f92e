"""What a static sensor always sees: intervals of range in an azimuth-elevation grid, learned as it runs.

A cell holds up to MODES intervals, for an edge shows now the table and now the wall behind it. An
interval becomes background when it was seen for long enough, and what belongs to a track is never
learned, so nobody is swallowed by standing still. Intervals that the sensor sees through fade.
"""

import numba
import numpy as np

from despite_ros.arrays import BoolArray, DoubleArray, FloatArray, IndexArray
from despite_ros.people.settings import BackgroundSettings

MODES = 3  # intervals a cell
LOW, HIGH, BORN, HITS = range(4)  # a candidate: metres ×2, seconds, count
LEAST_HITS = 3.0  # sweeps with a return in the interval before it can be learned
WIDEST = 1.0  # metres, an interval grows no wider
STARTING = 5  # times the warm-up, in which what stays is learned fast: edges show up now and then only
REFRESH = 8  # the last sighting of background is noted for one point in so many

QUARTER, HALF = np.float32(np.pi / 2), np.float32(np.pi)
# Abramowitz and Stegun 4.4.49
A1, A3, A5, A7, A9 = (np.float32(a) for a in (0.9998660, -0.3302995, 0.1801410, -0.0851330, 0.0208351))
TINY = np.float32(1e-9)


class Background:
    """Tells new things from what stays. `new` first, then `learn` with what is not a person's."""

    def __init__(self, settings: BackgroundSettings) -> None:
        self.settings = settings
        self.columns = int(np.ceil(360 / settings.azimuth))
        self.rows = int(np.ceil(180 / settings.elevation))
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        cells = self.rows * self.columns
        self.known: FloatArray = np.full((cells, MODES, 2), np.nan, np.float32)  # low, high, metres
        self.seen: FloatArray = np.zeros((cells, MODES), np.float32)  # last sighting, seconds
        self.candidates: FloatArray = np.zeros((cells, MODES, 4), np.float32)
        self.start_ns: int | None = None
        self.sweeps = 0

    def new(self, points: FloatArray, sensor: DoubleArray, stamp_ns: int) -> BoolArray:
        """Which of N×3 points, seen from `sensor` (3,), are not background (N,)."""
        self.start_ns = stamp_ns if self.start_ns is None else self.start_ns
        self.seconds = (stamp_ns - self.start_ns) * 1e-9
        self.sweeps += 1
        cells, ranges = self._cells(points, sensor)
        margin, keep = np.float32(self.settings.margin), self.settings.keep
        phase = self.sweeps % REFRESH
        foreground: BoolArray = compare(
            self.known, self.seen, cells, ranges, margin, self.seconds, keep, phase
        )
        return foreground

    def learn(self, points: FloatArray, sensor: DoubleArray) -> None:
        """Take N×3 foreground points that are nobody's as candidates for background."""
        starting = self.seconds < STARTING * self.settings.warm_up
        patience = self.settings.warm_up if starting else self.settings.absorb
        cells, ranges = self._cells(points, sensor)
        margin = self.settings.margin
        gather(self.known, self.seen, self.candidates, cells, ranges, margin, self.seconds, patience)

    def _cells(self, points: FloatArray, sensor: DoubleArray) -> tuple[IndexArray, FloatArray]:
        columns = np.ascontiguousarray(points.T)
        cells, ranges = grid_cells(columns, sensor.astype(np.float32), self.columns, self.rows)
        return cells, ranges


@numba.njit(cache=True, inline="always")
def angle(along: np.float32, across: np.float32) -> np.float32:
    """Angle (0…π/2) of a vector with two components that are not negative, to 1e-4 radians."""
    ratio = min(along, across) / (max(along, across) + TINY)
    s = ratio * ratio
    flat = ratio * (A1 + s * (A3 + s * (A5 + s * (A7 + s * A9))))
    return flat if along > across else QUARTER - flat


# The compiler makes vector instructions of this loop: columns that lie one after another, float32
# throughout, selections in place of branches. That is 30 times as fast as one point after another.
@numba.njit(cache=True, error_model="numpy", fastmath=True)
def grid_cells(
    points: FloatArray, sensor: FloatArray, columns: int, rows: int
) -> tuple[IndexArray, FloatArray]:
    """Azimuth-elevation cell and range (m) of each of 3×N points.

    Cells of one elevation follow each other in memory, as the points of one ring do in many clouds.
    """
    xs, ys, zs = points[0], points[1], points[2]
    sx, sy, sz = sensor[0], sensor[1], sensor[2]
    cells = np.empty(len(xs), np.int32)
    ranges = np.empty(len(xs), np.float32)
    across, up = np.float32(columns / (2 * np.pi)), np.float32(rows / np.pi)
    last_column, last_row, width = np.float32(columns - 1), np.float32(rows - 1), np.int32(columns)
    for i in range(len(xs)):
        x, y, z = xs[i] - sx, ys[i] - sy, zs[i] - sz
        flat = np.sqrt(x * x + y * y)
        azimuth = angle(abs(x), abs(y))
        azimuth = HALF - azimuth if x < 0 else azimuth
        azimuth = -azimuth if y < 0 else azimuth
        elevation = angle(flat, abs(z))
        elevation = -elevation if z < 0 else elevation
        column = min((azimuth + HALF) * across, last_column)
        row = min((elevation + QUARTER) * up, last_row)
        cells[i] = np.int32(row) * width + np.int32(column)
        ranges[i] = np.sqrt(flat * flat + z * z)
    return cells, ranges


@numba.njit(cache=True)
def compare(
    known: FloatArray,
    seen: FloatArray,
    cells: IndexArray,
    ranges: FloatArray,
    margin: np.float32,
    seconds: float,
    keep: float,
    phase: int,
) -> BoolArray:
    """Which points lie in no known interval of their cell; what was not seen for `keep` s is dropped."""
    foreground = np.ones(len(cells), np.bool_)
    for i in range(len(cells)):
        cell, r = cells[i], ranges[i]
        for k in range(MODES):
            if known[cell, k, 0] - margin <= r and r <= known[cell, k, 1] + margin:
                foreground[i] = False
                if i % REFRESH == phase:
                    seen[cell, k] = seconds
            elif r > known[cell, k, 1] + margin and i % REFRESH == phase and seconds - seen[cell, k] > keep:
                known[cell, k, 0] = known[cell, k, 1] = np.nan
    return foreground


@numba.njit(cache=True)
def gather(
    known: FloatArray,
    seen: FloatArray,
    candidates: FloatArray,
    cells: IndexArray,
    ranges: FloatArray,
    margin: float,
    seconds: float,
    patience: float,
) -> None:
    """Put points into the candidate intervals of their cells, and promote those seen for `patience` s."""
    for i in range(len(cells)):
        modes, r = candidates[cells[i]], ranges[i]
        home = _home(modes, r, margin)
        if modes[home, HITS] == 0:
            modes[home, LOW], modes[home, HIGH], modes[home, BORN] = r, r, seconds
        low, high = min(modes[home, LOW], r), max(modes[home, HIGH], r)
        if high - low < WIDEST:
            modes[home, LOW], modes[home, HIGH] = low, high
        modes[home, HITS] += 1
        if modes[home, HITS] >= LEAST_HITS and seconds - modes[home, BORN] >= patience:
            slot = _slot(known[cells[i]], seen[cells[i]])
            known[cells[i], slot, 0], known[cells[i], slot, 1] = modes[home, LOW], modes[home, HIGH]
            seen[cells[i], slot] = seconds
            modes[home, HITS] = 0


@numba.njit(cache=True)
def _home(modes: FloatArray, r: float, margin: float) -> int:
    """The candidate that holds range `r`, else the one with the fewest hits, emptied.

    Candidates nearer than `r` lose a hit: the sensor saw through them.
    """
    spare = 0
    for k in range(MODES):
        if modes[k, HITS] > 0 and modes[k, LOW] - margin <= r and r <= modes[k, HIGH] + margin:
            return k
        if r > modes[k, HIGH] + margin:
            modes[k, HITS] = max(modes[k, HITS] - 1, 0)
        if modes[k, HITS] < modes[spare, HITS]:
            spare = k
    modes[spare, HITS] = 0
    return spare


@numba.njit(cache=True)
def _slot(known: FloatArray, seen: FloatArray) -> int:
    """Where a cell's next interval goes: the first empty place, else that which was not seen for longest."""
    oldest = 0
    for k in range(MODES):
        if np.isnan(known[k, 0]):
            return k
        if seen[k] < seen[oldest]:
            oldest = k
    return oldest
