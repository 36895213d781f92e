"""Embeddings are compared by direction alone."""

import numpy as np

from despite_ros.arrays import AnyArray, FloatArray


def unit(rows: AnyArray) -> FloatArray:
    """Rows (or one row) of length 1; NaN stays NaN, zero stays zero."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), np.float32)


def cosines(rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Cosine similarity of M×E against K×E: M×K, NaN where a row or column is NaN."""
    return np.asarray(unit(rows) @ unit(columns).T, np.float32)
