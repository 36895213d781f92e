"""Fill a sequence store with simulated sensors on made-up, captured and parametric motion.

`python -m training.data.simulated OUT --made-up 2000 --captured 1000 --mocap FOLDER` makes 2,000 sequences of
motion that nobody performed and 1,000 of captured motion, varied. Sequence i follows from (seed, kind, i)
alone, so the store does not depend on the number of workers, and a broken run goes on where it stopped.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from despite_ros.activities import ACTIVITIES
from despite_ros.arrays import DoubleArray, FloatArray
from despite_ros.errors import UserError
from despite_ros.limbs import FRAMES, LIMBS, RATE, pack_channels
from despite_ros.motion.imu import limb_channels
from despite_ros.simulation.body import Body
from despite_ros.simulation.captured import load_folder, mirror, mix, resize, retime
from despite_ros.simulation.crops import Nuisances, simulate_crops
from despite_ros.simulation.imu import IDENTITY, ImuModel, simulate_imu
from despite_ros.simulation.lidar import SENSORS, LidarModel, spinning
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.parametric import PARAMETRIC
from despite_ros.simulation.placement import Placement
from despite_ros.simulation.skeleton import Motion, Span
from despite_ros.simulation.style import Style
from training.command import command
from training.data.split import group_of
from training.data.store import GROUPS, SequenceInfo, StoreWriter

KINDS = ("made_up", "captured", "parametric")
LEAD = 0.2  # seconds of motion before the first frame: filters and sweeps look back
IMU_RATE = 100.0
DISTANCE = (2.0, 18.0)
HEIGHT = (0.4, 3.0)
CLOCK_OFFSET = 0.03  # seconds, largest common offset between IMUs and LiDAR
PLACES = 50  # tries to find a place from which a person is seen
FEWEST = 16  # median points a frame; with fewer a person is hardly found
LIMB_GROUPS = (("l_arm",), ("r_arm",), ("l_arm", "r_arm"), ("l_leg", "r_leg"))
MIX_SHARE = 0.35
FASTER = 1.35  # largest factor by which a captured clip is sped up or slowed down


@dataclass(frozen=True)
class Job:
    """Which sequence to make: number `index` of a kind, of the people of a group."""

    kind: str
    index: int
    group: str
    seed: int
    seconds: float
    mocap: str = ""
    plain: bool = False  # captured motion as it is, piece after piece, instead of varied random pieces

    @property
    def name(self) -> str:
        """Unique within a store."""
        return f"{self.kind}-{self.group}-{self.seed}-{self.index:06d}"


@dataclass(frozen=True)
class Simulated:
    """Sensors on T frames of a motion. crops: T×256×3. imu: T×48. joints: T×24×3. spans: from frame 0 on."""

    crops: FloatArray
    imu: FloatArray
    joints: FloatArray
    spans: tuple[Span, ...]


def simulate_sequence(
    motion: Motion, rng: np.random.Generator, sensor: LidarModel | None = None
) -> Simulated:
    """Put a random body, LiDAR and four IMUs on a motion and read them at 10 Hz, as the runtime would.

    The motion is turned at random first: people in one room face different ways.
    """
    motion = motion.rotate(rng.uniform(-np.pi, np.pi))
    frames = int((motion.duration - LEAD) * RATE) + 1
    stamps = LEAD + np.arange(frames) / RATE
    crops = seen_crops(motion, stamps, rng, sensor)
    joints = motion.joints[np.rint(stamps * motion.rate).astype(np.int64)]
    spans = (
        Span(max(0.0, span.start_s - LEAD), span.end_s - LEAD, span.label, span.text)
        for span in motion.activities
        if span.end_s > LEAD
    )
    return Simulated(crops, imu_channels(motion, stamps, random_imu(rng), rng), joints, tuple(spans))


def seen_crops(
    motion: Motion, stamps: DoubleArray, rng: np.random.Generator, sensor: LidarModel | None = None
) -> FloatArray:
    """Crops T×256×3 of a random body from somewhere that shows it well enough to be found and followed.

    Raises:
        UserError: the sensor misses the motion from everywhere.
    """
    body = Body.random(rng)
    for _ in range(PLACES):
        model = sensor or random_sensor(rng)
        placement = Placement.random(rng, motion, model, DISTANCE, HEIGHT)
        points, crops = simulate_crops(motion, body, stamps, model, placement, rng, Nuisances())
        found = np.array([len(frame) for frame in points])
        if found[0] and np.median(found) >= FEWEST:
            return crops
    raise UserError(f"motion '{motion.name}': not seen from any of {PLACES} random places")


def imu_channels(
    motion: Motion, stamps: DoubleArray, model: ImuModel, rng: np.random.Generator
) -> FloatArray:
    """The 48 channels at `stamps` (T seconds of the motion) through the runtime's causal resampler, T×48."""
    targets = np.rint((stamps + rng.uniform(-CLOCK_OFFSET, CLOCK_OFFSET)) * 1e9).astype(np.int64)
    mount = np.array(IDENTITY)
    rotations, accelerations = [], []
    for limb in LIMBS:
        samples = simulate_imu(motion, limb, IMU_RATE, model, rng)
        rotation, acceleration = limb_channels(
            samples.stamps_ns, samples.orientation, samples.specific_force, mount, targets
        )
        rotations.append(rotation)
        accelerations.append(acceleration)
    return pack_channels(np.stack(rotations, 1), np.stack(accelerations, 1))


