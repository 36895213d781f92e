"""Settings that suit a make of sensor. Defaults suit spinning sensors of 32 beams and more."""

from collections.abc import Mapping
from typing import Any

from despite_ros.config import flatten, override
from despite_ros.errors import UserError
from despite_ros.people.settings import PeopleSettings

FEW_BEAMS = {"clustering.spacing_per_metre": 0.02, "gate.min_points": 6, "background.elevation": 1.0}
"""Sixteen beams: rings lie far apart, so points are joined and background is kept over larger cells."""
ROSETTE = {"background.azimuth": 1.0, "background.elevation": 1.0, "background.margin": 0.12}
"""Scans that never repeat: a cell of background must be large enough to be hit in most sweeps."""
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "ouster": {"background.azimuth": 0.36},
    "ouster_16": {"background.azimuth": 0.36, **FEW_BEAMS},
    "velodyne": {"background.azimuth": 0.25},
    "velodyne_16": FEW_BEAMS,
    "hesai": {"background.azimuth": 0.25},
    "livox": {**ROSETTE, "clustering.spacing_per_metre": 0.02, "sweeps": 2},
    "robosense": {"background.azimuth": 0.25, "min_range": 0.4},
    "robosense_16": {"min_range": 0.4, **FEW_BEAMS},
    "solid_state": {"background.azimuth": 0.25, "background.margin": 0.1},
}
"""What each preset changes; azimuth is about the maker's usual spacing of firings at 10 Hz."""
MODELS = {
    "os0": "ouster",
    "os1": "ouster",
    "os2": "ouster",
    "os1_16": "ouster_16",
    "hdl": "velodyne",
    "vlp32": "velodyne",
    "vlp16": "velodyne_16",
    "pandar": "hesai",
    "rs": "robosense",
    "rs16": "robosense_16",
}
"""Beginning of a model's name → preset; the longest that fits counts."""


def with_preset(settings: PeopleSettings, sensor: str) -> PeopleSettings:
    """`settings` with a preset, or that of a model's maker, put in where they are at their defaults.

    "" changes nothing.

    Raises:
        UserError: an unknown sensor.
    """
    if not sensor:
        return settings
    names = dict.fromkeys(PRESETS) | MODELS
    fitting = max((name for name in names if sensor.startswith(name)), key=len, default="")
    if not fitting:
        known = ", ".join(names)
        raise UserError(f"people.sensor: unknown sensor '{sensor}'; names begin with one of: {known}")
    preset = names[fitting] or fitting
    given, usual = flatten(settings), flatten(PeopleSettings())
    changes = {name: value for name, value in PRESETS[preset].items() if given[name] == usual[name]}
    return override(settings, changes, f"preset {preset}")
