"""How well tracks follow people: CLEAR-MOT, IDF1 and HOTA, by the TrackEval library.

Similarity of a person and a track: 1 − d / (2·`MATCH_M`) with d their horizontal distance, so that the
0.5 at which TrackEval matches is a distance of `MATCH_M`.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from trackeval.metrics import CLEAR, HOTA, Identity

from despite_ros.arrays import DoubleArray

MATCH_M = 0.6


@dataclass(frozen=True)
class TrackedFrame:
    """One sweep: who was there and what was found. Positions are n×2, metres, one common frame.

    optional: for each person, True where missing or finding it shall count for nothing.
    """

    person_ids: Sequence[Hashable]
    person_xy: DoubleArray
    track_ids: Sequence[Hashable]
    track_xy: DoubleArray
    optional: Sequence[bool] = ()


@dataclass(frozen=True)
class TrackingScores:
    """Shares in 0..1, and the count of identity switches."""

    recall: float
    precision: float
    mota: float
    idf1: float
    hota: float
    id_switches: int


def score_tracking(frames: Iterable[TrackedFrame]) -> TrackingScores:
    """Score a sequence of frames."""
    data = _sequence([_without_optional(frame) for frame in frames])
    if not data["num_gt_dets"] and not data["num_tracker_dets"]:
        nan = float("nan")
        return TrackingScores(nan, nan, nan, nan, nan, 0)
    quiet = {"PRINT_CONFIG": False}
    clear, identity = CLEAR(quiet).eval_sequence(data), Identity(quiet).eval_sequence(data)
    return TrackingScores(
        recall=float(clear["CLR_Re"]),
        precision=float(clear["CLR_Pr"]),
        mota=float(clear["MOTA"]),
        idf1=float(identity["IDF1"]),
        hota=float(np.mean(HOTA().eval_sequence(data)["HOTA"])),
        id_switches=int(clear["IDSW"]),
    )


def match(person_xy: DoubleArray, track_xy: DoubleArray) -> list[tuple[int, int]]:
    """One-to-one pairs (person index, track index) nearer than `MATCH_M`, with the least total distance."""
    if not len(person_xy) or not len(track_xy):
        return []
    distance = np.linalg.norm(person_xy[:, None] - track_xy[None], axis=2)
    cost = np.where(distance <= MATCH_M, distance, 1e3)
    rows, columns = linear_sum_assignment(cost)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if distance[i, j] <= MATCH_M]


def _without_optional(frame: TrackedFrame) -> TrackedFrame:
    if not any(frame.optional):
        return frame
    drop_people = {i for i, optional in enumerate(frame.optional) if optional}
    pairs = match(frame.person_xy, frame.track_xy)
    drop_tracks = {j for i, j in pairs if i in drop_people}
    people = [i for i in range(len(frame.person_ids)) if i not in drop_people]
    tracks = [j for j in range(len(frame.track_ids)) if j not in drop_tracks]
    return TrackedFrame(
        [frame.person_ids[i] for i in people],
        frame.person_xy[people].reshape(-1, 2),
        [frame.track_ids[j] for j in tracks],
        frame.track_xy[tracks].reshape(-1, 2),
    )


def _sequence(frames: Sequence[TrackedFrame]) -> dict[str, object]:
    """The data dictionary that TrackEval's metrics take."""
    people = {name: i for i, name in enumerate(dict.fromkeys(n for f in frames for n in f.person_ids))}
    tracks = {name: i for i, name in enumerate(dict.fromkeys(n for f in frames for n in f.track_ids))}
    return {
        "num_timesteps": len(frames),
        "num_gt_ids": len(people),
        "num_tracker_ids": len(tracks),
        "num_gt_dets": sum(len(frame.person_ids) for frame in frames),
        "num_tracker_dets": sum(len(frame.track_ids) for frame in frames),
        "gt_ids": [np.array([people[name] for name in frame.person_ids], int) for frame in frames],
        "tracker_ids": [np.array([tracks[name] for name in frame.track_ids], int) for frame in frames],
        "similarity_scores": [_similarity(frame) for frame in frames],
    }


def _similarity(frame: TrackedFrame) -> DoubleArray:
    person_xy, track_xy = frame.person_xy.reshape(-1, 1, 2), frame.track_xy.reshape(1, -1, 2)
    distance = np.linalg.norm(person_xy - track_xy, axis=2)
    similarity: DoubleArray = np.clip(1 - distance / (2 * MATCH_M), 0, 1)
    return similarity
