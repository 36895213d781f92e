"""LiDAR models: well-known sensors, the rays that they fire and how well they measure."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from despite_ros.arrays import FloatArray, IntArray
from despite_ros.config import setting
from despite_ros.simulation.patterns import Pattern, Raster, Rosette, Spinning, Swaying
from despite_ros.simulation.rays import RayGrid, make_grid

EDGE_STEP = 0.1  # metres between neighbouring ranges that make an edge


@dataclass(frozen=True)
class LidarModel:
    """A LiDAR: its pattern and its errors."""

    name: str
    pattern: Pattern
    period: float = setting(0.1, "seconds a sweep", 0.01, 1.0)
    min_range: float = setting(0.4, "metres", 0.0)
    max_range: float = setting(100.0, "metres", 1.0)
    range_noise: float = setting(0.015, "standard deviation of a range, metres", 0.0, 0.2)
    dropout: float = setting(0.02, "share of returns lost at random", 0.0, 1.0)
    edge_loss: float = setting(0.4, "share of returns at edges that are too weak", 0.0, 1.0)
    mixed: float = setting(0.1, "share of the others that lie between front and back", 0.0, 1.0)

    def rays(self, sweep_index: int = 0) -> RayGrid:
        """The rays of one sweep, sorted for casting. Kept in memory once made."""
        return _rays(self.pattern, self.period, sweep_index % self.pattern.repeats)

    def measured(
        self, ranges: FloatArray, before: FloatArray, after: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        """True ranges N → measured ones, infinite where nothing returns (metres).

        before, after: true ranges N of the neighbours in the ring; where one is farther, there is an edge.
        """
        edge = np.flatnonzero(np.maximum(before, after) > ranges + EDGE_STEP)
        lost = rng.random(len(edge)) < self.edge_loss
        blend = blend_edges(ranges, np.fmax(before, after), edge[~lost], self.mixed, rng)
        noisy = blend + rng.normal(0.0, self.range_noise, len(ranges)).astype(np.float32)
        seen = (
            (ranges > self.min_range) & (ranges < self.max_range) & (rng.random(len(ranges)) >= self.dropout)
        )
        seen[edge[lost]] = False
        return np.where(seen, noisy, np.float32(np.inf))


@lru_cache(maxsize=128)
def _rays(pattern: Pattern, period: float, sweep_index: int) -> RayGrid:
    shots = pattern.fire(sweep_index, period)
    return make_grid(shots.directions, shots.times, shots.rings, pattern.row_edges(), pattern.cells)


def blend_edges(
    ranges: FloatArray, back: FloatArray, edge: IntArray, share: float, rng: np.random.Generator
) -> FloatArray:
    """Ranges N of which a share of those at the indices `edge` end somewhere before `back` (N).

    A beam that is half on the front and half on the back returns one range that belongs to neither.
    """
    mixed = edge[np.isfinite(back[edge]) & (rng.random(len(edge)) < share)]
    blend = ranges.copy()
    blend[mixed] += (back[mixed] - ranges[mixed]) * rng.random(len(mixed)).astype(np.float32)
    return blend


def spinning(
    name: str,
    elevations: tuple[float, ...],
    columns: int,
    offsets: tuple[float, ...] = (0.0,),
    **errors: float,
) -> LidarModel:
    """A spinning LiDAR (see `patterns.Spinning`); errors are other fields of `LidarModel`."""
    return LidarModel(name, Spinning(elevations, columns, offsets), **errors)


def _even(low: float, high: float, beams: int) -> tuple[float, ...]:
    return tuple(np.linspace(low, high, beams).tolist())


def _steps(*runs: tuple[float, float, int]) -> tuple[float, ...]:
    """Runs of evenly spaced beams: (first, last, number)."""
    return tuple(angle for run in runs for angle in _even(*run))


_HDL64E = _steps((2.0, -8.333, 32), (-8.833, -24.333, 32))
_VLP32C = (
    -25.0, -15.639, -11.31, -8.843, -7.254, -6.148, -5.333, -4.667,
    *_steps((-4.0, 1.667, 18)), 2.333, 3.333, 4.667, 7.0, 10.333, 15.0,
)  # fmt: skip
_PANDAR40P = (15.0, 11.0, 8.0, 5.0, 3.0, *_steps((2.0, -6.0, 25), (-7.0, -14.0, 8)), -19.0, -25.0)
_PANDAR64 = (14.9, 11.0, 8.0, 5.0, 3.0, *_steps((2.0, -6.0, 49), (-7.0, -14.0, 8)), -19.0, -25.0)
_HELIOS5515 = (15.0, 13.0, 11.0, 9.0, 7.0, 5.5, 4.0, *_steps((2.667, -8.0, 9), (-10.0, -55.0, 16)))
_GEN1, _GEN2, _HESAI = (3.164, 1.055, -1.055, -3.164), (4.2, 1.4, -1.4, -4.2), (-1.042, 3.125, -5.208, 1.042)

SENSORS = {
    model.name: model
    for model in (
        spinning("vlp16", _even(-15, 15, 16), 1808, range_noise=0.012),
        spinning("vlp32c", _VLP32C, 1808, (1.4, -4.2, 1.4, -1.4), range_noise=0.012),
        spinning("hdl32", _even(-30.67, 10.67, 32), 2170, range_noise=0.01),
        spinning("hdl64", _HDL64E, 2083, range_noise=0.015),
        spinning("os0_32", _even(-45, 45, 32), 1024, _GEN2, max_range=50.0, range_noise=0.012),
        spinning("os0_128", _even(-45, 45, 128), 1024, _GEN2, max_range=50.0, range_noise=0.012),
        spinning("os1_16", _even(-16.6, 16.6, 16), 1024, _GEN1),
        spinning("os1_64", _even(-16.6, 16.6, 64), 1024, _GEN1),
        spinning("os1_128", _even(-21.2, 21.2, 128), 1024, _GEN2, range_noise=0.012),
        spinning("pandar40p", _PANDAR40P, 1800, _HESAI, range_noise=0.015),
        spinning("pandar64", _PANDAR64, 1800, _HESAI, range_noise=0.015),
        spinning("rs16", _even(-15, 15, 16), 1800, range_noise=0.018),
        spinning("rs_helios", _HELIOS5515, 1800, range_noise=0.015),
        LidarModel("livox_mid40", Rosette(19.2, 19.2, 100_000.0), range_noise=0.015),
        LidarModel("livox_avia", Rosette(35.2, 38.6, 240_000.0, lines=6), range_noise=0.015),
        LidarModel("livox_mid360", Swaying(-7.0, 52.0), max_range=40.0, range_noise=0.015),
        LidarModel("solid_state", Raster(60.0, -12.5, 12.5, 600, 125), range_noise=0.02),
    )
}
"""Sensors by name, at 10 sweeps a second. Elevations from the makers' manuals, nominal, in degrees."""
