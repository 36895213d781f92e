"""Whether a released model is whole, and streams to the same embeddings as its whole-window graphs."""

import numpy as np

from despite_ros.arrays import FloatArray
from despite_ros.encoders.model import MODALITIES, Encoders
from despite_ros.encoders.streaming import ImuStream, PointStream
from despite_ros.limbs import FRAMES
from despite_ros.motion.sampling import make_crop

TOLERANCE = 1e-5  # largest difference between streaming and whole windows, of an embedding's entry


def streaming_differences(encoders: Encoders, frames: int = 30) -> dict[str, float]:
    """The largest difference between streamed and whole-window embeddings, by modality.

    Two made-up people, from frame 24 on in every frame.
    """
    rng = np.random.default_rng(0)
    streams = {"points": (PointStream, encoders.points), "imu": (ImuStream, encoders.imu)}
    differences = {}
    for modality in encoders.modalities:
        kind, whole = streams[modality]
        values = _made_up(rng, modality, frames)
        windows = np.stack([values[:, end - FRAMES : end] for end in range(FRAMES, frames + 1)])
        expected = whole(windows.reshape(-1, *MODALITIES[modality])).reshape(len(windows), 2, -1)
        stream = kind(encoders)
        found = []
        for frame in range(frames):
            stream.push((0, 1), values[:, frame])
            found.append(stream.embeddings().rows)
        differences[modality] = float(np.abs(np.stack(found[FRAMES - 1 :]) - expected).max())
    return differences


def _made_up(rng: np.random.Generator, modality: str, frames: int) -> FloatArray:
    """Two people, 2×frames×…: crops of person-sized clouds, or channels of unit size."""
    if modality == "imu":
        return rng.normal(size=(2, frames, *MODALITIES["imu"][1:])).astype(np.float32)
    clouds = rng.normal(size=(2 * frames, 300, 3)) * [0.2, 0.2, 0.5]
    crops = np.stack([make_crop(cloud.astype(np.float32)) for cloud in clouds])
    return crops.reshape(2, frames, *MODALITIES["points"][1:])
