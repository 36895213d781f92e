"""How fast the simulator is, how well it keeps to physics, and how close it is to real pedestrians.

`python -m benchmarks.simulation`                ms a sweep, ms a crop, hours of motion a minute
`python -m benchmarks.simulation --figures DIR`  pictures of a room and of an IMU into DIR
`python -m benchmarks.simulation --real DIR`     simulated beside DIR's real pedestrians: numbers, a picture

Times are of processor time on one core, medians with the least beside them: other work on the
machine then counts little.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.spatial.transform import Rotation

from benchmarks import realism, sensor_figures
from despite_ros.limbs import LIMBS, RATE
from despite_ros.motion.imu import free_acceleration, limb_channels
from despite_ros.motion.rotations import matrices
from despite_ros.simulation.body import Body
from despite_ros.simulation.crops import Nuisances, simulate_crops
from despite_ros.simulation.imu import IDENTITY, PERFECT, ImuModel, simulate_imu
from despite_ros.simulation.kinematics import kinematics
from despite_ros.simulation.lidar import SENSORS
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.placement import Placement
from despite_ros.simulation.room import Room
from despite_ros.simulation.sweep import Actor, scan

RESULTS = Path(__file__).parent / "results" / "simulation.json"
FIGURES = Path(__file__).parent / "figures"
PEOPLE = 16
REPEATS = 40
CROP_SENSORS = ("vlp16", "hdl32", "os1_64", "os1_128", "livox_avia")
CROP_DISTANCES = (3.0, 8.0, 15.0)
SECONDS = 6.0  # of a motion
IMU_RATE = 400.0  # for the checks against physics


def timed(work: Callable[[], object], repeats: int = REPEATS) -> dict[str, float]:
    """Processor milliseconds of `work`: median and least, after one run to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(1e3 * (time.process_time() - start))
    return {"ms": round(float(np.median(times)), 3), "least_ms": round(min(times), 3)}


def sweep_times(rng: np.random.Generator) -> dict[str, Any]:
    """131,072 rays through a furnished room with 16 people; the sensor stands still, or drives and turns."""
    room = Room.random(rng, 16.0, 14.0, furniture=8)
    motions = [made_up_motion(rng, SECONDS) for _ in range(PEOPLE)]
    spots = rng.uniform((-6, -5), (6, 5), (PEOPLE, 2))
    actors = [
        Actor(motion.translate(np.array([*spot, 0]) - motion.joints[0, 0] * [1, 1, 0]), Body.random(rng))
        for motion, spot in zip(motions, spots, strict=True)
    ]
    still = Placement().pose()
    moved = Placement(x=0.1, yaw=0.05).pose()
    model, things = SENSORS["os1_128"], room.obstacles()
    found = {}
    for name, end in (("still", still), ("moving", moved)):
        found[name] = timed(partial(scan, model, 0, 2.0, (still, end), actors, things, rng))
    returns = scan(model, 0, 2.0, (still, still), actors, things, rng)
    rays = len(model.rays().times)
    return {"rays": rays, "people": PEOPLE, "person_returns": int((returns.person >= 0).sum()), **found}


def crop_times(rng: np.random.Generator) -> list[dict[str, Any]]:
    """A crop (rays, noise, nuisances, sampling) by sensor and distance."""
    motion, stamps = made_up_motion(rng, SECONDS), 0.5 + np.arange(24) / RATE
    rows = []
    for name in CROP_SENSORS:
        for distance in CROP_DISTANCES:
            place = Placement.random(rng, motion, SENSORS[name], (distance, distance), (1.2, 1.2))
            body = Body.random(rng)
            crops = partial(simulate_crops, motion, body, stamps, SENSORS[name], place, rng)
            frames, _ = crops()
            found = timed(partial(crops, Nuisances()), 10)
            points = float(np.mean([len(points) for points in frames]))
            per_crop = {key: round(value / len(stamps), 3) for key, value in found.items()}
            rows.append({"sensor": name, "distance": distance, "points": round(points), **per_crop})
    return rows


def motion_rate(rng: np.random.Generator, sequences: int = 30) -> dict[str, float]:
    """Hours of motion a minute on one core: anybody, anywhere, any sensor, four IMUs, 10 crops a second."""
    motions = [made_up_motion(rng, SECONDS) for _ in range(sequences)]
    stamps = np.arange(1, int(SECONDS * RATE)) / RATE
    names = sorted(SENSORS)
    _sense(motions[0], stamps, "os1_64", rng)
    start = time.process_time()
    for motion in motions:
        _sense(motion, stamps, str(rng.choice(names)), rng)
    seconds = time.process_time() - start
    return {
        "hours_a_minute_a_core": round(sequences * SECONDS / 3600 / (seconds / 60), 3),
        "ms_a_crop_in_all": round(1e3 * seconds / (sequences * len(stamps)), 3),
    }


