"""Which groups of points are to be judged: each track's claim, and the rest's clusters, split at the necks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray
from despite_ros.people.clustering import groups
from despite_ros.people.detections import NOBODY
from despite_ros.people.features import describe_clusters
from despite_ros.people.partition import extent, split
from despite_ros.people.settings import PartitionSettings


class Candidate(NamedTuple):
    """Indices of a group's points, the length (m) in plan view of what it was cut from, its owner's key."""

    members: IndexArray
    context: float
    owner: int


def find_candidates(
    points: FloatArray,
    above: FloatArray,
    labels: IndexArray,
    owners: IndexArray,
    keys: Sequence[int],
    settings: PartitionSettings,
) -> list[Candidate]:
    """Groups of N×3 points with heights `above` the floor (N,).

    labels: (N,) cluster of each point. owners: (N,) index into `keys` of the track that claims it, or NOBODY.
    """
    shares = groups(owners + 1, len(keys) + 1)
    found = [
        Candidate(members, extent(points[members]), key)
        for members, key in zip(shares[1:], keys, strict=True)
        if len(members)
    ]
    for members in groups(labels[shares[0]]):
        cluster = shares[0][members]
        if len(cluster) >= settings.fewest:
            parts = groups(split(points[cluster], above[cluster], settings))
            context = extent(points[cluster])
            found += [Candidate(cluster[part], context, NOBODY) for part in parts if len(part)]
    return found


def candidate_features(
    candidates: Sequence[Candidate], points: FloatArray, above: FloatArray, sensor: DoubleArray
) -> FloatArray:
    """Features (G×17, see `features.FEATURES`) of G candidates seen from `sensor` (3,)."""
    order = np.concatenate([candidate.members for candidate in candidates])
    starts = np.cumsum([0, *(len(candidate.members) for candidate in candidates)])
    context = np.array([candidate.context for candidate in candidates], np.float32)
    return describe_clusters(points[order], above[order], starts, sensor, context)
