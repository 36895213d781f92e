"""Text encoders: descriptions → embeddings in the joint space. They are frozen and hold no state of ours."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class TextEncoder(Protocol):
    """Descriptions → embeddings B×width, without gradient."""

    width: int

    def __call__(self, descriptions: Sequence[str]) -> Tensor:
        """B descriptions → B×width."""
        ...
