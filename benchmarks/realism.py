"""Simulated people beside real ones: the numbers, and a picture of both at the same distances.

The real ones are pedestrians cut out of Velodyne sweeps, N×3 or wider arrays in the sensor's frame:
`hdl32_pedestrians.npz` (HDL-32E at 10 Hz), `kitti_hdl64_pedestrian.npz` (HDL-64E, key `points`) and
`nuscenes_pedestrians.npz` (HDL-32E at 20 Hz).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.pictures import save_png
from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.errors import UserError
from despite_ros.simulation.body import Body
from despite_ros.simulation.crops import simulate_crops
from despite_ros.simulation.lidar import SENSORS, LidarModel, spinning
from despite_ros.simulation.parametric import stand, walk
from despite_ros.simulation.placement import Placement
from despite_ros.simulation.style import Style

DISTANCES = (3.0, 8.0, 15.0)
BANDS = (
    ("hdl32", 2.0, 4.0), ("hdl32", 4.0, 6.0), ("hdl32", 6.0, 8.0), ("hdl32", 8.0, 11.0), ("hdl64", 8.0, 10.0),
    ("hdl32_20hz", 12.0, 17.0),
)  # fmt: skip
LIKE_EACH = 4  # simulated people for every real one
WALKERS = 0.5  # share of simulated pedestrians that walk
FEWEST = 4  # points; people with fewer are not seen
BINS = 5  # of height, for the share of returns
HDL32_20HZ = replace(
    spinning("hdl32_20hz", SENSORS["hdl32"].pattern.elevations, 1085, range_noise=0.01),  # type: ignore[attr-defined]
    period=0.05,
)


@dataclass(frozen=True)
class Seen:
    """One pedestrian: points N×3 in the sensor's frame, the model that saw it, the floor's height there."""

    points: FloatArray
    sensor: LidarModel
    floor: float

    @property
    def distance(self) -> float:
        """Metres in plan view."""
        return float(np.hypot(*np.median(self.points[:, :2], axis=0)))


def load_real(folder: Path) -> list[Seen]:
    """All real pedestrians of a folder.

    Raises:
        UserError: a file is missing.
    """
    kinds = {
        "hdl32_pedestrians.npz": SENSORS["hdl32"],
        "kitti_hdl64_pedestrian.npz": SENSORS["hdl64"],
        "nuscenes_pedestrians.npz": HDL32_20HZ,
    }
    found = []
    for name, sensor in kinds.items():
        if not (folder / name).exists():
            raise UserError(f"{folder}: no {name}; give the folder of the real pedestrians")
        with np.load(folder / name) as arrays:
            clouds = [arrays[key][:, :3] for key in arrays.files if arrays[key].ndim == 2]
        # Feet are cut off now and then; the floor is that of the pedestrian that reaches lowest nearby.
        lows = np.array([np.percentile(cloud[:, 2], 2) for cloud in clouds])
        floor = float(np.percentile(lows, 25))
        found += [Seen(cloud, sensor, floor) for cloud in clouds]
    return found


def simulate_like(real: Seen, rng: np.random.Generator) -> Seen:
    """Somebody else at the same distance from the same sensor at the same height."""
    activity = walk if rng.random() < WALKERS else stand
    motion = activity(rng, 4.0, Style.random(rng)).rotate(rng.uniform(0, 2 * np.pi))
    stamp = rng.uniform(1.0, 3.0)
    middle = motion.joints[round(stamp * motion.rate), 0]
    bearing = rng.uniform(-np.pi, np.pi)
    away = real.distance * np.array([np.cos(bearing), np.sin(bearing)])
    x, y = middle[:2] - away
    place = Placement(float(x), float(y), -real.floor)
    frames, _ = simulate_crops(motion, Body.random(rng), np.array([stamp]), real.sensor, place, rng)
    local = frames[0] - place.pose()[:3, 3].astype(np.float32)
    return Seen(local, real.sensor, real.floor)


def measures(seen: Seen) -> dict[str, float]:
    """Points, height and width (metres), points in each ring that meets the person, rings."""
    points = seen.points
    low, high = np.percentile(points[:, 2], (2, 98))
    aside = across(points)
    elevation = np.rad2deg(np.arcsin(points[:, 2] / np.linalg.norm(points, axis=1)))
    rows = np.searchsorted(np.rad2deg(seen.sensor.pattern.row_edges()), elevation)
    rings = len(np.unique(rows))
    return {
        "points": float(len(points)),
        "height": float(high - low),
        "width": float(np.subtract(*np.percentile(aside, (98, 2)))),
        "depth": float(np.subtract(*np.percentile(np.hypot(points[:, 0], points[:, 1]), (95, 5)))),
        "per_ring": len(points) / rings,
        "rings": float(rings),
    }


def across(points: FloatArray) -> DoubleArray:
    """Coordinates N across the line of sight, from the middle (metres)."""
    middle = np.median(points[:, :2], axis=0)
    sight = middle / np.linalg.norm(middle)
    return np.asarray((points[:, :2] - middle) @ np.array([-sight[1], sight[0]]), np.float64)


def by_height(people: list[Seen]) -> DoubleArray:
    """Mean share of returns in `BINS` slices of every person's own height, from the feet up."""
    shares = []
    for seen in people:
        z = seen.points[:, 2] - np.percentile(seen.points[:, 2], 2)
        slices = np.clip((z / (np.percentile(z, 98) + 1e-6) * BINS).astype(int), 0, BINS - 1)
        shares.append(np.bincount(slices, minlength=BINS) / len(z))
    return np.asarray(np.mean(shares, axis=0), np.float64)


