"""What a model's activity heads are worth, on people they never saw."""

from typing import Any

import numpy as np
import torch

from despite_ros.activities import ACTIVITIES
from training.data.batches import gather
from training.data.store import Windows
from training.heads import ActivityHeads
from training.networks import Despite
from training.tasks.recognition import LabelledWindows, measure

BATCH = 64


@torch.no_grad()
def measure_heads(model: Despite, heads: ActivityHeads, test: LabelledWindows) -> dict[str, Any]:
    """{head: accuracies and confusion matrix} over `test.classes`, which the heads must know."""
    model.eval()
    columns = [ACTIVITIES.index(name) for name in test.classes]
    probabilities: dict[str, list[torch.Tensor]] = {}
    for begin in range(0, len(test.labels), BATCH):
        part = slice(begin, begin + BATCH)
        windows = Windows(test.windows.sequence[part], test.windows.start[part])
        batch = gather(test.store, windows, ("points", "imu"))
        given: dict[str, Any] = {"points": torch.from_numpy(batch.points), "imu": torch.from_numpy(batch.imu)}
        for name, logits in heads(model.encode(**given)).items():
            probabilities.setdefault(name, []).append(logits.softmax(dim=1)[:, columns])
    return {
        name: {"labels": list(test.classes), **measure(torch.cat(rows).numpy().astype(np.float64), test)}
        for name, rows in probabilities.items()
    }