def random_imu(rng: np.random.Generator) -> ImuModel:
    """From nearly perfect to twice as bad as the default."""
    model, factor = ImuModel(), rng.uniform(0.1, 2.0)
    return replace(
        model,
        heading_error=model.heading_error * factor,
        tilt_error=model.tilt_error * factor,
        mounting_error=model.mounting_error * factor,
        mounting_twist=model.mounting_twist * factor,
        wobble_gain=model.wobble_gain * rng.uniform(0.0, 1.5),
        wobble_frequency=rng.uniform(7.0, 16.0),
    )


def random_sensor(rng: np.random.Generator) -> LidarModel:
    """A LiDAR of the table, as often as one whose beams and columns are made up."""
    if rng.random() < 0.5:
        return SENSORS[str(rng.choice(sorted(SENSORS)))]
    return made_up_sensor(int(rng.integers(24)))


@lru_cache(maxsize=24)
def made_up_sensor(number: int) -> LidarModel:
    """Number 0 to 23 of the spinning LiDARs that nobody sells: rings 0.3° to 2° apart."""
    rng = np.random.default_rng(number)
    spacing, beams = np.exp(rng.uniform(np.log(0.3), np.log(2.0))), int(rng.choice([16, 32, 64]))
    top = min(25.0, spacing * beams * rng.uniform(0.3, 0.7))
    elevations = top - spacing * np.arange(beams)
    return spinning(
        f"made_up_{number}",
        tuple(elevations[elevations > -60].tolist()),
        int(rng.choice([900, 1024, 1800])),
        range_noise=float(rng.uniform(0.005, 0.03)),
    )


def captured_piece(clips: Sequence[Motion], rng: np.random.Generator, seconds: float) -> Motion:
    """A piece of a captured clip, mirrored, re-timed, resized and mixed with another at random.

    Clips are drawn with a weight of the square root of their length, pieces are up to `seconds` long.
    """
    clip = _draw(clips, rng, seconds)
    if rng.random() < MIX_SHARE:
        other = _draw(clips, rng, seconds) if rng.random() < 0.5 else made_up_motion(rng, seconds)
        limbs = LIMB_GROUPS[rng.integers(len(LIMB_GROUPS))]
        mixed = mix(clip, other, limbs)
        clip = mixed if mixed.duration > _shortest() else clip
    if rng.random() < 0.5:
        clip = mirror(clip)
    factor = float(np.exp(rng.uniform(-np.log(FASTER), np.log(FASTER))))
    if clip.duration / factor > _shortest():
        clip = retime(clip, factor)
    return resize(clip, rng.uniform(0.88, 1.12))


def _draw(clips: Sequence[Motion], rng: np.random.Generator, seconds: float) -> Motion:
    weight = np.sqrt([clip.duration for clip in clips])
    clip = clips[rng.choice(len(clips), p=weight / weight.sum())]
    start = rng.uniform(0, max(0.0, clip.duration - seconds))
    return clip.slice(start, start + seconds)