def compare(folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Real and simulated medians and spreads per band of distance: band → "real" or "simulated" → measure."""
    rng = np.random.default_rng(0)
    real, result = load_real(folder), {}
    for sensor, low, high in BANDS:
        some = [seen for seen in real if seen.sensor.name == sensor and low <= seen.distance < high]
        made = [simulate_like(seen, rng) for seen in some for _ in range(LIKE_EACH)]
        made = [seen for seen in made if len(seen.points) >= FEWEST]
        result[f"{sensor}, {low:g}–{high:g} m"] = {"real": summary(some), "simulated": summary(made)}
    return result


def summary(people: list[Seen]) -> dict[str, float]:
    """Medians of all measures with their 10th and 90th percentiles, and shares by height."""
    rows = [measures(seen) for seen in people]
    found: dict[str, float] = {"people": len(people)}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        for label, percent in (("", 50), ("_10", 10), ("_90", 90)):
            found[name + label] = round(float(np.percentile(values, percent)), 3)
    shares = {f"share_{k + 1}": round(float(share), 3) for k, share in enumerate(by_height(people))}
    return found | shares


def table(result: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """The comparison as a Markdown table: medians, 10th to 90th percentile in brackets."""
    names = ("points", "height", "width", "depth", "per_ring", "rings")
    head = ["distance", "", "people", *names, "share of returns by height, feet to head"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for band, kinds in result.items():
        for kind, found in kinds.items():
            cells = [f"{found[n]:.3g} ({found[n + '_10']:.3g}–{found[n + '_90']:.3g})" for n in names]
            shares = " ".join(f"{found[f'share_{k + 1}']:.2f}" for k in range(BINS))
            lines.append("| " + " | ".join([band, kind, f"{found['people']:.0f}", *cells, shares]) + " |")
    return "\n".join(lines)


def draw(folder: Path, path: Path) -> None:
    """Real (left) and simulated (right) people at 3, 8 and 15 m, as the sensor sees them, to a PNG."""
    rng = np.random.default_rng(1)
    real = load_real(folder)
    figure, axes = plt.subplots(len(DISTANCES), 8, figsize=(13, 9), sharex=True, sharey=True)
    for row, distance in zip(axes, DISTANCES, strict=True):
        upright = [seen for seen in real if np.ptp(seen.points[:, 2]) > 1.0 or distance > 12]
        nearest = sorted(upright, key=lambda seen: abs(seen.distance - distance))[:4]
        pairs = [(seen, "real") for seen in nearest]
        pairs += [(simulate_like(seen, rng), "simulated") for seen in nearest]
        for axis, (seen, kind) in zip(row, pairs, strict=True):
            axis.scatter(
                across(seen.points),
                seen.points[:, 2] - seen.floor,
                s=3,
                color="C0" if kind == "real" else "C1",
            )
            axis.set_title(
                f"{kind}, {seen.distance:.1f} m\n{seen.sensor.name}, {len(seen.points)}", fontsize=8
            )
            axis.set_aspect("equal")
            axis.set_xlim(-0.7, 0.7)
            axis.set_ylim(-0.15, 2.1)
    figure.supxlabel("metres across the line of sight")
    figure.supylabel("metres above the floor")
    figure.tight_layout()
    save_png(figure, path)
