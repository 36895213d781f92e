"""Which groups of points may be people: claims of tracks and clusters, taken apart or put together.

Whether a cluster is one person or two side by side, and whether two clusters are two people or one cut
in two by a pillar, is for the gate to say: what looks most like people is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import hypot
from typing import NamedTuple

import numpy as np

from despite_ros.arrays import DoubleArray, FloatArray, IndexArray
from despite_ros.people.clustering import groups
from despite_ros.people.detections import NOBODY
from despite_ros.people.partition import outline, split
from despite_ros.people.settings import PartitionSettings


class Candidate(NamedTuple):
    """Indices of a group's points, the length (m) in plan view of what it was cut from, its owner's key."""

    members: IndexArray
    context: float
    owner: int = NOBODY


Judge = Callable[[Sequence[Candidate]], DoubleArray]
"""Candidates → log-odds of being a person, low where a limit is broken."""


def find_candidates(
    points: FloatArray,
    labels: IndexArray,
    owners: IndexArray,
    keys: Sequence[int],
    settings: PartitionSettings,
) -> list[Candidate]:
    """Each track's claim, and each cluster of what nobody claims, of N×3 points.

    labels: (N,) cluster of each point. owners: (N,) index into `keys` of the track that claims it, or NOBODY.
    """
    lengths = [outline(points, members)[2] for members in groups(labels)]
    shares = groups(owners + 1, len(keys) + 1)
    found = [
        Candidate(members, lengths[np.bincount(labels[members]).argmax()], key)
        for members, key in zip(shares[1:], keys, strict=True)
        if len(members)
    ]
    for label, members in enumerate(groups(labels[shares[0]])):
        if len(members) >= settings.fewest:
            found.append(Candidate(shares[0][members], lengths[label]))
    return found


def take_apart(
    whole: Sequence[Candidate],
    points: FloatArray,
    above: FloatArray,
    centres: Mapping[int, DoubleArray],
    judge: Judge,
    settings: PartitionSettings,
) -> list[Candidate]:
    """Candidates with those replaced by their parts that look more like people than the whole does.

    Of a claim the part nearest to where the track (key → x, y in `centres`) is predicted stays its own.
    """
    parts = [parts_of(candidate, points, above, settings) for candidate in whole]
    several = [k for k, of in enumerate(parts) if len(of) > 1]
    odds = judge([*(whole[k] for k in several), *(part for k in several for part in parts[k])])
    found = [candidate for k, candidate in enumerate(whole) if len(parts[k]) == 1]
    first = len(several)
    for index, k in enumerate(several):
        last = first + len(parts[k])
        if odds[first:last].mean() <= odds[index]:
            found.append(whole[k])
        else:
            found += _inherit(whole[k], parts[k], points, centres)
        first = last
    return found


def parts_of(
    candidate: Candidate, points: FloatArray, above: FloatArray, settings: PartitionSettings
) -> list[Candidate]:
    """The candidate cut at its necks, or one that equals it."""
    if not settings.split_length <= outline(points, candidate.members)[2] <= settings.longest:
        return [candidate]
    parts = groups(split(points[candidate.members], above[candidate.members], settings))
    return [Candidate(candidate.members[part], candidate.context) for part in parts if len(part)]


def _inherit(
    whole: Candidate, parts: list[Candidate], points: FloatArray, centres: Mapping[int, DoubleArray]
) -> list[Candidate]:
    if whole.owner == NOBODY:
        return parts
    away = [np.linalg.norm(outline(points, part.members)[:2] - centres[whole.owner]) for part in parts]
    heir = int(np.argmin(away))
    return [part._replace(owner=whole.owner) if k == heir else part for k, part in enumerate(parts)]


def put_together(
    candidates: Sequence[Candidate], points: FloatArray, judge: Judge, settings: PartitionSettings
) -> list[Candidate]:
    """Candidates with pairs joined that are near each other and look more like one person than either does.

    Two claims, and two that both look like people, are never joined.
    """
    outlines = [outline(points, candidate.members) for candidate in candidates]
    small = [k for k, (_, _, length) in enumerate(outlines) if length < settings.join_longest]
    pairs = [
        (a, b)
        for a, b in combinations(small, 2)
        if hypot(outlines[a][0] - outlines[b][0], outlines[a][1] - outlines[b][1]) < settings.join
        and NOBODY in (candidates[a].owner, candidates[b].owner)
    ]
    if not pairs:
        return list(candidates)
    joined = [_join(candidates[a], candidates[b]) for a, b in pairs]
    odds = judge([*candidates, *joined])
    gain = [odds[len(candidates) + k] - max(odds[a], odds[b]) for k, (a, b) in enumerate(pairs)]
    free = set(range(len(candidates)))
    found = []
    for k in np.argsort(gain)[::-1]:
        a, b = pairs[k]
        if gain[k] > 0 and min(odds[a], odds[b]) < 0 < odds[len(candidates) + k] and {a, b} <= free:
            found.append(joined[k])
            free -= {a, b}
    return [*(candidates[k] for k in sorted(free)), *found]


def _join(first: Candidate, second: Candidate) -> Candidate:
    members = np.concatenate([first.members, second.members])
    return Candidate(members, max(first.context, second.context), max(first.owner, second.owner))
