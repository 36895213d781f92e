"""Made-up motion beside captured motion: pictures, and distributions of angles, speeds, accelerations.

    python -m benchmarks.motions --mocap DIR --figures benchmarks/figures

writes made_up_sticks.png, made_up_clouds.png, motion_distributions.png and motions.json. Captured motion is
that of the people for training, each of whom counts as much as the others; without --mocap only made-up
motion is measured.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from scipy.ndimage import gaussian_filter1d
from scipy.stats import wasserstein_distance

from despite_ros.arrays import AnyArray, DoubleArray
from despite_ros.simulation.body import Body
from despite_ros.simulation.captured import load_folder
from despite_ros.simulation.clearance import LIMBS, overlaps
from despite_ros.simulation.contacts import RADII
from despite_ros.simulation.crops import simulate_crops
from despite_ros.simulation.lidar import SENSORS
from despite_ros.simulation.made_up import made_up_motion
from despite_ros.simulation.placement import Placement
from despite_ros.simulation.skeleton import JOINT_INDEX, LINKS, Motion, heading, yaw_matrix
from training.data.split import group_of

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
STEP = 3  # frames between samples
SHORTEST = 1.5  # seconds
SMOOTHING = 0.025  # seconds: accelerations as an IMU's 100 ms mean has them
LIMB_JOINTS = (("shank", "knee", "ankle"), ("forearm", "elbow", "wrist"))
SIDE_COLOURS = {"l_": "tab:blue", "r_": "tab:red"}


def measures(motion: Motion) -> dict[str, DoubleArray]:
    """What is compared: name with unit → values over the motion's frames."""
    smooth = gaussian_filter1d(motion.joints.astype(np.float64), SMOOTHING * motion.rate, axis=0)
    velocity = np.gradient(smooth, axis=0) * motion.rate
    acceleration = np.gradient(velocity, axis=0) * motion.rate
    found: dict[str, list[DoubleArray]] = defaultdict(list)
    for side, (part, start, end) in product("lr", LIMB_JOINTS):
        upper, lower = JOINT_INDEX[f"{side}_{start}"], JOINT_INDEX[f"{side}_{end}"]
        axis = smooth[:, lower] - smooth[:, upper]
        axis /= np.linalg.norm(axis, axis=1, keepdims=True)
        turning = np.linalg.norm(np.gradient(axis, axis=0), axis=1) * motion.rate
        pull = acceleration[:, [upper, lower]].mean(1)
        found[f"{part} above hanging (°)"].append(np.degrees(np.arccos(np.clip(-axis[:, 2], -1, 1))))
        found[f"{part} turning (°/s)"].append(np.degrees(turning))
        found[f"{part} acceleration (m/s²)"].append(np.linalg.norm(pull, axis=1))
    for name, (a, b, c) in {
        "knee": ("hip", "knee", "ankle"),
        "elbow": ("shoulder", "elbow", "wrist"),
    }.items():
        for side in "lr":
            found[f"{name} bent (°)"].append(_bend(*(motion.joint(f"{side}_{joint}") for joint in (a, b, c))))
    trunk = motion.joint("neck") - motion.joint("pelvis")
    found["trunk from upright (°)"].append(np.degrees(np.arccos(trunk[:, 2] / np.linalg.norm(trunk, axis=1))))
    found["pelvis speed (m/s)"].append(np.linalg.norm(velocity[:, 0], axis=1))
    found["pelvis acceleration (m/s²)"].append(np.linalg.norm(acceleration[:, 0], axis=1))
    return {name: np.concatenate([values[3:-3:STEP] for values in parts]) for name, parts in found.items()}