def _shortest() -> float:
    """Seconds of motion that just hold one window."""
    return LEAD + (FRAMES + 1) / RATE


@lru_cache(maxsize=4)
def clips_of(mocap: str, group: str) -> tuple[Motion, ...]:
    """The captured clips of a group's people that hold at least one window.

    Raises:
        UserError: no motion files there, or none of this group.
    """
    clips = tuple(
        motion
        for motion in load_folder(mocap)
        if group_of(motion.person) == group and motion.duration > _shortest()
    )
    if not clips:
        raise UserError(f"{mocap}: no captured motion of the group '{group}'")
    return clips


@lru_cache(maxsize=4)
def pieces_of(mocap: str, group: str, seconds: float) -> tuple[Motion, ...]:
    """All captured motion of a group's people, cut into pieces of up to `seconds`."""
    starts = (
        (clip, start) for clip in clips_of(mocap, group) for start in np.arange(0, clip.duration, seconds)
    )
    pieces = (clip.slice(start, start + seconds) for clip, start in starts)
    return tuple(piece for piece in pieces if piece.duration > _shortest())


def motion_for(job: Job, rng: np.random.Generator) -> Motion:
    """The motion of a job."""
    if job.kind == "captured":
        if job.plain:
            pieces = pieces_of(job.mocap, job.group, job.seconds)
            return pieces[job.index % len(pieces)]
        return captured_piece(clips_of(job.mocap, job.group), rng, job.seconds)
    if job.kind == "parametric":
        label = sorted(PARAMETRIC)[job.index % len(PARAMETRIC)]
        return PARAMETRIC[label](rng, rng.uniform(0.6, 1.0) * job.seconds, Style.random(rng))
    return made_up_motion(rng, job.seconds)


def make(job: Job) -> tuple[SequenceInfo, Simulated]:
    """Simulate one job; runs in a worker."""
    rng = np.random.default_rng((job.seed, KINDS.index(job.kind), GROUPS.index(job.group), job.index))
    motion = motion_for(job, rng)
    info = SequenceInfo(
        name=job.name,
        person=motion.person or job.name,
        source=motion.source,
        licence=motion.licence,
        group=job.group,
        kind=job.kind,
        first=0,
        frames=0,
    )
    found = simulate_sequence(motion, rng)
    return replace(
        info, spans=tuple(span for span in found.spans if span.label in ACTIVITIES or span.text)
    ), found


def fill(directory: Path, jobs: Sequence[Job], workers: int) -> int:
    """Make the jobs that the store does not hold yet, in order; the number of sequences added."""
    with StoreWriter(directory) as writer:
        missing = [job for job in jobs if job.name not in writer.names]
        for info, found in tqdm(
            _results(missing, workers), total=len(missing), unit="sequences", mininterval=5
        ):
            writer.add(info, found.crops, found.imu, found.joints)
    return len(missing)


def _results(jobs: Sequence[Job], workers: int) -> Iterator[tuple[SequenceInfo, Simulated]]:
    if workers <= 1:
        yield from map(make, jobs)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(make, jobs, chunksize=4)


@command("training.data.simulated")
def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="store folder; an unfinished one is continued")
    for kind in KINDS:
        parser.add_argument(f"--{kind.replace('_', '-')}", type=int, default=0, help="sequences of this kind")
    parser.add_argument("--mocap", default="", help="folder of packed motion capture files, for --captured")
    parser.add_argument("--group", choices=GROUPS, default="train", help="whose motion")
    parser.add_argument("--plain", action="store_true", help="captured motion as it is, piece after piece")
    parser.add_argument("--seconds", type=float, default=7.0, help="length of a sequence")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes")
    args = parser.parse_args(arguments)
    counts = {kind: getattr(args, kind) for kind in KINDS}
    jobs = [
        Job(kind, index, args.group, args.seed, args.seconds, args.mocap, args.plain)
        for kind, count in counts.items()
        for index in range(count)
    ]
    jobs.sort(key=lambda job: (job.index + 0.5) / counts[job.kind])  # kinds in even shares all along
    added = fill(args.out, jobs, args.workers)
    print(f"{args.out}: {added} sequences added, {len(jobs)} in all")


if __name__ == "__main__":
    sys.exit(main())
