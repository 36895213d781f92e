"""Activity heads: linear layers on L2-normalised embeddings of points, of IMU, and of both."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from despite_ros.activities import ACTIVITIES
from training.data.batches import UNLABELLED

SENSED = ("points", "imu")


class ActivityHeads(nn.Module):
    """One linear layer a head; `both` takes points and IMU side by side.

    State: {points,imu,both}.{weight,bias}.
    """

    def __init__(self, width: int, labels: int = len(ACTIVITIES)) -> None:
        super().__init__()
        self.points = nn.Linear(width, labels)
        self.imu = nn.Linear(width, labels)
        self.both = nn.Linear(2 * width, labels)

    def forward(self, embeddings: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Embeddings B×E by modality → logits B×L by head, for the heads whose modalities are given."""
        given = {name: F.normalize(embeddings[name], dim=-1) for name in SENSED if name in embeddings}
        logits = {name: getattr(self, name)(rows) for name, rows in given.items()}
        if len(given) == len(SENSED):
            logits["both"] = self.both(torch.cat([given[name] for name in SENSED], dim=-1))
        return logits


def activity_loss(logits: Mapping[str, Tensor], activity: Tensor) -> Tensor:
    """Cross-entropy summed over the heads, mean over labelled rows (activity B, UNLABELLED elsewhere).

    A batch without labels gives zero with a gradient of zero.
    """
    if not logits:
        return torch.zeros((), device=activity.device)
    labelled = (activity != UNLABELLED).sum().clamp_min(1)
    terms = [
        F.cross_entropy(rows, activity, ignore_index=UNLABELLED, reduction="sum") / labelled
        for rows in logits.values()
    ]
    return torch.stack(terms).sum()
