"""Train the classifier that tells clusters of people from clusters of things: `python -m training.gate`.

Scenes of made-up, everyday and (with --mocap) captured motion with furniture, walls and clutter go
through the segmenter itself; what its gate was asked about, with who the points belong to in the
simulation, is what the next gate learns from. Captured people are those of `training.data.split.TRAIN`.
The released file was fitted on such scenes and on earlier ones of the same kind: a new run gives its like.
"""

import argparse
from collections import ChainMap, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from sklearn.metrics import average_precision_score
from torch import nn

from despite_ros.arrays import AnyArray, DoubleArray, FloatArray, IndexArray, IntArray
from despite_ros.people import gate
from despite_ros.people.candidates import Candidate
from despite_ros.people.features import FEATURES, INPUTS, candidate_features
from despite_ros.people.partition import outline
from despite_ros.people.presets import with_preset
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.settings import PeopleSettings
from despite_ros.people.transform import to_fixed
from despite_ros.simulation.captured import load_folder
from despite_ros.simulation.clutter import clutter
from despite_ros.simulation.crowd import Repertoire, Surroundings
from despite_ros.simulation.parametric import PARAMETRIC
from despite_ros.simulation.repertoire import captured, made_up, parametric
from despite_ros.simulation.scene import Scene, Sweep, random_scene
from despite_ros.simulation.sensor_path import SensorPath
from despite_ros.simulation.skeleton import Motion
from despite_ros.simulation.style import Style
from training.data.split import TRAIN

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
SECONDS, EVERY = 3.0, 5  # a scene's length; every so many sweeps one is recorded
HEIGHTS, MOUNTED = (0.3, 2.2), 0.4  # metres of a sensor above the floor, chance that it is not as usual
SHORTEST = 1.5  # seconds of a captured clip
PERSON, PART, THING = 0.5, 0.3, 0.05  # IoU of a person, IoU of a part at most, share of people in a thing
HIDDEN = (256, 64)
HIDE, EXCERPT = 0.5, 0.4  # chance that a person is shown with a part hidden, a thing as an excerpt
FEWEST = 8  # points of such a part
EPOCHS, BATCH, RATE, DECAY, DROPOUT = 14, 512, 2e-3, 1e-2, 0.5
SCALE = 0.2  # of a silhouette's cells, whose zeros stay zeros
Labelled = tuple[FloatArray, IntArray]
"""Features G×INPUTS and labels (1 person, 0 thing)."""


