"""Settings of the people room. Lengths in metres, times in seconds, angles in degrees."""

from dataclasses import dataclass

from despite_ros.config import section, setting


@dataclass(frozen=True)
class GroundSettings:
    """Floor or terrain as a height map."""

    cell: float = setting(0.5, "side of a height-map cell, m", 0.2, 2.0)
    clearance: float = setting(0.03, "points lower than this above the floor are floor, m", 0.0, 0.3)
    step: float = setting(0.1, "height difference of neighbouring cells on top of the slope, m", 0.01, 0.5)
    slope: float = setting(20.0, "steepest floor, degrees", 0.0, 45.0)
    level_area: float = setting(6.0, "smallest raised level that counts as floor, m^2", 0.5, 100.0)
    refresh: float = setting(1.0, "a static sensor's height map is made anew after this, s", 0.0, 60.0)


@dataclass(frozen=True)
class BackgroundSettings:
    """What a static sensor always sees, as ranges in an azimuth-elevation grid."""

    enabled: bool = setting(True, "learn the background while the sensor stands still")
    still: float = setting(
        0.02, "a sensor that moves less than this from sweep to sweep stands still, m", 0.0, 1.0
    )
    azimuth: float = setting(0.25, "width of a grid cell, degrees", 0.05, 5.0)
    elevation: float = setting(0.4, "height of a grid cell, degrees", 0.05, 5.0)
    margin: float = setting(0.08, "range difference that makes a point foreground, m", 0.01, 1.0)
    warm_up: float = setting(1.0, "at the start, what is seen for this long is background, s", 0.0, 60.0)
    absorb: float = setting(15.0, "later, what stays in place for this long is background, s", 1.0, 600.0)
    keep: float = setting(60.0, "background that is not seen for this long is forgotten, s", 1.0, 3600.0)


@dataclass(frozen=True)
class ClusteringSettings:
    """Connected components of an occupancy grid in plan view, split at the necks."""

    cell: float = setting(0.1, "side of a grid cell, m", 0.02, 0.5)
    spacing: float = setting(0.16, "cells closer than this are connected, m", 0.05, 1.0)
    spacing_per_metre: float = setting(0.012, "added to spacing for each metre of range", 0.0, 0.1)
    ceiling: float = setting(2.3, "points higher above the floor are left out, m", 1.0, 4.0)


@dataclass(frozen=True)
class PartitionSettings:
    """Sharing the points of a cluster among people."""

    reach: float = setting(1.1, "a point farther from a track's predicted centre is not its, m", 0.3, 3.0)
    limb: float = setting(
        0.35, "a point this near to where a track's points are predicted is its, m", 0.05, 1.0
    )
    unseen: float = setting(
        0.2, "metres that a track is handicapped for each second without points", 0.0, 2.0
    )
    fewest: int = setting(6, "smaller clusters are left out", 1, 100)
    split_length: float = setting(0.6, "shorter clusters are not split, m", 0.2, 2.0)
    split_height: float = setting(0.7, "lower clusters (lying) are not split, m", 0.0, 2.0)
    longest: float = setting(6.0, "longer clusters (walls) are not split, m", 1.0, 50.0)
    map_cell: float = setting(0.1, "side of a cell of the upper-body map, m", 0.05, 0.3)
    peak: float = setting(0.25, "lowest peak of that map as a share of the highest", 0.05, 1.0)
    apart: float = setting(0.42, "nearest distance of two peaks, m", 0.1, 1.0)
    join: float = setting(0.7, "parts of one person are nearer to each other than this, m", 0.0, 3.0)
    join_lying: float = setting(1.0, "parts of one who lies are nearer than this, m", 0.0, 3.0)
    join_longest: float = setting(2.0, "longer clusters are no parts of a person, m", 0.5, 5.0)
    valley: float = setting(
        0.6, "the map falls between two peaks to less than this share of the lower", 0.1, 1.0
    )


@dataclass(frozen=True)
class GateSettings:
    """Is a cluster a person?"""

    min_points: int = setting(8, "fewest points of a person", 1, 1000)
    min_height: float = setting(0.2, "lowest top above the floor (lying), m", 0.05, 1.0)
    max_height: float = setting(2.3, "highest top above the floor, m", 1.0, 3.0)
    max_length: float = setting(2.2, "longest side in plan view, m", 0.5, 4.0)
    probability: float = setting(0.5, "least probability of the learned classifier", 0.0, 1.0)


@dataclass(frozen=True)
class TrackingSettings:
    """Kalman filter (constant velocity) and one-to-one assignment."""

    acceleration: float = setting(3.0, "standard deviation of a person's acceleration, m/s^2", 0.1, 20.0)
    measurement: float = setting(0.08, "standard deviation of a measured position, m", 0.01, 1.0)
    gate: float = setting(3.5, "largest Mahalanobis distance of an assignment", 1.0, 10.0)
    height_deviation: float = setting(0.25, "standard deviation of a person's height over time, m", 0.05, 2.0)
    certain: float = setting(4.5, "log-odds of being a person that show a track at once", 0.0, 20.0)
    likely: float = setting(3.0, "mean log-odds that show it after `birth` sweeps", 0.0, 20.0)
    possible: float = setting(2.0, "mean log-odds that show it after `doubt` sweeps", -5.0, 20.0)
    doubt: int = setting(10, "sweeps with the person before a possible track is shown", 1, 100)
    fewest: int = setting(
        17, "a track of fewer points must be certain, not just likely, after `birth` sweeps", 1, 1000
    )
    doubt_of_few: int = setting(
        5, "sweeps of a static sensor before such a track is shown if it is possible", 1, 100
    )
    birth: int = setting(2, "sweeps with the person before a likely track is shown", 1, 20)
    tentative: float = setting(0.35, "a track that was never shown is kept unseen for this, s", 0.0, 5.0)
    apart: float = setting(0.42, "tracks nearer to each other for long are one person, m", 0.0, 1.0)
    occlusion: float = setting(3.0, "a track that is not seen is kept for this long, s", 0.0, 30.0)
    memory: float = setting(
        20.0, "who was lost and is seen again nearby within this time keeps the id, s", 0.0, 600.0
    )
    again: float = setting(1.0, "how near to where a person was lost that is, m", 0.0, 10.0)


@dataclass(frozen=True)
class PeopleSettings:
    """Settings of `despite_ros.people`."""

    sensor: str = setting("", "make or model whose preset is used, such as ouster or vlp16; empty for none")
    max_range: float = setting(20.0, "farthest point that is looked at, m", 2.0, 100.0)
    min_range: float = setting(0.3, "nearest point that is looked at (the robot itself), m", 0.0, 10.0)
    rate: float = setting(10.0, "frames a second handed on; faster sensors are thinned, Hz", 1.0, 50.0)
    sweeps: int = setting(1, "newest sweeps looked at together; more than 1 for sparse sensors", 1, 10)
    ground: GroundSettings = section(GroundSettings)
    background: BackgroundSettings = section(BackgroundSettings)
    clustering: ClusteringSettings = section(ClusteringSettings)
    partition: PartitionSettings = section(PartitionSettings)
    gate: GateSettings = section(GateSettings)
    tracking: TrackingSettings = section(TrackingSettings)
