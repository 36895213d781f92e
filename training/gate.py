"""Train the classifier that tells clusters of people from clusters of things: `python -m training.gate`.

Scenes of made-up and everyday motion with furniture, walls and clutter are cut into clusters by the
same code that runs on the robot; a cluster's label is who its points belong to in the simulation.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score
from sklearn.neural_network import MLPClassifier

from despite_ros.arrays import AnyArray, FloatArray, IndexArray, IntArray
from despite_ros.people import gate
from despite_ros.people.candidates import Candidate, find_candidates, parts_of
from despite_ros.people.clustering import Clustering
from despite_ros.people.detections import NOBODY
from despite_ros.people.features import FEATURES, candidate_features
from despite_ros.people.ground import Ground
from despite_ros.people.partition import outline
from despite_ros.people.settings import PeopleSettings
from despite_ros.simulation.clutter import clutter
from despite_ros.simulation.crowd import Surroundings
from despite_ros.simulation.parametric import PARAMETRIC
from despite_ros.simulation.repertoire import made_up, parametric
from despite_ros.simulation.scene import Sweep, random_scene
from despite_ros.simulation.skeleton import Motion
from despite_ros.simulation.style import Style

SENSORS = (
    "vlp16",
    "hdl32",
    "os0_32",
    "os1_64",
    "os1_128",
    "pandar40p",
    "rs_helios",
    "livox_mid360",
    "livox_avia",
)
SECONDS, EVERY = 12.0, 8  # a scene's length; every so many sweeps one is looked at
PERSON, THING, PART = 0.7, 0.05, 0.4  # shares that make a label; clusters in between teach nothing
HIDDEN = (48, 24)
COPIES = 3  # of every cluster, with part of its points
FEWEST = 8  # points of such a part


def main() -> None:
    """Simulate, train, report on scenes held apart, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=100, help="simulated scenes")
    parser.add_argument("--seed", type=int, default=20_000, help="seed of the first scene")
    parser.add_argument("--output", type=Path, default=Path(gate.__file__).parent / gate.WEIGHTS)
    args = parser.parse_args()
    scenes = [simulate(args.seed + index) for index in range(args.scenes)]
    held = max(1, args.scenes // 6)
    features, labels = (np.concatenate(part) for part in zip(*scenes[held:], strict=True))
    weights = train(features, labels)
    np.savez(args.output, allow_pickle=False, **weights)
    features, labels = (np.concatenate(part) for part in zip(*scenes[:held], strict=True))
    odds = gate.load_network(args.output)(features)
    right = ((odds > 0) == labels).mean()
    precision = average_precision_score(labels, odds)
    print(f"{len(labels)} clusters held apart, {labels.mean():.0%} people: "
          f"accuracy {right:.4f}, average precision {precision:.4f}")  # fmt: skip


def simulate(seed: int) -> tuple[FloatArray, IntArray]:
    """Features G×30 and labels (1 person, 0 thing) of the clusters of one random scene."""
    rng = np.random.default_rng(seed)
    repertoire = (made_up, parametric, any_posture)[rng.integers(3)]
    sensor = SENSORS[seed % len(SENSORS)]
    moving = bool(rng.random() < 0.5)
    people = int(rng.integers(2, 10))
    scene = random_scene(rng, people, 0, 0, SECONDS, sensor, moving, repertoire)
    scene = clutter(scene, rng, int(rng.integers(4, 14)))
    found = [clusters(scene.sweep(k), rng) for k in range(0, scene.sweep_count, EVERY)]
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))  # type: ignore[return-value]


def any_posture(rng: np.random.Generator, style: Style, around: Surroundings) -> Motion:
    """An everyday activity, lying as often as walking."""
    return PARAMETRIC[rng.choice(sorted(PARAMETRIC))](rng, rng.uniform(3.0, 6.0), style)


