"""Frozen text encoders, selected by name: descriptions → embeddings in the joint space."""

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from despite_ros.arrays import FloatArray
from despite_ros.errors import UserError

CLIP = "openai/clip-vit-base-patch32"
ENCODERS = ("clip", "ngrams")
GRAM_SIZES = (3, 4)


class TextEncoder(Protocol):
    """Descriptions → embeddings, without gradient and without state in a checkpoint."""

    width: int

    def __call__(self, descriptions: Sequence[str]) -> Tensor:
        """B descriptions → B×width."""


def text_encoder(name: str, width: int, weights: str = CLIP) -> TextEncoder:
    """A text encoder of the given width.

    Args:
        name: "clip", the paper's, whose width is 512; or "ngrams", which needs no weights.
        width: embedding width E.
        weights: for CLIP, a folder with its weights or a name in the local Hugging Face cache.

    Raises:
        UserError: unknown name, CLIP with another width than its own, or CLIP's library or weights missing.
    """
    if name == "clip":
        clip = ClipText(weights)
        if clip.width != width:
            raise UserError(
                f"CLIP's text embeddings have width {clip.width}; set the width to that, not {width}"
            )
        return clip
    if name == "ngrams":
        return NgramText(width)
    raise UserError(f"unknown text encoder '{name}'; known: {', '.join(ENCODERS)}")


class ClipText:
    """CLIP's text encoder with projection (Radford et al., 2021). Nothing is downloaded."""

    def __init__(self, weights: str = CLIP) -> None:
        try:
            import transformers
        except ImportError as error:
            raise UserError(
                "text encoder 'clip': install its library with `pip install transformers`"
            ) from error
        try:
            kind: Any = transformers.CLIPTextModelWithProjection
            self._model = kind.from_pretrained(weights, local_files_only=True).eval().requires_grad_(False)
            self._tokenizer = transformers.CLIPTokenizer.from_pretrained(weights, local_files_only=True)
        except (OSError, ValueError) as error:
            raise UserError(
                f"text encoder 'clip': no weights in '{weights}'; get them once with"
                f" `huggingface-cli download {CLIP}`, or name the folder that holds them"
            ) from error
        self.width = int(self._model.config.projection_dim)

    @torch.no_grad()
    def __call__(self, descriptions: Sequence[str]) -> Tensor:
        """B descriptions, cut at CLIP's longest length → B×width."""
        longest = self._model.config.max_position_embeddings
        tokens = self._tokenizer(
            list(descriptions), padding=True, truncation=True, max_length=longest, return_tensors="pt"
        )
        embeddings: Tensor = self._model(**tokens).text_embeds
        return embeddings


class NgramText:
    """Words and their letter n-grams, each a fixed random direction; their sum, normalised.

    It knows spelling, not meaning: "walking" lies near "walks", not near "strolling". It is deterministic and
    needs no weights: for label sets, tests and machines without CLIP.
    """

    def __init__(self, width: int) -> None:
        self.width = width

    def __call__(self, descriptions: Sequence[str]) -> Tensor:
        """B descriptions → B×width, of length 1 (an empty one: zeros)."""
        rows = np.stack([self._embed(description) for description in descriptions])
        return torch.from_numpy(rows)

    def _embed(self, description: str) -> FloatArray:
        total = np.zeros(self.width, np.float32)
        for word in re.findall(r"\w+", description.lower()):
            total += direction(word, self.width)
            marked = f"<{word}>"
            for size in GRAM_SIZES:
                for start in range(len(marked) - size + 1):
                    total += direction(marked[start : start + size], self.width)
        return total / max(float(np.linalg.norm(total)), 1e-12)


@lru_cache(maxsize=65536)
def direction(gram: str, width: int) -> FloatArray:
    """A random vector of `width` that follows from the gram alone."""
    rng = np.random.default_rng(zlib.crc32(gram.encode()))
    return rng.standard_normal(width).astype(np.float32)
