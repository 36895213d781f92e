"""The skeleton encoder against ACTOR written out in float64."""

import numpy as np
import torch
from scipy.special import erf, softmax

from despite_ros.arrays import AnyArray, DoubleArray
from training.networks import SkeletonEncoder

WIDTH, HEADS, LAYERS = 16, 4, 8
State = dict[str, AnyArray]


def linear(x: DoubleArray, state: State, name: str) -> DoubleArray:
    return x @ state[f"{name}weight"].T + state[f"{name}bias"]


def normed(x: DoubleArray, state: State, name: str) -> DoubleArray:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return np.asarray(scaled * state[f"{name}.weight"] + state[f"{name}.bias"])


def attended(x: DoubleArray, state: State, name: str) -> DoubleArray:
    parts = np.split(linear(x, state, f"{name}.in_proj_"), 3, axis=-1)
    query, key, value = (part.reshape(len(x), HEADS, -1).transpose(1, 0, 2) for part in parts)
    weights = softmax(query @ key.transpose(0, 2, 1) / np.sqrt(WIDTH / HEADS), axis=-1)
    joined = (weights @ value).transpose(1, 0, 2).reshape(len(x), WIDTH)
    return linear(joined, state, f"{name}.out_proj.")


def actor(joints: DoubleArray, state: State) -> DoubleArray:
    """Joints T×24×3 → embedding."""
    frames = linear(joints.reshape(len(joints), 72), state, "skelEmbedding.")
    x = np.concatenate([state["muQuery"], state["sigmaQuery"], frames])
    place = np.arange(len(x))[:, None] / 10000 ** (np.arange(0, WIDTH, 2) / WIDTH)
    x[:, 0::2] += np.sin(place)
    x[:, 1::2] += np.cos(place)
    for layer in range(LAYERS):
        name = f"seqTransEncoder.layers.{layer}"
        x = normed(x + attended(x, state, f"{name}.self_attn"), state, f"{name}.norm1")
        hidden = linear(x, state, f"{name}.linear1.")
        hidden = hidden * (1 + erf(hidden / np.sqrt(2))) / 2
        x = normed(x + linear(hidden, state, f"{name}.linear2."), state, f"{name}.norm2")
    return np.asarray(x[0])


def test_the_encoder_is_actor() -> None:
    torch.manual_seed(0)
    encoder = SkeletonEncoder(WIDTH).eval()
    state = {name: value.double().numpy() for name, value in encoder.state_dict().items()}
    for frames in (24, 10):
        joints = torch.randn(3, frames, 24, 3)
        expected = np.stack([actor(window, state) for window in joints.double().numpy()])
        assert np.abs(encoder(joints).detach().numpy() - expected).max() < 1e-5


def test_dropout_is_off_in_evaluation_only() -> None:
    encoder, joints = SkeletonEncoder(WIDTH), torch.randn(2, 24, 24, 3)
    assert not torch.equal(encoder(joints), encoder(joints))
    encoder.eval()
    assert torch.equal(encoder(joints), encoder(joints))
