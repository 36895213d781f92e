"""Skeleton encoder: ACTOR (Petrovich et al., ICCV 2021) as in MotionCLIP; its mean token is the embedding."""

import math

import torch
from torch import Tensor, nn

JOINTS = 24
LONGEST = 5000  # positions in the authors' table


class PositionalEncoding(nn.Module):
    """Sinusoidal positions (Vaswani et al., 2017) added to time-first sequences, then dropout."""

    pe: Tensor

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        position = torch.arange(LONGEST, dtype=torch.float32)[:, None]
        frequency = torch.exp(torch.arange(0, width, 2).float() * (-math.log(10000.0) / width))
        table = torch.stack([torch.sin(position * frequency), torch.cos(position * frequency)], dim=-1)
        self.register_buffer("pe", table.reshape(LONGEST, 1, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, sequence: Tensor) -> Tensor:
        """T×B×E → T×B×E."""
        return self.dropout(sequence + self.pe[: len(sequence)])  # type: ignore[no-any-return]


class SkeletonEncoder(nn.Module):
    """Joints of a window → embedding of width E (a multiple of 4)."""

    def __init__(self, width: int = 512, dropout: float = 0.1) -> None:
        super().__init__()
        self.muQuery = nn.Parameter(torch.randn(1, width))
        self.sigmaQuery = nn.Parameter(torch.randn(1, width))
        self.skelEmbedding = nn.Linear(3 * JOINTS, width)
        self.sequence_pos_encoder = PositionalEncoding(width, dropout)
        layer = nn.TransformerEncoderLayer(width, 4, 1024, dropout, activation="gelu")
        self.seqTransEncoder = nn.TransformerEncoder(layer, num_layers=8, enable_nested_tensor=False)

    def forward(self, joints: Tensor) -> Tensor:
        """Joints B×T×24×3 (m, relative to the root) → embeddings B×E, unnormalised."""
        frames = self.skelEmbedding(joints.flatten(2)).transpose(0, 1)
        queries = torch.stack([self.muQuery, self.sigmaQuery]).expand(2, len(joints), -1)
        sequence = self.sequence_pos_encoder(torch.cat([queries, frames]))
        return self.seqTransEncoder(sequence)[0]  # type: ignore[no-any-return]