def contact_measures(motions: Sequence[Motion]) -> dict[str, float]:
    """How plausible bodies are: shares of frames, metres, m/s."""
    sliding, deepest, inside, sunk = [], [], [], []
    for motion in motions:
        height = motion.joints[..., 2] - RADII
        speed = np.linalg.norm(np.gradient(motion.joints[..., :2], axis=0), axis=-1) * motion.rate
        feet = [JOINT_INDEX[f"{side}_{joint}"] for side in "lr" for joint in ("ankle", "toe")]
        sliding.append(speed[:, feet][height[:, feet] < 0.015])
        sunk.append(height.min(1))
        depth = np.max([overlaps(motion.joints, limb)[0] for limb in LIMBS], axis=0)
        inside.append(depth > 0.04)
        deepest.append(depth.max())
    slides = np.concatenate(sliding)
    return {
        "foot on the floor slides, median (m/s)": round(float(np.median(slides)), 3),
        "foot on the floor slides, 90 % (m/s)": round(float(np.quantile(slides, 0.9)), 3),
        "joint below the floor by over 2 cm (share of frames)": round(
            float((np.concatenate(sunk) < -0.02).mean()), 4
        ),
        "limb in the body by over 4 cm (share of frames)": round(float(np.concatenate(inside).mean()), 4),
        "deepest overlap, median motion (m)": round(float(np.median(deepest)), 3),
    }


def _bend(a: AnyArray, b: AnyArray, c: AnyArray) -> DoubleArray:
    first, second = b - a, c - b
    cosine = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def pooled(motions: Iterable[Motion], per_person: int = 4000) -> dict[str, DoubleArray]:
    """Measures of all motions; of every person the same number of values, drawn at random."""
    people: dict[str, dict[str, list[DoubleArray]]] = defaultdict(lambda: defaultdict(list))
    for motion in motions:
        for name, values in measures(motion).items():
            people[motion.person][name].append(values)
    rng = np.random.default_rng(0)
    draws: dict[str, list[DoubleArray]] = defaultdict(list)
    for person in people.values():
        for name, parts in person.items():
            draws[name].append(rng.choice(np.concatenate(parts), per_person))
    return {name: np.concatenate(parts) for name, parts in draws.items()}


def draw_stick(axes: Axes, motion: Motion, shares: Sequence[float] = (0.02, 0.35, 0.65, 0.98)) -> None:
    """A motion as a row of stick figures seen from the left and a little from the front."""
    turn = yaw_matrix(-heading(motion, 0) - 0.5)
    for place, share in enumerate(shares):
        pose = motion.joints[int(share * (motion.frames - 1))]
        pose = (pose - pose[0] * (1, 1, 0)) @ turn.T
        for link in LINKS:
            ends = [JOINT_INDEX[link.joint], JOINT_INDEX[link.parent]]
            axes.plot(
                pose[ends, 0] + 1.5 * place,
                pose[ends, 2],
                color=SIDE_COLOURS.get(link.joint[:2], "black"),
                lw=1.2,
            )
        head = pose[JOINT_INDEX["head"]]
        axes.add_patch(plt.Circle((head[0] + 1.5 * place, head[2] + 0.05), 0.1, fill=False))
    axes.plot([-1, 5.5], [0, 0], color="0.7", lw=0.6)
    axes.set(xlim=(-1, 5.5), ylim=(-0.1, 2.3), aspect="equal")
    axes.set_title(", ".join(dict.fromkeys(span.label or "–" for span in motion.activities)), fontsize=7)
    axes.axis("off")


def draw_cloud(
    axes: Axes, motion: Motion, rng: np.random.Generator, shares: Sequence[float] = (0.1, 0.4, 0.7, 0.95)
) -> None:
    """The same as crops of an OS1-64, seen from the sensor's left."""
    placement = Placement.random(rng, motion, SENSORS["os1_64"], distance=(3.0, 8.0))
    stamps = np.array(shares) * motion.duration
    _, crops = simulate_crops(motion, Body.random(rng), stamps, SENSORS["os1_64"], placement, rng)
    turn = yaw_matrix(-heading(motion, 0) - 0.5)
    for place, crop in enumerate(crops):
        points = crop @ turn.T
        axes.scatter(points[:, 0] + 1.5 * place, points[:, 2], s=0.6, c=points[:, 1], cmap="viridis")
    axes.set(xlim=(-1, 5.5), ylim=(-1.2, 1.2), aspect="equal")
    axes.axis("off")