def clusters(sweep: Sweep, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Features and labels of the clusters of one sweep, people's also with part of their points."""
    settings = PeopleSettings()
    pose = sweep.sensor_pose
    points = (sweep.cloud @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32)
    near = np.linalg.norm(sweep.cloud, axis=1) < settings.max_range
    points, person = points[near], sweep.person_index[near]
    ground = Ground(settings.ground, settings.max_range)
    ground.estimate(points, pose[:3, 3])
    above = ground.above(points)
    kept = (above > ground.clearance) & (above < settings.clustering.ceiling)
    points, above, person = points[kept], above[kept], person[kept]
    labels = Clustering(settings.clustering, settings.max_range).label(points, pose[:3, 3])
    owners = np.full(len(points), NOBODY, np.int32)
    candidates = find_candidates(points, labels, owners, (), settings.partition)
    candidates += [
        part for whole in candidates for part in parts_of(whole, points, above, settings.partition)
    ]
    known = []
    for candidate in candidates:
        kind = label(person, candidate.members)
        if kind is not None:
            known.append((candidate, kind))
            cut = hide if kind else excerpt
            known += [
                (part, kind) for part in cut(points, above, candidate, rng) if len(part.members) >= FEWEST
            ]
    if not known:
        return np.empty((0, len(FEATURES)), np.float32), np.empty(0, np.int64)
    features = candidate_features([c for c, _ in known], points, above, pose[:3, 3])
    return features, np.array([y for _, y in known])


def label(person: IndexArray, members: IndexArray) -> int | None:
    """1 for most of a person, 0 for a thing, None for neither."""
    owner = np.bincount(person[members] + 1)
    if owner[0] >= (1 - THING) * len(members):
        return 0
    who = int(np.argmax(owner[1:]))
    whole = (person == who).sum()
    return 1 if owner[1 + who] >= max(PERSON * len(members), PART * whole) else None


def hide(
    points: FloatArray, above: FloatArray, person: Candidate, rng: np.random.Generator
) -> Iterator[Candidate]:
    """What is left of a person when something hides a side or the legs."""
    for _ in range(COPIES):
        along = points[person.members] @ (rng.normal(size=3) * (1, 1, 0.5))
        yield person._replace(members=person.members[along > np.quantile(along, rng.uniform(0, 0.5))])


def excerpt(
    points: FloatArray, above: FloatArray, thing: Candidate, rng: np.random.Generator
) -> Iterator[Candidate]:
    """Person-sized pieces of a thing, as they appear beside background or where somebody stood before."""
    for _ in range(COPIES if thing.context > 0.8 else 0):
        at = points[thing.members[rng.integers(len(thing.members))], :2]
        near = np.abs(points[thing.members, :2] - at).max(1) < rng.uniform(0.15, 0.5)
        low, high = np.sort(rng.uniform((0, 0.8), (0.8, 2.3)))
        piece = thing.members[near & (above[thing.members] > low) & (above[thing.members] < high)]
        if len(piece):
            yield Candidate(piece, outline(points, piece)[2], NOBODY)


def train(features: FloatArray, labels: IntArray) -> dict[str, AnyArray]:
    """Weights as `gate.Network` takes them, of people and things weighed alike."""
    rng = np.random.default_rng(0)
    mean, scale = features.mean(0), features.std(0) + 1e-6
    counts = np.bincount(labels, minlength=2)
    rare = np.flatnonzero(labels == np.argmin(counts))
    again = rng.choice(rare, counts.max() - counts.min())
    rows = np.concatenate([np.arange(len(labels)), again])
    model = MLPClassifier(HIDDEN, alpha=1e-3, early_stopping=True, random_state=0, max_iter=60)
    model.fit(np.clip((features[rows] - mean) / scale, -5, 5), labels[rows])
    weights = {"mean": mean, "scale": scale}
    for k, (matrix, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        weights |= {f"weights{k}": matrix, f"bias{k}": bias}
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}


if __name__ == "__main__":
    main()
