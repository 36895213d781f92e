"""The networks as the paper's formulas stand, in eager torch: what the other ways are compared with."""

from pathlib import Path

import torch
from torch import Tensor

from despite_ros.arrays import FloatArray
from training.checkpoints import load
from training.networks.point_cloud import CHANNELS, HEADS, DisplacementAttention


class LiteralAttention(DisplacementAttention):
    """With every displacement xⱼ − xᵢ written out: B×M×M×3 numbers."""

    def forward(self, anchors: Tensor, tokens: Tensor) -> Tensor:
        """Anchors B×M×3 (m) and tokens B×M×80 → tokens B×M×80."""
        batch, count, _ = tokens.shape
        heads = self.to_qkv(self.norm(tokens)).view(batch, count, 3, HEADS, CHANNELS // HEADS)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query @ key.transpose(-1, -2) * (CHANNELS // HEADS) ** -0.5).softmax(dim=-1)
        displacements = anchors[:, None] - anchors[:, :, None]
        moved = torch.einsum("bhij,bijd->bhid", weights, displacements)
        attended = weights @ value + self.spatial_op(moved)
        update: Tensor = self.to_out(attended.transpose(1, 2).reshape(batch, count, CHANNELS))
        return tokens + update


class LiteralEncoders:
    """The networks of a model's folder: anchors sampled, ball query and displacements in torch."""

    def __init__(self, folder: Path, threads: int) -> None:
        torch.set_num_threads(threads)
        self._model = load(folder)
        self._model.pointcloud_encoder.tube_embedding.kernels = False
        for module in self._model.modules():
            if isinstance(module, DisplacementAttention):
                module.__class__ = LiteralAttention

    @torch.no_grad()
    def __call__(self, crops: FloatArray, windows: FloatArray) -> dict[str, FloatArray]:
        """Crops B×24×256×3 and windows B×24×48 → embeddings B×E, "points" and "imu"."""
        found = self._model.encode(points=torch.from_numpy(crops), imu=torch.from_numpy(windows))
        return {name: embeddings.numpy() for name, embeddings in found.items()}
