"""Activities without a trained head: the label whose text embedding is nearest."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import softmax

from despite_ros.arrays import FloatArray
from despite_ros.matching.cosines import unit

SHARPNESS = 10.0  # inverse temperature of the contrastive loss


class ZeroShot:
    """A `Recogniser` from a card's text embeddings, for models of one space with text."""

    def __init__(self, text_embeddings: Mapping[str, Sequence[float]]) -> None:
        """text_embeddings: label → E numbers."""
        self._texts = unit(np.array(list(text_embeddings.values()), np.float32))

    def activity(
        self,
        points: FloatArray | None,
        imu: FloatArray | None,
        track_cues: FloatArray | None = None,
        wearer_cues: FloatArray | None = None,
    ) -> FloatArray:
        """Embeddings B×E of points, IMUs or both → probabilities of the labels, B×L; cues say nothing here.

        Raises:
            ValueError: neither kind is given.
        """
        given = [unit(rows) for rows in (points, imu) if rows is not None]
        if not given:
            raise ValueError("activities need embeddings of points, of IMUs, or of both")
        cosines = sum(rows @ self._texts.T for rows in given) / len(given)
        return np.asarray(softmax(SHARPNESS * cosines, axis=1), np.float32)
