"""How long the pipeline's stages take on this machine, on simulated rooms."""

import os
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.bags.writer import wearers_of
from despite_ros.encoders import Encoders, load
from despite_ros.encoders.floor import floor_ms, sgemm_rates
from despite_ros.limbs import FRAMES, RATE
from despite_ros.motion.wearers import parse_wearers
from despite_ros.pipeline import Pipeline
from despite_ros.settings import Settings
from despite_ros.simulation.scene import Scene, random_scene

MEASURED = 16  # sweeps of each room, after the first windows are full
WARM_UP = FRAMES + 8
SEED = 5

Sample = tuple[int, str, str, tuple[float, ...], tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Grid:
    """What is measured: numbers of people, all of them wearing IMUs; LiDARs; threads of the encoders."""

    people: Sequence[int] = (2, 8)
    sensors: Sequence[str] = ("os0_32", "os1_64")
    threads: Sequence[int] = (1, 2)


@dataclass(frozen=True)
class Room:
    """A scene's measurements. clouds: (stamp, N×3 points, sensor pose). samples: of the IMUs, by stamp."""

    scene: Scene
    clouds: list[tuple[int, FloatArray, DoubleArray]]
    samples: list[Sample]


def machine() -> dict[str, Any]:
    """The processor, the cores that this process may use, and how busy they are (load average)."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
    }


def bench(model: str, device: str, grid: Grid, limit_s: float) -> Iterator[dict[str, Any]]:
    """One row for each cell of the grid, from the smallest; stops at the cell after `limit_s` seconds.

    A row: people (in the room), sensor, points (a sweep), threads, tracks and wearers (with full windows),
    stages (median ms), total (median ms), floor_ms and encode_to_floor (on the CPU, else None).

    Raises:
        UserError: no such model, device or sensor.
    """
    begun = time.monotonic()
    encoders = {threads: load(model, device, threads, say=lambda text: None) for threads in grid.threads}
    rates = {threads: max(sgemm_rates(threads).values()) for threads in grid.threads}
    for people in grid.people:
        for sensor in grid.sensors:
            if time.monotonic() - begun > limit_s:
                return
            room = simulate(people, sensor)
            for threads in grid.threads:
                row = {"people": people, "sensor": sensor, "threads": threads}
                yield row | measure(room, encoders[threads], rates[threads])


def simulate(people: int, sensor: str) -> Room:
    """A room in which everybody wears four IMUs."""
    rng = np.random.default_rng(SEED)
    seconds = (WARM_UP + MEASURED) / RATE
    scene = random_scene(rng, people, people, 0, seconds, sensor)
    clouds = [(sweep.stamp_ns, sweep.cloud, sweep.sensor_pose) for sweep in scene.sweeps()]
    samples = [
        (stamp, wearer, limb, *(tuple(row) for row in rows))
        for wearer, limbs in scene.imu().items()
        for limb, found in limbs.items()
        for stamp, *rows in zip(
            found.stamps_ns.tolist(),
            found.orientation.tolist(),
            found.angular_velocity.tolist(),
            found.specific_force.tolist(),
            strict=True,
        )
    ]
    return Room(scene, clouds, sorted(samples))


def measure(room: Room, encoders: Encoders, gflops: float) -> dict[str, Any]:
    """Median milliseconds of a sweep's stages, in the order in which they happen."""
    pipeline = Pipeline(Settings(), parse_wearers(wearers_of(room.scene), "bench"), encoders)
    rows, counts, samples = [], [], iter([*room.samples, None])
    sample = next(samples)
    for stamp, cloud, pose in room.clouds:
        start = time.perf_counter()
        while sample is not None and sample[0] <= stamp:
            pipeline.imu(*_arguments(sample))
            sample = next(samples)
        taken = {"imu": _since(start)}
        found = pipeline.cloud(cloud, stamp, pose)
        start = time.perf_counter()
        pipeline.reidentifier.advance()
        after = {"advance": _since(start)}
        if found is not None:
            rows.append(taken | found[0].latency_ms | found[1].latency_ms | after)
            embeddings = pipeline.reidentifier.embeddings
            full = [np.isfinite(part[:, 0]).sum() for part in (embeddings.points, embeddings.imu)]
            counts.append([*full, (embeddings.turns > 0).sum()])
    return _row(room, encoders, gflops, rows[-MEASURED:], counts[-MEASURED:])


def _row(
    room: Room,
    encoders: Encoders,
    gflops: float,
    rows: Sequence[dict[str, float]],
    counts: Sequence[Sequence[int]],
) -> dict[str, Any]:
    stages = {name: float(np.median([row.get(name, 0.0) for row in rows])) for name in rows[-1]}
    tracks, wearers, encoded = np.mean(counts, axis=0).tolist()
    found = {
        "points": round(np.mean([len(cloud) for _, cloud, _ in room.clouds])),
        "tracks": round(tracks, 1),
        "wearers": round(wearers, 1),
        "stages": {name: round(value, 3) for name, value in stages.items()},
        "total": round(float(np.median([sum(row.values()) for row in rows])), 3),
    }
    if encoders.device != "cpu" or tracks + wearers == 0:
        return found | {"floor_ms": None, "encode_to_floor": None}
    floor = floor_ms(encoded, wearers, encoders.card.width, gflops)
    return found | {"floor_ms": round(floor, 3), "encode_to_floor": round(stages["encode"] / floor, 2)}


def _arguments(sample: Sample) -> tuple[Any, ...]:
    """A sample in the order of `Reidentifier.imu`."""
    stamp, wearer, limb, *rows = sample
    return (wearer, limb, stamp, *rows)


def _since(start: float) -> float:
    return 1e3 * (time.perf_counter() - start)