def draw_pages(motions: Sequence[Motion], folder: Path) -> None:
    """made_up_sticks.png and made_up_clouds.png."""
    rng = np.random.default_rng(0)
    for name in ("made_up_sticks", "made_up_clouds"):
        figure, grid = plt.subplots(-(-len(motions) // 6), 6, figsize=(18, 1.9 * (len(motions) // 6)))
        for axes, motion in zip(grid.flat, motions, strict=False):
            draw_stick(axes, motion) if name.endswith("sticks") else draw_cloud(axes, motion, rng)
        figure.tight_layout()
        figure.savefig(folder / f"{name}.png", dpi=60)
        plt.close(figure)


def draw_distributions(sources: dict[str, dict[str, DoubleArray]], path: Path) -> None:
    """Histograms, one plot a measure, one line a source."""
    names = list(next(iter(sources.values())))
    figure, grid = plt.subplots(-(-len(names) // 3), 3, figsize=(13, 2.4 * -(-len(names) // 3)))
    for axes, name in zip(grid.flat, names, strict=False):
        top = max(np.quantile(values[name], 0.995) for values in sources.values())
        for source, values in sources.items():
            axes.hist(values[name], 60, range=(0, top), density=True, histtype="step", label=source)
        axes.set_title(name, fontsize=9)
        axes.set_yscale("log")
    for axes in grid.flat[len(names) :]:
        axes.axis("off")
    grid.flat[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mocap", type=Path, help="folder of packed motion capture to compare with")
    parser.add_argument(
        "--figures", type=Path, required=True, help="folder for the pictures and motions.json"
    )
    parser.add_argument("--count", type=int, default=300, help="made-up motions to measure")
    parser.add_argument("--drawn", type=int, default=48, help="made-up motions on the pages")
    args = parser.parse_args()
    mpl.use("Agg")
    args.figures.mkdir(parents=True, exist_ok=True)
    made_up_motion(np.random.default_rng(0))  # compiled before the clock starts
    began = time.thread_time()
    made_up = [made_up_motion(np.random.default_rng((1, seed))) for seed in range(args.count)]
    per_motion = (time.thread_time() - began) / args.count * 1e3
    sources = {"made-up": pooled(made_up, per_person=60_000)}
    contacts = {"made-up": contact_measures(made_up)}
    if args.mocap:
        motions = (motion for motion in load_folder(args.mocap) if group_of(motion.person) == "train")
        captured = [motion for motion in motions if motion.duration >= SHORTEST]
        sources["captured"] = pooled(captured)
        contacts["captured"] = contact_measures(captured[:: max(1, len(captured) // 100)])
    report = {
        "milliseconds a 6 s motion": round(per_motion, 2),
        "contacts": contacts,
        "quantiles": _quantiles(sources),
    }
    (args.figures / "motions.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(report, indent=1, ensure_ascii=False))
    draw_pages(made_up[: args.drawn], args.figures)
    draw_distributions(sources, args.figures / "motion_distributions.png")


def _quantiles(sources: dict[str, dict[str, DoubleArray]]) -> dict[str, dict[str, object]]:
    """Measure → source → quantiles, and how far the sources are apart in units of the captured deviation."""
    table: dict[str, dict[str, object]] = {}
    for name in sources["made-up"]:
        row: dict[str, object] = {
            source: {str(q): round(float(np.quantile(values[name], q)), 2) for q in QUANTILES}
            for source, values in sources.items()
        }
        if "captured" in sources:
            theirs = sources["captured"][name]
            gap = wasserstein_distance(sources["made-up"][name], theirs) / theirs.std()
            row["apart (captured deviations)"] = round(float(gap), 3)
        table[name] = row
    return table


if __name__ == "__main__":
    main()
