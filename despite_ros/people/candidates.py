"""Which groups of points may be people: claims of tracks and clusters, taken apart or put together.

Whether a cluster is one person or two side by side, and whether two clusters are two people or one cut
in two by a pillar, is for the gate to say: what looks most like people is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import hypot
from statistics import fmean
from typing import NamedTuple

import numpy as np

from despite_ros.arrays import BoolArray, DoubleArray, FloatArray, IndexArray
from despite_ros.people.clustering import flatten
from despite_ros.people.columns import gather
from despite_ros.people.detections import NOBODY
from despite_ros.people.partition import outline, outlines, sort_parts, split
from despite_ros.people.settings import PartitionSettings

# People rarely appear beside others: so much likelier must the parts of a claim be than the whole (log-odds).
NEWCOMER = 2.5


class Candidate(NamedTuple):
    """A group of points that may be a person.

    members: indices of its points. context: length (m) in plan view of what it was cut from. owner: key
    of the track that claims it. log_odds, reason: what the gate says. top: of the highest point, metres.
    """

    members: IndexArray
    context: float
    owner: int = NOBODY
    log_odds: float = 0.0
    reason: str = ""
    top: float = 0.0


Judge = Callable[[Sequence[Candidate]], list[Candidate]]
"""Candidates → the same with the gate's judgement."""


def find_candidates(
    points: FloatArray,
    labels: IndexArray,
    owners: IndexArray,
    keys: Sequence[int],
    settings: PartitionSettings,
    longest: float,
) -> tuple[list[Candidate], int]:
    """Each track's claim, and each cluster of what nobody claims, of N×3 points.

    labels: (N,) cluster of each point. owners: (N,) index into `keys` of the track that claims it, or NOBODY.
    Clusters longer than `longest` metres, walls, are but counted.
    """
    order, starts, lengths, walls = sort_parts(points, labels, owners, len(keys), longest)
    bounds, contexts = starts.tolist(), lengths.tolist()
    parts = [Candidate(order[a:b], c) for a, b, c in zip(bounds, bounds[1:], contexts, strict=False)]
    clusters = len(parts) - len(keys)
    claims = [part._replace(owner=key) for part, key in zip(parts[clusters:], keys, strict=True)]
    found = [claim for claim in claims if len(claim.members)]
    return found + [part for part in parts[:clusters] if len(part.members) >= settings.fewest], walls


def take_apart(
    whole: Sequence[Candidate],
    points: FloatArray,
    above: FloatArray,
    core: BoolArray,
    centres: Mapping[int, DoubleArray],
    judge: Judge,
    settings: PartitionSettings,
) -> list[Candidate]:
    """Candidates, judged, with those replaced by their parts that look more like people than the whole does.

    They are cut at their necks; of a claim the part nearest to where the track (key → x, y in `centres`)
    is predicted stays its own. Or a claim keeps but its `core` (N,), the points that are near to where the
    track's were, and leaves what stands beside.
    """
    sizes = _outlines(whole, points)
    ways = [
        _ways(candidate, length, points, above, core, settings)
        for candidate, (_, _, length) in zip(whole, sizes, strict=True)
    ]
    judged = iter(judge([*whole, *(part for some in ways for parts in some for part in parts)]))
    firsts = [next(judged) for _ in whole]
    found = []
    for candidate, some in zip(firsts, ways, strict=True):
        best, most = [candidate], candidate.log_odds + NEWCOMER * (candidate.owner != NOBODY)
        for parts in some:
            pieces = [next(judged) for _ in parts]
            people = [piece.log_odds for piece in pieces if piece.owner != NOBODY]
            odds = fmean(people or [piece.log_odds for piece in pieces])
            if odds > most:
                best, most = pieces, odds
        found += _inherit(candidate, best, points, centres)
    return found


def _ways(
    candidate: Candidate,
    length: float,
    points: FloatArray,
    above: FloatArray,
    core: BoolArray,
    settings: PartitionSettings,
) -> list[list[Candidate]]:
    """The ways to take a candidate (`length` m) apart: at its necks, and a claim into core and rest."""
    members = candidate.members
    ways = []
    if settings.split_length <= length <= settings.longest:
        parts = split(gather(points, above, members), settings)
        ways.append([Candidate(members[part], candidate.context) for part in parts if len(part)])
    if candidate.owner != NOBODY:
        inside = core[members]
        if settings.fewest <= len(members) - np.count_nonzero(inside):
            rest = Candidate(members[~inside], candidate.context)
            ways.append([candidate._replace(members=members[inside]), rest])
    return [
        parts
        for parts in ways
        if len(parts) > 1 and all(len(part.members) >= settings.fewest for part in parts)
    ]


def _inherit(
    whole: Candidate, parts: list[Candidate], points: FloatArray, centres: Mapping[int, DoubleArray]
) -> list[Candidate]:
    if whole.owner == NOBODY or any(part.owner == whole.owner for part in parts):
        return parts
    away = [np.linalg.norm(outline(points, part.members)[:2] - centres[whole.owner]) for part in parts]
    heir = int(np.argmin(away))
    return [part._replace(owner=whole.owner) if k == heir else part for k, part in enumerate(parts)]


def put_together(
    candidates: Sequence[Candidate], points: FloatArray, judge: Judge, settings: PartitionSettings
) -> list[Candidate]:
    """Judged candidates with pairs joined that are near each other and look more like one person than either.

    Two claims, and two that both look like people, are joined only where they lie: a body on the floor is
    easily followed as two. A claim is joined also with what makes it no less like a person.
    """
    sizes = _outlines(candidates, points)
    small = [k for k, (_, _, length) in enumerate(sizes) if length < settings.join_longest]
    pairs = []
    for a, b in combinations(small, 2):
        first, second = candidates[a], candidates[b]
        apart = hypot(sizes[a][0] - sizes[b][0], sizes[a][1] - sizes[b][1])
        lie = max(first.top, second.top) < settings.split_height
        if apart < settings.join_lying if lie else apart < settings.join and _lack(first, second):
            pairs.append((a, b))
    joined = judge([_join(candidates[a], candidates[b]) for a, b in pairs])
    odds = [candidate.log_odds for candidate in candidates]
    gain = [one.log_odds - max(odds[a], odds[b]) for one, (a, b) in zip(joined, pairs, strict=True)]
    free = set(range(len(candidates)))
    found = []
    for k in np.argsort(gain)[::-1]:
        better = gain[k] > 0 or (gain[k] == 0 and joined[k].owner != NOBODY)
        if better and joined[k].log_odds > 0 and free.issuperset(pairs[k]):
            found.append(joined[k])
            free.difference_update(pairs[k])
    return [*(candidates[k] for k in sorted(free)), *found]


def _outlines(candidates: Sequence[Candidate], points: FloatArray) -> list[tuple[float, float, float]]:
    """Mean x, mean y and longer side in plan view (metres) of each candidate."""
    if not candidates:
        return []
    found: list[tuple[float, float, float]] = outlines(
        points, *flatten([candidate.members for candidate in candidates])
    ).tolist()
    return found


def _lack(first: Candidate, second: Candidate) -> bool:
    """Whether one of two is on its own no person, and not both are followed."""
    return NOBODY in (first.owner, second.owner) and min(first.log_odds, second.log_odds) < 0


def _join(first: Candidate, second: Candidate) -> Candidate:
    """Both as one, which is the older track's, if any."""
    members = np.concatenate([first.members, second.members])
    owners = [one.owner for one in (first, second) if one.owner != NOBODY]
    return Candidate(members, max(first.context, second.context), min(owners, default=NOBODY))
