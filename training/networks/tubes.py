"""Tube embedding of the PST-Transformer (P4DConv): points around anchors over three frames → tokens."""

import torch
from torch import Tensor, nn

from training.networks import tube_kernels
from training.networks.geometry import anchor_points, ball_neighbours

RADIUS = 0.3  # m
NEIGHBOURS = 32
SPATIAL_STRIDE = 32  # points for one anchor
TEMPORAL_STRIDE = 2  # frames for one anchor frame
OFFSETS = (-1, 0, 1)  # frames of a tube, relative to its anchor frame


def tube_frames(crops: Tensor) -> Tensor:
    """Frames t−1, t, t+1 around the anchor frames t = 0, 2, …: B×T×N×3 → B×T/2×3×N×3.

    One replicated frame pads the front, none the end.
    """
    before = torch.cat([crops[:, :1], crops[:, 1:-1:TEMPORAL_STRIDE]], dim=1)
    return torch.stack([before, crops[:, ::TEMPORAL_STRIDE], crops[:, 1::TEMPORAL_STRIDE]], dim=2)


def tube_features(frames: Tensor, anchors: Tensor, weight: Tensor) -> Tensor:
    """Largest projection in each tube: frames B×L×3×N×3, anchors B×L×A×3, weight C×4 → B×L×A×C.

    The projection is linear in (dx, dy, dz, dt) without bias, so dt enters as a constant per frame. Who is a
    neighbour is decided in the precision of the frames; the result has that of the weight.
    """
    found = []
    for place, offset in enumerate(OFFSETS):
        neighbours = ball_neighbours(frames[:, :, place], anchors, RADIUS, NEIGHBOURS)
        found.append((neighbours.to(weight.dtype) @ weight[:, :3].T).amax(dim=-2) + offset * weight[:, 3])
    return torch.stack(found).amax(dim=0)


class TubeEmbedding(nn.Module):
    """Points in tubes → tokens. State names are the authors'.

    On a CPU the numba kernels of `tube_kernels` run, in training and evaluation. On a GPU, where crops need a
    gradient, and with `kernels` off (for an exported graph) the torch operations of `geometry` run. Both
    compute the same.
    """

    def __init__(self, channels: int = 80, in_sampling_order: bool = False) -> None:
        super().__init__()
        self.conv_d = nn.Sequential(nn.Conv2d(4, channels, kernel_size=1, bias=False))
        self.in_sampling_order = in_sampling_order
        self.kernels = True

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops B×T×N×3 (m) → anchors B×M×3 and tokens B×M×C, M = T/2 · N/32.

        Raises:
            ValueError: an odd number of frames, or fewer than 32 points.
        """
        frames, size = crops.shape[1:3]
        if frames % TEMPORAL_STRIDE or size < SPATIAL_STRIDE:
            raise ValueError(
                f"need an even number of frames and 32 points or more, found {frames} and {size}"
            )
        weight = self.conv_d.get_parameter("0.weight").flatten(1)
        kernels = self.kernels and crops.device.type == "cpu" and not crops.requires_grad
        features = self._with_kernels if kernels else self._with_torch
        anchors, tokens = features(crops, weight, size // SPATIAL_STRIDE)
        return anchors.flatten(1, 2).to(tokens.dtype), tokens.flatten(1, 2)

    def _with_kernels(self, crops: Tensor, weight: Tensor, count: int) -> tuple[Tensor, Tensor]:
        return tube_kernels.tubes(crops, weight, count, self.in_sampling_order, RADIUS, NEIGHBOURS)

    def _with_torch(self, crops: Tensor, weight: Tensor, count: int) -> tuple[Tensor, Tensor]:
        frames = tube_frames(crops)
        anchors = anchor_points(frames[:, :, 1], count, self.in_sampling_order)
        return anchors, tube_features(frames, anchors, weight)
