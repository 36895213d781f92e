"""Tube embedding on a CPU: numba kernels with their own gradient, equal to the torch operations.

The torch operations in `geometry` gather all 32 neighbours of all tubes before they project them. Here a
tube's largest projections and the points that gave them are found in one pass; the gradient needs only those.
"""

from typing import Any

import numpy as np
import torch
from numba import njit, prange
from torch import Tensor

from despite_ros.arrays import AnyArray, FloatArray, IndexArray
from training.networks.geometry import ORIGIN_SQUARED


@njit(cache=True, parallel=True)
def sample_anchors(crops: FloatArray, count: int, origin_squared: float) -> FloatArray:
    """Anchors of the even frames by farthest point sampling, B×T×N×3 → B×T/2×count×3 (see `geometry`)."""
    batch, frames, size, _ = crops.shape
    anchors = np.empty((batch, frames // 2, count, 3), np.float32)
    for row in prange(batch):
        distance = np.empty(size, np.float32)
        for place in range(frames // 2):
            points = crops[row, 2 * place]
            for i in range(size):
                x, y, z = points[i, 0], points[i, 1], points[i, 2]
                distance[i] = np.float32(1e10) if x * x + y * y + z * z > origin_squared else np.float32(-1)
            newest = 0
            for step in range(count):
                anchors[row, place, step] = points[newest]
                x, y, z = points[newest, 0], points[newest, 1], points[newest, 2]
                best = np.float32(-1)
                following = 0
                for i in range(size):
                    dx, dy, dz = points[i, 0] - x, points[i, 1] - y, points[i, 2] - z
                    distance[i] = min(distance[i], dx * dx + dy * dy + dz * dz)
                    if distance[i] > best:
                        best = distance[i]
                        following = i
                newest = following
    return anchors


@njit(cache=True)
def _neighbours(points: FloatArray, x: float, y: float, z: float, square: float, found: IndexArray) -> int:
    """First hits in index order into `found`; their number. An empty ball gives index 0."""
    count = 0
    for i in range(len(points)):
        dx, dy, dz = points[i, 0] - x, points[i, 1] - y, points[i, 2] - z
        if dx * dx + dy * dy + dz * dz < square:
            found[count] = i
            count += 1
            if count == len(found):
                return count
    if count == 0:
        found[0] = 0
        return 1
    return count


@njit(cache=True, parallel=True)
def project_tubes(
    crops: FloatArray, anchors: FloatArray, columns: FloatArray, square: float, neighbours: int
) -> tuple[FloatArray, IndexArray]:
    """Largest projections of every tube and where they come from.

    Args:
        crops: B×T×N×3.
        anchors: B×L×A×3, of the even frames.
        columns: 4×C, the transposed weight.
        square: squared radius.
        neighbours: most neighbours in a ball.

    Returns:
        B×L×A×C features, and the winners' codes: place of the frame in the tube (0 to 2) times N plus index.
    """
    batch, _, size, _ = crops.shape
    frames, count, channels = anchors.shape[1], anchors.shape[2], columns.shape[1]
    features = np.full((batch, frames, count, channels), np.float32(-np.inf))
    winners = np.zeros((batch, frames, count, channels), np.int32)
    for row in prange(batch):
        found = np.empty(neighbours, np.int32)
        for frame in range(frames):
            for a in range(count):
                x, y, z = anchors[row, frame, a, 0], anchors[row, frame, a, 1], anchors[row, frame, a, 2]
                best, winner = features[row, frame, a], winners[row, frame, a]
                for place in range(3):
                    points = crops[row, max(2 * frame + place - 1, 0)]
                    dt = np.float32(place - 1)
                    for k in range(_neighbours(points, x, y, z, square, found)):
                        i = found[k]
                        dx, dy, dz = points[i, 0] - x, points[i, 1] - y, points[i, 2] - z
                        code = np.int32(place * size + i)
                        for c in range(channels):
                            value = (
                                dx * columns[0, c]
                                + dy * columns[1, c]
                                + dz * columns[2, c]
                                + dt * columns[3, c]
                            )
                            larger = value > best[c]
                            best[c] = value if larger else best[c]
                            winner[c] = code if larger else winner[c]
    return features, winners


@njit(cache=True, parallel=True)
def project_tubes_gradient(
    crops: FloatArray, anchors: FloatArray, winners: IndexArray, gradient: FloatArray
) -> FloatArray:
    """Gradient of the weight, one B×C×4 part a window, from that of the features (B×L×A×C)."""
    batch, frames, count, channels = winners.shape
    size = crops.shape[2]
    parts = np.zeros((batch, channels, 4), np.float32)
    for row in prange(batch):
        for frame in range(frames):
            for a in range(count):
                for c in range(channels):
                    place, i = divmod(winners[row, frame, a, c], size)
                    point = crops[row, max(2 * frame + place - 1, 0), i]
                    slope = gradient[row, frame, a, c]
                    for axis in range(3):
                        parts[row, c, axis] += slope * (point[axis] - anchors[row, frame, a, axis])
                    parts[row, c, 3] += slope * np.float32(place - 1)
    return parts


class TubeProjection(torch.autograd.Function):
    """Features of all tubes, differentiable in the weight only."""

    @staticmethod
    def forward(
        ctx: Any, crops: Tensor, anchors: Tensor, weight: Tensor, radius: float, neighbours: int
    ) -> Tensor:
        """Crops B×T×N×3, anchors B×L×A×3, weight C×4 → B×L×A×C."""
        columns = np.ascontiguousarray(weight.detach().numpy().T)
        square = np.float32(radius * radius)
        features, winners = project_tubes(crops.numpy(), anchors.numpy(), columns, square, neighbours)
        ctx.save_for_backward(crops, anchors, torch.from_numpy(winners))
        return torch.from_numpy(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor, None, None]:
        """Gradient of the weight."""
        crops, anchors, winners = (saved.numpy() for saved in ctx.saved_tensors)
        gradient: AnyArray = gradients[0].contiguous().numpy()
        parts = project_tubes_gradient(crops, anchors, winners, gradient)
        return None, None, torch.from_numpy(parts.sum(0)), None, None


def tubes(
    crops: Tensor, weight: Tensor, count: int, in_sampling_order: bool, radius: float, neighbours: int
) -> tuple[Tensor, Tensor]:
    """Anchors B×L×count×3 and features B×L×count×C of crops B×T×N×3 on the CPU."""
    crops = crops.contiguous()
    if in_sampling_order:
        anchors = crops[:, ::2, :count].contiguous()
    else:
        anchors = torch.from_numpy(sample_anchors(crops.numpy(), count, np.float32(ORIGIN_SQUARED)))
    return anchors, TubeProjection.apply(crops, anchors, weight, radius, neighbours)  # type: ignore[no-untyped-call]
