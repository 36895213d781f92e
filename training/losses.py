"""Symmetric InfoNCE over all pairs of modalities, in the paper's form and in that of its authors' code."""

import itertools
import math
from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FORMS = ("paper", "code")
TEXT_WEIGHT = 0.5  # alpha of equation 6
PAIR_WEIGHT = 0.5  # beta of equation 6
LOWEST_TEMPERATURE = 0.01  # as in CLIP: logits stay within ±100


def info_nce(
    first: Tensor, second: Tensor, temperature: Tensor | float, same: Tensor | None = None
) -> Tensor:
    """Cross-entropy a→b plus b→a over cosine similarities, mean over rows (equation 2, both directions).

    Args:
        first: N×E embeddings, row i belongs to row i of `second`.
        second: N×E embeddings.
        temperature: divides the cosines.
        same: N×N, true where two rows mean the same thing and so are not negatives of each other.
    """
    with torch.autocast(
        first.device.type, enabled=False
    ):  # cosines in bfloat16 are too coarse to divide by 0.01
        logits = F.normalize(first.float(), dim=-1) @ F.normalize(second.float(), dim=-1).T / temperature
    rows = torch.arange(len(logits), device=logits.device)
    if same is not None:
        logits = logits.masked_fill(same & (rows[:, None] != rows), -torch.inf)
    return F.cross_entropy(logits, rows) + F.cross_entropy(logits.T, rows)


class ContrastiveLoss(nn.Module):
    """Loss of a batch over all modalities (equations 3 to 6).

    | form | of a pair | temperature | equal captions |
    |---|---|---|---|
    | paper | ½ (a→b + b→a) | learnable, from 0.07 | are no negatives of each other |
    | code | a→b + b→a | 0.1, fixed | are negatives of each other |

    Without text the total is the sum over the pairs; with text it is 0.5 × text terms + 0.5 × pair terms.

    Args:
        form: "paper" or "code".
        temperature: start value; None takes the form's own.
        learnable: whether the temperature is trained; None takes the form's own.
    """

    def __init__(
        self, form: str = "paper", temperature: float | None = None, learnable: bool | None = None
    ) -> None:
        super().__init__()
        if form not in FORMS:
            raise ValueError(f"unknown form '{form}' of the loss; known: {', '.join(FORMS)}")
        self.paper = form == "paper"
        start = temperature if temperature is not None else (0.07 if self.paper else 0.1)
        learnable = self.paper if learnable is None else learnable
        self.log_temperature = nn.Parameter(torch.tensor(math.log(start)), requires_grad=learnable)

    @property
    def temperature(self) -> Tensor:
        """The temperature in use, at least 0.01."""
        return self.log_temperature.exp().clamp_min(LOWEST_TEMPERATURE)

    def forward(self, embeddings: Mapping[str, Tensor], described: Tensor | None = None) -> Tensor:
        """Total loss of a batch.

        Args:
            embeddings: B×E by modality; rows of "text" without a description may hold anything.
            described: B, true where a row has a description; None means all have.
        """
        sensed = {name: rows for name, rows in embeddings.items() if name != "text"}
        pairs = self._sum(itertools.combinations(sensed.values(), 2), None)
        if "text" not in embeddings:
            return pairs
        return TEXT_WEIGHT * self._text(sensed, embeddings["text"], described) + PAIR_WEIGHT * pairs

    def _text(self, sensed: Mapping[str, Tensor], text: Tensor, described: Tensor | None) -> Tensor:
        """Terms of the described rows; their negatives are only among those."""
        if described is None:
            described = torch.ones(len(text), dtype=torch.bool, device=text.device)
        if not described.any():
            return text.new_zeros(())
        text = text[described]
        same = (text[:, None] == text).all(dim=-1) if self.paper else None
        return self._sum(((rows[described], text) for rows in sensed.values()), same)

    def _sum(self, pairs: Iterable[tuple[Tensor, Tensor]], same: Tensor | None) -> Tensor:
        share = 0.5 if self.paper else 1.0
        terms = [share * info_nce(first, second, self.temperature, same) for first, second in pairs]
        return torch.stack(terms).sum() if terms else self.log_temperature.new_zeros(())
