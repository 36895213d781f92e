"""Anchors and ball query of the tube embedding in plain torch operations (GPU, export, reference).

Semantics are those of the PointNet++ operators that PST-Transformer uses (Fan et al., TPAMI 2022,
section 3.2): greedy sampling from index 0, and the first hits in index order within a ball.
"""

import torch
from torch import Tensor

ORIGIN_SQUARED = 1e-3  # squared norm (m²) up to which the sampling operator never picks a point


def sampled_indices(points: Tensor, count: int) -> Tensor:
    """Farthest point sampling, K×N×3 → K×count indices.

    Starts at index 0. Points with x²+y²+z² ≤ 1e-3 are never picked later; when all points are such,
    index 0 repeats.
    """
    clouds, size = points.shape[:2]
    allowed = squared_norm(points) > ORIGIN_SQUARED
    distance = torch.full((clouds, size), 1e10, dtype=points.dtype, device=points.device)
    picked = torch.zeros((clouds, count), dtype=torch.long, device=points.device)
    rows = torch.arange(clouds, device=points.device)
    for step in range(1, count):
        newest = points[rows, picked[:, step - 1]]
        distance = torch.minimum(distance, squared_norm(points - newest[:, None]))
        best = torch.where(allowed, distance, -1.0).max(dim=1)
        picked[:, step] = torch.where(best.values >= 0, best.indices, 0)
    return picked


def anchor_points(points: Tensor, count: int, in_sampling_order: bool) -> Tensor:
    """Anchors of each frame, …×N×3 → …×count×3.

    Greedy sampling has the prefix property: a crop stored in sampling order has its anchors in its first
    rows.
    """
    if in_sampling_order:
        return points[..., :count, :]
    flat = points.reshape(-1, *points.shape[-2:])
    picked = sampled_indices(flat, count)
    return torch.gather(flat, 1, picked[..., None].expand(-1, -1, 3)).reshape(*points.shape[:-2], count, 3)


def ball_neighbours(points: Tensor, centres: Tensor, radius: float, count: int) -> Tensor:
    """Displacements of the neighbours from their centre, …×N×3 and …×A×3 → …×A×count×3.

    A neighbour has d² < radius², strictly. The first `count` in index order are taken, the rest is filled
    with the first hit, and an empty ball gives index 0 throughout.
    """
    size = points.shape[-2]
    displacement = points.unsqueeze(-3) - centres.unsqueeze(-2)
    order = torch.arange(size, 0, -1, dtype=points.dtype, device=points.device)
    rank = torch.where(squared_norm(displacement) < radius * radius, order, torch.zeros_like(order))
    rank = torch.topk(rank, min(count, size), dim=-1).values  # hits in index order, then zeros
    first = torch.where(rank[..., :1] > 0, rank[..., :1], float(size))
    index = (size - torch.where(rank > 0, rank, first)).long()
    return torch.gather(displacement, -2, index[..., None].expand(*index.shape, 3))


def squared_norm(vectors: Tensor) -> Tensor:
    """x² + y² + z², …×3 → …, summed in this order by every back end: all agree on the ball's border."""
    x, y, z = vectors.unbind(-1)
    return x * x + y * y + z * z
