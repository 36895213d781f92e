"""Point cloud encoder: the PST-Transformer (Fan et al., TPAMI 2022) as DeSPITE uses it."""

from typing import cast

import torch
from torch import Tensor, nn

from training.networks.tubes import TubeEmbedding

CHANNELS = 80
HEADS = 2
DEPTH = 5


class DisplacementAttention(nn.Module):
    """Self-attention over tubes whose output also carries the attended displacement, W·Σ aᵢⱼ (xⱼ − xᵢ).

    Softmax rows sum to one, so that term is Σ aᵢⱼ W·xⱼ − W·xᵢ: W·x joins the values, no M×M×3 tensor is made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scale = (CHANNELS // HEADS) ** -0.5
        self.norm = nn.LayerNorm(CHANNELS)
        self.to_qkv = nn.Linear(CHANNELS, 3 * CHANNELS, bias=False)
        self.spatial_op = nn.Linear(3, CHANNELS // HEADS, bias=False)
        self.to_out = nn.Sequential(nn.Linear(CHANNELS, CHANNELS), nn.GELU())

    def forward(self, anchors: Tensor, tokens: Tensor) -> Tensor:
        """Anchors B×M×3 (m) and tokens B×M×80 → tokens B×M×80."""
        batch, count, _ = tokens.shape
        heads = self.to_qkv(self.norm(tokens)).view(batch, count, 3, HEADS, CHANNELS // HEADS)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        place = self.spatial_op(anchors).unsqueeze(1)
        # Written out: for 96 tokens of 40 channels fused kernels are slower on a CPU, in bfloat16 by far.
        weights = (query * self.scale @ key.transpose(-1, -2)).softmax(dim=-1)
        attended = weights @ (value + place) - place
        update: Tensor = self.to_out(attended.transpose(1, 2).reshape(batch, count, CHANNELS))
        return tokens + update


class FeedForward(nn.Module):
    """Pre-norm feed-forward block with a residual; its hidden width is the embedding width."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        # Dropout is always 0 in DeSPITE; the identity keeps the authors' indices 1 and 4 of linear layers.
        self.net = nn.Sequential(
            nn.LayerNorm(CHANNELS),
            nn.Linear(CHANNELS, hidden),
            nn.GELU(),
            nn.Identity(),
            nn.Linear(hidden, CHANNELS),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """…×80 → …×80."""
        update: Tensor = self.net(tokens)
        return tokens + update


class Transformer(nn.Module):
    """Five blocks of displacement attention and feed-forward."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        blocks = (nn.ModuleList([DisplacementAttention(), FeedForward(hidden)]) for _ in range(DEPTH))
        self.layers = nn.ModuleList(blocks)

    def forward(self, anchors: Tensor, tokens: Tensor) -> Tensor:
        """Anchors B×M×3 (m) and tokens B×M×80 → tokens B×M×80."""
        for block in self.layers:
            attention, feed_forward = cast(nn.ModuleList, block)
            tokens = feed_forward(attention(anchors, tokens))
        return tokens


class PointCloudEncoder(nn.Module):
    """Crops of a window → embedding.

    Args:
        width: embedding width E.
        in_sampling_order: crops are stored in farthest-point-sampling order, so that the anchors are the
            first N/32 points; otherwise the encoder samples them itself, as the authors' code does.
    """

    def __init__(self, width: int = 512, in_sampling_order: bool = False) -> None:
        super().__init__()
        self.tube_embedding = TubeEmbedding(CHANNELS, in_sampling_order)
        self.transformer = Transformer(width)
        self.head = nn.Sequential(nn.Linear(CHANNELS, CHANNELS), nn.ReLU(), nn.Linear(CHANNELS, width))

    def features(self, crops: Tensor) -> Tensor:
        """Crops B×T×N×3 (m, T even) → the 80 pooled features that recognition classifies, B×80."""
        anchors, tokens = self.tube_embedding(crops)
        return self.transformer(anchors, tokens).amax(dim=1)  # type: ignore[no-any-return]

    def forward(self, crops: Tensor) -> Tensor:
        """Crops B×T×N×3 (m, T even) → embeddings B×E, unnormalised."""
        return self.head(self.features(crops))  # type: ignore[no-any-return]

    @torch.no_grad()
    def scale_output(self, factor: float) -> None:
        """Multiply all embeddings by a factor, which no cosine notices; a power of two is exact."""
        last = self.head[-1]
        last.get_parameter("weight").mul_(factor)
        last.get_parameter("bias").mul_(factor)
