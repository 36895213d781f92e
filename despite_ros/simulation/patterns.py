"""Where and when LiDARs fire: beams that spin, rosettes that never repeat, and rasters.

Directions are in the sensor's frame (x forward, y left, z up), times in seconds before the end of
the sweep.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from despite_ros.arrays import DoubleArray, IntArray


class Shots(NamedTuple):
    """The N rays of one sweep: unit directions N×3, times N (≤ 0), ring numbers N."""

    directions: DoubleArray
    times: DoubleArray
    rings: IntArray


class View(NamedTuple):
    """What a pattern covers, radians: azimuth to either side, lowest and highest elevation."""

    half_width: float
    low: float
    high: float


class Pattern(Protocol):
    """A way of scanning."""

    def __hash__(self) -> int:
        """Patterns are frozen; rays are cached by pattern."""

    @property
    def view(self) -> View:
        """The field of view."""

    @property
    def repeats(self) -> int:
        """After so many sweeps the pattern starts again."""

    def fire(self, sweep_index: int, period: float) -> Shots:
        """The rays of the sweep `sweep_index`, which lasts `period` seconds."""

    def row_edges(self) -> DoubleArray:
        """Elevations (radians, ascending) between which rays are kept together: rings, if there are any."""

    @property
    def cells(self) -> int:
        """Cells in a turn of azimuth, about one ray in each."""


@dataclass(frozen=True)
class Spinning:
    """Beams stacked in elevation that turn clockwise (seen from above), from behind to behind.

    elevations: degrees, one a beam. columns: firings in a turn. offsets: degrees of azimuth by which
    beams are staggered, repeated over the beams.
    """

    elevations: tuple[float, ...]
    columns: int
    offsets: tuple[float, ...] = (0.0,)
    repeats: int = 1

    @property
    def view(self) -> View:
        """All round."""
        return View(np.pi, *np.deg2rad((min(self.elevations), max(self.elevations))))

    @property
    def cells(self) -> int:
        """One cell a firing."""
        return self.columns

    def fire(self, sweep_index: int, period: float) -> Shots:
        """All beams at every column; every sweep is the same."""
        column = np.arange(self.columns)
        share = (column + 0.5) / self.columns
        offsets = np.resize(np.deg2rad(self.offsets), len(self.elevations))
        azimuth = np.pi - 2 * np.pi * share + offsets[:, None]
        elevation = np.broadcast_to(np.deg2rad(self.elevations)[:, None], azimuth.shape)
        times = np.broadcast_to(((column + 1) / self.columns - 1) * period, azimuth.shape)
        rings = np.broadcast_to(np.argsort(np.argsort(self.elevations))[:, None], azimuth.shape)
        return Shots(unit_vectors(azimuth.ravel(), elevation.ravel()), times.ravel(), rings.ravel())

    def row_edges(self) -> DoubleArray:
        """Half-way between the beams: one row a ring."""
        beams = np.unique(np.deg2rad(self.elevations))
        return np.concatenate([[beams[0] - 1e-3], (beams[1:] + beams[:-1]) / 2, [beams[-1] + 1e-3]])


@dataclass(frozen=True)
class Rosette:
    """Two prisms turning against each other draw a flower that drifts from sweep to sweep.

    The classic Risley pair: with prisms of equal strength turning at f1 and f2, a ray leaves at
    (A/2)·(e^{2πi·f1·t} + e^{2πi·f2·t}) for a field of view of half-angles A. `lines` lasers fire
    together, `spacing` degrees apart in elevation.
    """

    half_width: float  # degrees
    half_height: float  # degrees
    rate: float  # shots a second, all lasers together
    frequencies: tuple[float, float] = (121.57, -77.73)  # turns a second; Livox Mid-40: 7294 and −4664 rpm
    lines: int = 1
    spacing: float = 0.2
    repeats: int = 32

    @property
    def view(self) -> View:
        """An ellipse; this is the box around it."""
        return View(*np.deg2rad((self.half_width, -self.half_height, self.half_height)))

    @property
    def cells(self) -> int:
        """Cells of half a degree."""
        return 720

    def fire(self, sweep_index: int, period: float) -> Shots:
        """Shots evenly in time; the lasers take turns."""
        since_start, now = shot_times(self.rate, sweep_index % self.repeats, period)
        first, second = (2 * np.pi * frequency * now for frequency in self.frequencies)
        line = np.arange(len(now)) % self.lines
        lift = np.deg2rad(self.spacing) * (line - (self.lines - 1) / 2)
        azimuth = np.deg2rad(self.half_width) * (np.cos(first) + np.cos(second)) / 2
        elevation = np.deg2rad(self.half_height) * (np.sin(first) + np.sin(second)) / 2 + lift
        return Shots(unit_vectors(azimuth, elevation), since_start - period, line)

    def row_edges(self) -> DoubleArray:
        """Rows of half a degree."""
        top = self.half_height + self.lines * self.spacing
        return np.deg2rad(np.linspace(-top, top, max(2, round(4 * top)) + 1))


@dataclass(frozen=True)
class Swaying:
    """A turning mirror whose rays sway up and down at a frequency that has no common multiple with its turn.

    What a Livox Mid-360 covers and how densely, not its exact curve.
    """

    low: float  # degrees
    high: float  # degrees
    rate: float = 200_000.0  # shots a second, all lasers together
    turns: float = 21.37  # turns a second
    sways: float = 512.9  # up and down a second
    lines: int = 4
    repeats: int = 32

    @property
    def view(self) -> View:
        """All round."""
        return View(np.pi, *np.deg2rad((self.low, self.high)))

    @property
    def cells(self) -> int:
        """Cells of one degree."""
        return 360

    def fire(self, sweep_index: int, period: float) -> Shots:
        """Shots evenly in time; the lasers take turns and are a quarter of a sway apart."""
        since_start, now = shot_times(self.rate, sweep_index % self.repeats, period)
        line = np.arange(len(now)) % self.lines
        azimuth = np.pi - 2 * np.pi * ((self.turns * now) % 1.0)
        saw = (self.sways * now + line / self.lines) % 1.0
        share = np.abs(2 * saw - 1)
        elevation = np.deg2rad(self.low + (self.high - self.low) * share)
        return Shots(unit_vectors(azimuth, elevation), since_start - period, line)

    def row_edges(self) -> DoubleArray:
        """Rows of one degree."""
        edges = np.linspace(self.low, self.high, round(self.high - self.low) + 1)
        edges[[0, -1]] += (-0.1, 0.1)
        return np.asarray(np.deg2rad(edges), np.float64)


@dataclass(frozen=True)
class Raster:
    """A mirror that swings through a window, row after row from the top: solid-state sensors."""

    half_width: float  # degrees
    low: float  # degrees
    high: float  # degrees
    columns: int
    rows: int
    repeats: int = 1

    @property
    def view(self) -> View:
        """The window."""
        return View(*np.deg2rad((self.half_width, self.low, self.high)))

    @property
    def cells(self) -> int:
        """One cell a column."""
        return int(self.columns * 180 / self.half_width)

    def fire(self, sweep_index: int, period: float) -> Shots:
        """Rows to and fro; every sweep is the same."""
        row, step = np.divmod(np.arange(self.rows * self.columns), self.columns)
        column = np.where(row % 2, self.columns - 1 - step, step)
        azimuth = np.deg2rad(self.half_width * (1 - (2 * column + 1) / self.columns))
        elevation = np.deg2rad(self.high - (self.high - self.low) * row / (self.rows - 1))
        times = (np.arange(len(row)) + 1) / len(row) - 1
        return Shots(unit_vectors(azimuth, elevation), times * period, self.rows - 1 - row)

    def row_edges(self) -> DoubleArray:
        """One row a ring."""
        half = (self.high - self.low) / (self.rows - 1) / 2
        return np.deg2rad(np.linspace(self.low - half, self.high + half, self.rows + 1))


def shot_times(rate: float, sweep: int, period: float) -> tuple[DoubleArray, DoubleArray]:
    """When the N shots of a sweep are fired, evenly: seconds from its start and from the start of sweep 0."""
    since_start = (np.arange(int(rate * period)) + 1) / rate
    return since_start, since_start + sweep * period


def unit_vectors(azimuth: DoubleArray, elevation: DoubleArray) -> DoubleArray:
    """Angles N, N (radians) → N×3."""
    flat = np.cos(elevation)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=-1)
