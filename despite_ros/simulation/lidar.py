"""LiDAR models: which rays a sensor fires, when, and how well it measures."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from despite_ros.arrays import DoubleArray
from despite_ros.config import setting
from despite_ros.simulation.raycast import RayGrid, make_grid


@dataclass(frozen=True)
class LidarModel:
    """A LiDAR. Spinning sensors turn clockwise seen from above, from behind to behind."""

    name: str
    elevations: tuple[float, ...]  # degrees, one per beam
    columns: int = setting(1024, "firings in a turn", 1)
    period: float = setting(0.1, "seconds a sweep", 0.01, 1.0)
    azimuth_offsets: tuple[float, ...] = ()  # degrees per beam, repeated; for staggered beams
    min_range: float = setting(0.4, "metres", 0.0)
    max_range: float = setting(100.0, "metres", 1.0)
    range_noise: float = setting(0.015, "standard deviation of a range, metres", 0.0, 0.2)
    dropout: float = setting(0.01, "share of returns lost at random", 0.0, 1.0)
    divergence: float = setting(0.002, "full opening of a beam, radians; mixes ranges at edges", 0.0, 0.05)

    def rays(self, sweep_index: int = 0) -> RayGrid:
        """The rays of one sweep; a spinning sensor's are the same in every sweep."""
        return _spinning_rays(self)


@lru_cache(maxsize=64)
def _spinning_rays(model: LidarModel) -> RayGrid:
    elevations = np.deg2rad(model.elevations)
    offsets = np.deg2rad(np.resize(model.azimuth_offsets or (0.0,), len(elevations)))
    column = np.arange(model.columns)
    azimuth = np.pi - 2 * np.pi * (column + 0.5) / model.columns + offsets[:, None]
    vertical = np.broadcast_to(elevations[:, None], azimuth.shape)
    flat = np.cos(vertical)
    directions = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(vertical)], -1)
    times = np.broadcast_to(((column + 1) / model.columns - 1) * model.period, azimuth.shape)
    rings = np.broadcast_to(np.argsort(np.argsort(elevations))[:, None], azimuth.shape)
    return make_grid(
        directions.reshape(-1, 3),
        times.ravel(),
        rings.ravel(),
        _row_edges(elevations),
        max(model.columns // 2, 1),
    )


def _row_edges(elevations: DoubleArray) -> DoubleArray:
    """Edges half-way between beams: one row a beam."""
    beams = np.unique(elevations)
    middle = (beams[1:] + beams[:-1]) / 2
    return np.concatenate([[beams[0] - 1e-3], middle, [beams[-1] + 1e-3]])


def _even(low: float, high: float, beams: int) -> tuple[float, ...]:
    return tuple(np.linspace(low, high, beams).tolist())


_VLP16 = LidarModel("vlp16", _even(-15, 15, 16), columns=1800, range_noise=0.012, max_range=100.0)
_MODELS = (
    _VLP16,
    LidarModel("hdl32", _even(-30.67, 10.67, 32), columns=1800, range_noise=0.012, max_range=80.0),
    LidarModel("os0_32", _even(-45, 45, 32), columns=1024, max_range=50.0),
    LidarModel(
        "os1_64", _even(-16.6, 16.6, 64), columns=1024, azimuth_offsets=(3.164, 1.055, -1.055, -3.164)
    ),
    LidarModel("os1_128", _even(-22.5, 22.5, 128), columns=1024, azimuth_offsets=(4.2, 1.4, -1.4, -4.2)),
)
SENSORS = {model.name: model for model in _MODELS}


def named(name: str, **changes: object) -> LidarModel:
    """A sensor of `SENSORS` with changed fields."""
    return replace(SENSORS[name], **changes)  # type: ignore[arg-type]
