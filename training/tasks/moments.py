"""Temporal moment retrieval: when, in one sequence, was that? (DeSPITE, section 4.2, Figures 3 and 7)

Every window of modality A asks among all windows of modality B of the same sequence; within one modality
among all others. Recall@k: whether any of the k best lies within `TOLERANCE` frames of the truth; mean over
queries, then over sequences.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import hypergeom

from despite_ros.errors import UserError
from training.tasks.embedding import EmbeddedSequence

RANKS = (1, 10, 20, 50)
TOLERANCE = 10  # frames


def moments(
    sequences: Sequence[EmbeddedSequence], ask: str, among: str, ranks: Sequence[int] = RANKS
) -> dict[str, float]:
    """{"k": Recall@k}; a sequence with fewer than k windows uses them all.

    Raises:
        UserError: no sequence has both modalities.
    """
    both = [item for item in sequences if {ask, among} <= item.embeddings.keys()]
    if not both:
        raise UserError(f"moments {ask} → {among}: no sequence has both")
    recalls = np.array([_recalls(item, ask, among, ranks) for item in both])
    return {str(rank): float(share) for rank, share in zip(ranks, recalls.mean(axis=0), strict=True)}


def moments_by_chance(
    sequences: Sequence[EmbeddedSequence], ranks: Sequence[int] = RANKS
) -> dict[str, float]:
    """{"k": Recall@k of k windows drawn at random}."""
    shares = []
    for item in sequences:
        near = (np.abs(item.starts[:, None] - item.starts) <= TOLERANCE).sum(axis=1)
        drawn = [min(rank, len(item)) for rank in ranks]
        shares.append([hypergeom.sf(0, len(item), near, count).mean() for count in drawn])
    return {str(rank): float(share) for rank, share in zip(ranks, np.mean(shares, axis=0), strict=True)}


def _recalls(item: EmbeddedSequence, ask: str, among: str, ranks: Sequence[int]) -> list[float]:
    similarity = item.embeddings[ask] @ item.embeddings[among].T
    if ask == among:
        np.fill_diagonal(similarity, -np.inf)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, : max(ranks)]
    near = np.abs(item.starts[order] - item.starts[:, None]) <= TOLERANCE
    return [float(near[:, :rank].any(axis=1).mean()) for rank in ranks]
