"""Scores of the segmenter against simulated truth: recall, precision, crop IoU, IDF1, HOTA, switches.

Boxes would hide what the encoder sees, so everything is matched by points: the similarity of a track and
a person in a sweep is the IoU of their points. Counted are people with at least LEAST points within
FARTHEST metres; a track on anybody else is neither right nor wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from trackeval.metrics import CLEAR, HOTA, Identity

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray
from despite_ros.people.segmenter import Segmenter
from despite_ros.people.transform import to_fixed
from despite_ros.simulation.scene import Scene, Sweep

LEAST, FARTHEST = 40, 15.0  # points, metres
MATCH = 0.5  # IoU from which a track is on a person


@dataclass
class Tally:
    """What one scene yields: per sweep the people, the tracks, and their IoU (people × tracks)."""

    people: list[IndexArray] = field(default_factory=list)
    tracks: list[IndexArray] = field(default_factory=list)
    overlaps: list[DoubleArray] = field(default_factory=list)

    def add(self, sweep: Sweep, segments: dict[int, FloatArray]) -> None:
        """Compare one sweep's segments (track_id → points in the fixed frame) with the truth.

        A track of which only an earlier sweep shows points is left out, as one that is only predicted is.
        """
        owners = sweep.person_index
        everybody = np.unique(owners[owners >= 0])
        sizes = np.array([(owners == who).sum() for who in everybody])
        distance = np.linalg.norm(sweep.cloud, axis=1)
        near = np.array([np.median(distance[owners == who]) < FARTHEST for who in everybody], bool)
        owners_of = _owner_lookup(sweep)
        owned = {track: owners_of(points) for track, points in segments.items()}
        hit = [track for track, of in owned.items() if len(of)]
        found = [owned[track] for track in hit]
        shared = np.array([[(of == who).sum() for of in found] for who in everybody], int)
        shared = shared.reshape(len(everybody), len(found))
        lengths = np.array([len(of) for of in found])
        overlap = shared / (sizes[:, None] + lengths[None] - shared)
        counted = (sizes >= LEAST) & near
        rows, columns = linear_sum_assignment(-overlap)
        other = {c for r, c in zip(rows, columns, strict=True) if overlap[r, c] > 0.1 and not counted[r]}
        kept = [c for c in range(len(found)) if c not in other]
        self.people.append(everybody[counted])
        self.tracks.append(np.array(hit, np.int32)[kept])
        self.overlaps.append(overlap[counted][:, kept])


def _owner_lookup(sweep: Sweep) -> Callable[[FloatArray], IndexArray]:
    """Whose those points (N×3, fixed frame) are that are, bit for bit, of this sweep and not earlier."""
    known = _bytes(to_fixed(sweep.cloud, sweep.sensor_pose, 0.0, 1e6))
    order = np.argsort(known)
    known, owners = known[order], sweep.person_index[order]

    def owners_of(points: FloatArray) -> IndexArray:
        wanted = _bytes(points)
        places = np.searchsorted(known, wanted).clip(max=len(known) - 1)
        return np.asarray(owners[places[known[places] == wanted]])

    return owners_of


def _bytes(points: FloatArray) -> Any:
    return np.ascontiguousarray(points, np.float32).view("V12").ravel()


def run(scene: Scene, segmenter: Segmenter) -> Tally:
    """All sweeps of a scene through the segmenter."""
    tally = Tally()
    for sweep in scene.sweeps():
        segmenter.process(sweep.cloud, sweep.stamp_ns, sweep.sensor_pose)
        tally.add(sweep, segmenter.segments())
    return tally


def scores(tallies: list[Tally]) -> dict[str, float]:
    """Figures of several scenes together; HOTA, IDF1 and switches as TrackEval computes them."""
    hits = [_matched(overlap) for tally in tallies for overlap in tally.overlaps]
    iou = np.concatenate(hits)
    people = sum(len(who) for tally in tallies for who in tally.people)
    tracks = sum(len(who) for tally in tallies for who in tally.tracks)
    found = {
        "people": people,
        "recall": len(iou) / max(people, 1),
        "precision": len(iou) / max(tracks, 1),
        "crop_iou": float(iou.mean()) if len(iou) else 0.0,
    }
    quiet = {"PRINT_CONFIG": False}
    data = [_sequence(tally) for tally in tallies]
    for metric, names in ((HOTA(), ("HOTA",)), (CLEAR(quiet), ("IDSW",)), (Identity(quiet), ("IDF1",))):
        each = {str(k): metric.eval_sequence(item) for k, item in enumerate(data)}
        both = metric.combine_sequences(each)
        found |= {name.lower(): float(np.mean(both[name])) for name in names}
    return found


def _matched(overlap: DoubleArray) -> DoubleArray:
    """IoU of the best one-to-one pairs that count as found."""
    pairs = overlap[linear_sum_assignment(-overlap)]
    return np.asarray(pairs[pairs >= MATCH])


def _sequence(tally: Tally) -> dict[str, Any]:
    """A scene as TrackEval's metrics take it: ids counted from 0."""
    people, tracks = (
        np.unique(np.concatenate([*ids, np.empty(0, np.int32)])) for ids in (tally.people, tally.tracks)
    )
    return {
        "gt_ids": [np.searchsorted(people, ids) for ids in tally.people],
        "tracker_ids": [np.searchsorted(tracks, ids) for ids in tally.tracks],
        "similarity_scores": tally.overlaps,
        "num_gt_ids": len(people),
        "num_tracker_ids": len(tracks),
        "num_gt_dets": sum(map(len, tally.people)),
        "num_tracker_dets": sum(map(len, tally.tracks)),
        "num_timesteps": len(tally.people),
    }