def main() -> None:
    """Simulate, train, report on scenes held apart, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=1800, help="simulated scenes")
    parser.add_argument("--seed", type=int, default=700_000, help="seed of the first scene")
    parser.add_argument("--mocap", type=Path, help="folder of packed motion capture")
    parser.add_argument("--workers", type=int, default=1, help="processes that simulate")
    parser.add_argument("--output", type=Path, default=Path(gate.__file__).parent / gate.WEIGHTS)
    args = parser.parse_args()
    seeds = range(args.seed, args.seed + args.scenes)
    with ProcessPoolExecutor(args.workers) as pool:
        scenes = list(pool.map(partial(simulate, mocap=args.mocap), seeds))
    held = max(1, args.scenes // 6)
    features, labels = (np.concatenate(part) for part in zip(*scenes[held:], strict=True))
    np.savez(args.output, allow_pickle=False, **train(features, labels))
    features, labels = (np.concatenate(part) for part in zip(*scenes[:held], strict=True))
    odds = gate.load_network(args.output)(features)
    right = ((odds > 0) == labels).mean()
    precision = average_precision_score(labels, odds)
    print(f"{len(labels)} clusters held apart, {labels.mean():.0%} people: "
          f"accuracy {right:.4f}, average precision {precision:.4f}")  # fmt: skip


def simulate(seed: int, mocap: Path | None = None) -> Labelled:
    """What the gate is asked about in one random scene, and what it should answer."""
    rng = np.random.default_rng(seed)
    repertoires = [
        made_up,
        parametric,
        any_posture,
        *([] if mocap is None else [training_subjects(mocap)] * 3),
    ]
    repertoire = repertoires[rng.integers(len(repertoires))]
    sensor = SENSORS[seed % len(SENSORS)]
    moving = bool(rng.random() < 0.5)
    people = int(rng.integers(2, 15))
    scene = random_scene(rng, people, 0, 0, SECONDS, sensor, moving, repertoire)
    scene = clutter(scene, rng, int(rng.integers(4, 18)))
    if rng.random() < MOUNTED:
        scene = mounted(scene, rng.uniform(*HEIGHTS))
    recorder = Recorder(with_preset(PeopleSettings(), sensor), rng)
    for sweep in scene.sweeps():
        recorder.watch(sweep, record=sweep.index % EVERY == seed % EVERY)
    return recorder.labelled()


def mounted(scene: Scene, height: float) -> Scene:
    """The scene with its sensor `height` metres above the floor."""
    poses = scene.path.poses.copy()
    poses[:, 2, 3] = height
    return replace(scene, path=SensorPath(poses))


@cache
def training_subjects(folder: Path) -> Repertoire:
    """What the captured people whom models may learn from do."""
    motions = [motion for motion in load_folder(folder) if motion.person in TRAIN]
    return captured([motion for motion in motions if motion.duration >= SHORTEST])


def any_posture(rng: Generator, style: Style, around: Surroundings) -> Motion:
    """An everyday activity, lying as often as walking."""
    return PARAMETRIC[rng.choice(sorted(PARAMETRIC))](rng, rng.uniform(3.0, 6.0), style)


class Recorder(Segmenter):
    """A segmenter that notes what its gate is asked about and who that is."""

    def __init__(self, settings: PeopleSettings, rng: Generator) -> None:
        super().__init__(settings)
        self.rng = rng
        self.recorded: list[Labelled] = []
        self.known: deque[dict[bytes, int]] = deque(maxlen=settings.sweeps)
        self.owners: dict[bytes, int] | None = None

    def watch(self, sweep: Sweep, record: bool) -> None:
        """Process a sweep, and note it if `record`."""
        people = sweep.person_index >= 0
        points = to_fixed(sweep.cloud[people], sweep.sensor_pose, 0.0, np.inf)
        self.known.append(dict(zip(map(bytes, points), sweep.person_index[people].tolist(), strict=True)))
        self.owners = dict(ChainMap(*self.known)) if record else None
        self.process(sweep.cloud, sweep.stamp_ns, sweep.sensor_pose)

    def labelled(self) -> Labelled:
        """All that was noted."""
        empty = (np.empty((0, INPUTS), np.float32), np.empty(0, np.int64))
        features, labels = (np.concatenate(part) for part in zip(empty, *self.recorded, strict=True))
        return features, labels

    def judge(
        self, some: Sequence[Candidate], points: FloatArray, above: FloatArray, sensor: DoubleArray
    ) -> list[Candidate]:
        """As a segmenter does, and note it."""
        if self.owners is not None:
            owners = self.owners
            person = np.array([owners.get(bytes(point), -1) for point in points], np.int32)
            known = [(one, label(person, one.members)) for one in some if len(one.members) >= FEWEST]
            sure = [(one, kind) for one, kind in known if kind is not None]
            sure += [(part, kind) for one, kind in sure for part in self._parts(one, kind, points, above)]
            if sure:
                groups, kinds = zip(*sure, strict=True)
                features = candidate_features(groups, points, above, sensor, self.surroundings)
                self.recorded.append((features, np.array(kinds)))
        return super().judge(some, points, above, sensor)

    def _parts(
        self, whole: Candidate, person: int, points: FloatArray, above: FloatArray
    ) -> Iterator[Candidate]:
        """A person partly hidden, or an excerpt of a large thing, now and then."""
        if person and self.rng.random() < HIDE:
            part = hide(points, whole, self.rng)
        elif not person and whole.context > 0.8 and self.rng.random() < EXCERPT:
            part = excerpt(points, above, whole, self.rng)
        else:
            return
        if len(part.members) >= FEWEST:
            yield part


def label(person: IndexArray, members: IndexArray) -> int | None:
    """1 for a person, 0 for a thing, a part of a person or several people, None for what is neither."""
    counts = np.bincount(person[members] + 1, minlength=2)
    who = int(np.argmax(counts[1:]))
    overlap = counts[1 + who] / (len(members) + (person == who).sum() - counts[1 + who])
    if overlap >= PERSON:
        return 1
    return 0 if overlap < PART or counts[0] >= (1 - THING) * len(members) else None


def hide(points: FloatArray, person: Candidate, rng: Generator) -> Candidate:
    """What is left of a person when something hides a side or the legs."""
    along = points[person.members] @ (rng.normal(size=3) * (1, 1, 0.5))
    return person._replace(members=person.members[along > np.quantile(along, rng.uniform(0, 0.5))])


def excerpt(points: FloatArray, above: FloatArray, thing: Candidate, rng: Generator) -> Candidate:
    """A person-sized piece of a thing, as it appears beside background or where somebody stood before."""
    at = points[thing.members[rng.integers(len(thing.members))], :2]
    near = np.abs(points[thing.members, :2] - at).max(1) < rng.uniform(0.15, 0.5)
    low, high = np.sort(rng.uniform((0, 0.8), (0.8, 2.3)))
    piece = thing.members[near & (above[thing.members] > low) & (above[thing.members] < high)]
    return Candidate(piece, outline(points, piece)[2] if len(piece) else 0.0)


def train(features: FloatArray, labels: IntArray) -> dict[str, AnyArray]:
    """Weights as `gate.Network` takes them, of people and things weighed alike."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    plain = np.arange(INPUTS) < len(FEATURES) + 2
    mean = np.where(plain, features.mean(0), 0)
    scale = np.where(plain, features.std(0) + 1e-3, SCALE)
    inputs = torch.tensor(np.clip((features - mean) / scale, -5, 5), dtype=torch.float32)
    targets = torch.tensor(labels, dtype=torch.float32)
    weights = torch.where(targets > 0, 0.5 / targets.mean(), 0.5 / (1 - targets.mean()))
    network = perceptron()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps = EPOCHS * len(labels) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2 * RATE, total_steps=steps + 1)
    for _ in range(steps):
        rows = torch.from_numpy(rng.integers(len(labels), size=BATCH))
        loss = nn.functional.binary_cross_entropy_with_logits(
            network(inputs[rows])[:, 0], targets[rows], weights[rows]
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    stored: dict[str, Any] = {"mean": mean, "scale": scale}
    for k, layer in enumerate(layers):
        stored |= {f"weights{k}": layer.weight.detach().T, f"bias{k}": layer.bias.detach()}
    return {name: np.ascontiguousarray(value, np.float32) for name, value in stored.items()}


def perceptron() -> nn.Sequential:
    """INPUTS → HIDDEN → 1."""
    sizes = (INPUTS, *HIDDEN)
    hidden = [
        part
        for before, after in pairwise(sizes)
        for part in (nn.Linear(before, after), nn.ReLU(), nn.Dropout(DROPOUT))
    ]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], 1))


if __name__ == "__main__":
    main()
