"""Tube embedding of the PST-Transformer (P4DConv): points around anchors over three frames → tokens."""

import torch
from torch import Tensor, nn

from training.networks.geometry import anchor_points, ball_neighbours

RADIUS = 0.3  # m
NEIGHBOURS = 32
SPATIAL_STRIDE = 32  # points for one anchor
TEMPORAL_STRIDE = 2  # frames for one anchor frame
OFFSETS = (-1, 0, 1)  # frames of a tube, relative to its anchor frame


def tube_frames(crops: Tensor) -> Tensor:
    """Frames t−1, t, t+1 around the anchor frames t = 0, 2, …: B×T×N×3 → B×T/2×3×N×3, the first frame replicated.

    Raises:
        ValueError: an odd number of frames.
    """
    if crops.shape[1] % TEMPORAL_STRIDE:
        raise ValueError(f"a window needs an even number of frames, found {crops.shape[1]}")
    before = torch.cat([crops[:, :1], crops[:, 1:-1:2]], dim=1)
    return torch.stack([before, crops[:, ::2], crops[:, 1::2]], dim=2)


def tube_features(frames: Tensor, anchors: Tensor, weight: Tensor) -> Tensor:
    """Largest projection in each tube: frames B×L×3×N×3, anchors B×L×A×3, weight C×4 → B×L×A×C.

    The projection is linear in (dx, dy, dz, dt) without bias, so dt enters as a constant per frame.
    """
    found = []
    for place, offset in enumerate(OFFSETS):
        neighbours = ball_neighbours(frames[:, :, place], anchors, RADIUS, NEIGHBOURS)
        found.append((neighbours @ weight[:, :3].T).amax(dim=-2) + offset * weight[:, 3])
    return torch.stack(found).amax(dim=0)


class TubeEmbedding(nn.Module):
    """Points in tubes → tokens. State names are the authors'."""

    def __init__(self, channels: int = 80, in_sampling_order: bool = False) -> None:
        super().__init__()
        self.conv_d = nn.Sequential(nn.Conv2d(4, channels, kernel_size=1, bias=False))
        self.in_sampling_order = in_sampling_order

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops B×T×N×3 (m) → anchors B×M×3 and tokens B×M×C, M = T/2 · N/32."""
        weight = self.conv_d[0].weight.flatten(1)
        frames = tube_frames(crops)
        anchors = anchor_points(frames[:, :, 1], crops.shape[2] // SPATIAL_STRIDE, self.in_sampling_order)
        tokens = tube_features(frames, anchors, weight)
        return anchors.flatten(1, 2), tokens.flatten(1, 2)