def _sense(motion: Any, stamps: Any, sensor: str, rng: np.random.Generator) -> None:
    model = SENSORS[sensor]
    place = Placement.random(rng, motion, model)
    simulate_crops(motion, Body.random(rng), stamps, model, place, rng, Nuisances())
    for limb in LIMBS:
        samples = simulate_imu(motion, limb, 100.0, ImuModel(), rng)
        limb_channels(
            samples.stamps_ns,
            samples.orientation,
            samples.specific_force,
            np.array(IDENTITY),
            np.rint(stamps * 1e9).astype(np.int64),
        )


def physics(rng: np.random.Generator, motions: int = 20) -> dict[str, float]:
    """Errors (largest over made-up motions and limbs) of what an ideal IMU's samples integrate to.

    Orientation from the gyroscope alone, and path from specific force twice, start given.
    """
    turned, strayed = [], []
    for _ in range(motions):
        motion = made_up_motion(rng, SECONDS)
        for limb in LIMBS:
            samples = simulate_imu(motion, limb, IMU_RATE, PERFECT, rng)
            true = kinematics(motion, limb, np.arange(len(samples.stamps_ns)) / IMU_RATE, 0.0)
            turned.append(_gyroscope_error(samples.angular_velocity, true.rotation))
            free = free_acceleration(matrices(samples.orientation), samples.specific_force)
            strayed.append(_path_error(free, true.position))
    return {
        "seconds": SECONDS,
        "rate_hz": IMU_RATE,
        "orientation_median_deg": round(float(np.median(turned)), 4),
        "orientation_largest_deg": round(max(turned), 4),
        "path_median_mm": round(1e3 * float(np.median(strayed)), 3),
        "path_largest_mm": round(1e3 * max(strayed), 3),
    }


def _gyroscope_error(angular_velocity: Any, true: Rotation) -> float:
    """Degrees between the integrated and the true orientation at the end."""
    rotation = true[0]
    for mean in (angular_velocity[1:] + angular_velocity[:-1]) / 2:
        rotation = rotation * Rotation.from_rotvec(mean / IMU_RATE)
    return float(np.rad2deg((rotation.inv() * true[-1]).magnitude()))


def _path_error(acceleration: Any, position: Any) -> float:
    """The largest distance (metres) of the twice integrated path, its first second's speed fitted."""
    times = np.arange(len(position)) / IMU_RATE
    speed = cumulative_trapezoid(acceleration, times, axis=0, initial=0)
    path = cumulative_trapezoid(speed, times, axis=0, initial=0)
    rest = position - position[0] - path
    first = times <= 1.0
    slope = (times[first] @ rest[first]) / (times[first] @ times[first])
    return float(np.linalg.norm(rest - times[:, None] * slope, axis=1).max())


def measure() -> dict[str, Any]:
    """All figures."""
    rng = np.random.default_rng(0)
    return {
        "machine": {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "load_before": os.getloadavg()[0],
        "sweep": sweep_times(rng),
        "crops": crop_times(rng),
        "motion": motion_rate(rng),
        "physics": physics(rng),
    }


def report(found: dict[str, Any]) -> str:
    """The figures in words and a Markdown table."""
    sweep, motion, checks = found["sweep"], found["motion"], found["physics"]
    lines = [
        f"sweep of {sweep['rays']:,} rays, {sweep['people']} people: {sweep['still']['ms']:.1f} ms still, "
        f"{sweep['moving']['ms']:.1f} ms moving (least {sweep['still']['least_ms']:.1f} and "
        f"{sweep['moving']['least_ms']:.1f}), one core",
        f"motion: {motion['hours_a_minute_a_core']:.2f} hours a minute and core, "
        f"{motion['ms_a_crop_in_all']:.2f} ms a crop with its IMUs",
        f"integrated over {checks['seconds']:.0f} s at {checks['rate_hz']:.0f} Hz: orientation to "
        f"{checks['orientation_largest_deg']:.2f}°, "
        f"path to {checks['path_largest_mm']:.1f} mm (largest; "
        f"medians {checks['orientation_median_deg']:.3f}°, {checks['path_median_mm']:.2f} mm)",
        "",
        "| sensor | distance m | points | ms a crop | least |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['sensor']} | {row['distance']:g} | {row['points']} | {row['ms']:.2f}"
        f" | {row['least_ms']:.2f} |"
        for row in found["crops"]
    ]
    return "\n".join(lines)


def write(name: str, found: Any) -> None:
    """Put a part of the results into the JSON file, beside what other parts left there."""
    content = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content | {name: found}, indent=1) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("benchmarks.simulation", description=__doc__, formatter_class=formatter)
    parser.add_argument("--figures", type=Path, help="folder for pictures of a room and of an IMU")
    parser.add_argument("--real", type=Path, help="folder of real pedestrians to compare with")
    given = parser.parse_args(arguments)
    if given.figures:
        sensor_figures.draw_room(given.figures / "room_four_lidars.png")
        sensor_figures.draw_walk(given.figures / "imu_walk.png")
    if given.real:
        compared = realism.compare(given.real)
        write("realism", compared)
        print(realism.table(compared))
        realism.draw(given.real, (given.figures or FIGURES) / "real_and_simulated.png")
    if not given.figures and not given.real:
        found = measure()
        write("speed", found)
        print(report(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
