from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from despite_ros.errors import UserError
from tests.training import golden
from training.networks import (
    VARIANTS,
    Despite,
    ImuEncoder,
    PointCloudEncoder,
    geometry,
    modalities_of,
    tubes,
    variant_of,
)
from training.networks.point_cloud import CHANNELS, DisplacementAttention
from training.networks.tubes import TubeEmbedding

GOLDEN = golden.arrays()
MODEL = golden.model(GOLDEN)
CROPS = golden.inputs(GOLDEN)["points"]


@pytest.fixture
def encoder() -> PointCloudEncoder:
    return golden.model(GOLDEN).pointcloud_encoder


def moved(encoder: PointCloudEncoder, crops: Tensor = CROPS) -> float:
    """How far an encoder's outputs lie from the authors'."""
    with torch.no_grad():
        return golden.worst(encoder(crops), GOLDEN["output/pc"])


def crops_of(count: int, windows: int = 2, frames: int = 24, size: int = 256) -> Tensor:
    """`count` random points a frame, tiled to `size`."""
    clouds = torch.randn(windows, frames, count, 3, generator=torch.Generator().manual_seed(count)) * 0.3
    return clouds.repeat(1, 1, -(-size // count), 1)[:, :, :size].contiguous()


BORDERLINE = {
    "random": crops_of(256),
    "tiled": crops_of(100),
    "fewer points than anchors": crops_of(3),
    "one point": crops_of(1),
    "zeros": torch.zeros(1, 24, 256, 3),
    "empty balls": crops_of(256) + 4 * torch.randn(2, 24, 1, 3, generator=torch.Generator().manual_seed(1)),
    "1024 points": crops_of(1024, 1, 8, 1024),
    "2048 points": crops_of(2048, 1, 4, 2048),
}


@pytest.mark.parametrize("modality", ["points", "imu"])
def test_the_authors_outputs_are_reproduced(modality: str) -> None:
    embeddings = MODEL.encode(**{modality: golden.inputs(GOLDEN)[modality]})[modality]
    assert golden.worst(embeddings, GOLDEN[f"output/{golden.NAMES[modality]}"]) < 1e-5


@pytest.mark.skipif(not golden.WHOLE, reason="DESPITE_GOLDEN names no file")
def test_all_of_the_authors_outputs_are_reproduced() -> None:
    whole = golden.arrays(golden.WHOLE)
    for modality, embeddings in golden.model(whole).encode(**golden.inputs(whole)).items():
        assert golden.worst(embeddings, whole[f"output/{golden.NAMES[modality]}"]) < 1e-5, modality


def test_the_torch_operations_reproduce_the_authors_outputs(encoder: PointCloudEncoder) -> None:
    encoder.tube_embedding.kernels = False
    assert moved(encoder) < 1e-5


def test_displacement_folded_into_the_values_equals_the_literal_form() -> None:
    torch.manual_seed(0)
    layer = DisplacementAttention()
    anchors, tokens = torch.randn(2, 96, 3), torch.randn(2, 96, CHANNELS)
    query, key, value = (
        part.view(2, 96, 2, 40).transpose(1, 2) for part in layer.to_qkv(layer.norm(tokens)).chunk(3, dim=-1)
    )
    weights = (query @ key.transpose(-1, -2) * 40**-0.5).softmax(dim=-1)
    displacement = anchors[:, None, :] - anchors[:, :, None]
    shift = layer.spatial_op(torch.einsum("bhij,bijd->bhid", weights, displacement))
    literal = layer.to_out((weights @ value + shift).transpose(1, 2).flatten(2)) + tokens
    assert torch.allclose(layer(anchors, tokens), literal, atol=1e-5)


@pytest.mark.parametrize("in_sampling_order", [False, True])
@pytest.mark.parametrize("kind", BORDERLINE)
def test_kernels_equal_torch_in_value_and_gradient(kind: str, in_sampling_order: bool) -> None:
    torch.manual_seed(0)
    embedding = TubeEmbedding(in_sampling_order=in_sampling_order)
    found = {}
    for kernels in (True, False):
        embedding.kernels = kernels
        anchors, tokens = embedding(BORDERLINE[kind])
        direction = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(2))
        (gradient,) = torch.autograd.grad((tokens * direction).sum(), list(embedding.parameters()))
        found[kernels] = (anchors, tokens, gradient / gradient.abs().max())
    for ours, literal, limit in zip(found[True], found[False], (0.0, 1e-5, 1e-4), strict=True):
        assert (ours - literal).abs().max().item() <= limit


def test_crops_in_sampling_order_have_their_anchors_in_the_first_rows(encoder: PointCloudEncoder) -> None:
    from despite_ros.motion.sampling import make_crop

    crops = np.stack([make_crop(crop) for crop in CROPS.flatten(0, 1).numpy()])
    ordered = torch.from_numpy(crops).view_as(CROPS)
    sampled = encoder(ordered)
    encoder.tube_embedding.in_sampling_order = True
    assert (encoder(ordered) - sampled).abs().max().item() < 1e-5


def test_points_by_the_origin_are_never_sampled_after_the_first() -> None:
    crops = torch.zeros(1, 2, 64, 3)
    crops[:, :, 1:3] = torch.tensor([0.03, 0.0, 0.0])  # 9e-4 m² from the origin
    crops[:, :, 3] = torch.tensor([0.1, 0.0, 0.0])
    anchors, _ = TubeEmbedding()(crops)
    assert torch.equal(anchors[0], crops[0, 0, [0, 3]])


# How far each mistake moves the golden outputs, as measured on the authors' code.


def test_wrong_gelu_is_noticed(encoder: PointCloudEncoder) -> None:
    for module in encoder.modules():
        if isinstance(module, nn.GELU):
            module.approximate = "tanh"
    assert 5e-5 < moved(encoder) < 1e-3


def test_wrong_radius_is_noticed(encoder: PointCloudEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tubes, "RADIUS", 0.303)
    assert 1e-3 < moved(encoder) < 2e-2


def test_wrong_attention_scale_is_noticed(encoder: PointCloudEncoder) -> None:
    for module in encoder.modules():
        if isinstance(module, DisplacementAttention):
            module.scale = 80**-0.5
    assert 2e-3 < moved(encoder) < 4e-2


def test_wrong_sign_of_displacement_is_noticed(encoder: PointCloudEncoder) -> None:
    for module in encoder.modules():
        if isinstance(module, DisplacementAttention):
            module.spatial_op.weight.data.neg_()
    assert moved(encoder) > 0.04


def test_padding_at_the_end_is_noticed(encoder: PointCloudEncoder) -> None:
    shifted = torch.cat(
        [CROPS[:, 1:], CROPS[:, -1:]], dim=1
    )  # pads the front with frame 1 too, but hardly matters
    assert moved(encoder, shifted) > 0.04


def test_zero_temporal_padding_is_noticed(
    encoder: PointCloudEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    literal = tubes.tube_frames

    def padded_with_zeros(crops: Tensor) -> Tensor:
        frames = literal(crops)
        frames[:, 0, 0] = 0
        return frames

    encoder.tube_embedding.kernels = False
    monkeypatch.setattr(tubes, "tube_frames", padded_with_zeros)
    assert 3e-3 < moved(encoder) < 0.3


def test_another_start_of_sampling_is_noticed(
    encoder: PointCloudEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def from_another_start(points: Tensor, count: int, in_sampling_order: bool) -> Tensor:
        return literal(points.roll(17, dims=-2), count, in_sampling_order)

    literal = geometry.anchor_points
    encoder.tube_embedding.kernels = False
    monkeypatch.setattr(tubes, "anchor_points", from_another_start)
    assert moved(encoder) > 0.02


def test_nearest_point_for_an_empty_ball_is_noticed(
    encoder: PointCloudEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    literal = geometry.ball_neighbours

    def with_nearest(points: Tensor, centres: Tensor, radius: float, count: int) -> Tensor:
        distance = torch.cdist(centres, points)
        nearest = distance.argmin(dim=-1)
        chosen = torch.gather(points, -2, nearest[..., None].expand(*nearest.shape, 3)) - centres
        empty = distance.amin(dim=-1)[..., None, None] >= radius
        return torch.where(empty, chosen.unsqueeze(-2), literal(points, centres, radius, count))

    encoder.tube_embedding.kernels = False
    monkeypatch.setattr(tubes, "ball_neighbours", with_nearest)
    assert moved(encoder) > 0.05


def test_acceleration_scale_folds_into_the_weights() -> None:
    torch.manual_seed(0)
    scaled, plain = ImuEncoder(16, acceleration_scale=0.1), ImuEncoder(16)
    plain.load_state_dict(scaled.state_dict())
    windows = 10 * torch.randn(3, 24, 48)
    expected = scaled(windows)
    assert (plain(windows) - expected).abs().max().item() > 1e-2
    scaled.fold_scale()
    plain.load_state_dict(scaled.state_dict())
    assert torch.allclose(plain(windows), expected, atol=1e-6)
    assert torch.allclose(scaled(windows), expected, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_of_the_paper_encodes_its_modalities(variant: str) -> None:
    modalities = modalities_of(variant)
    assert variant_of(modalities) == variant
    model = Despite(modalities, 16)
    given: dict[str, Any] = {
        "points": crops_of(40, 2, 4, 64),
        "imu": torch.zeros(2, 4, 48),
        "skeleton": torch.zeros(2, 4, 24, 3),
    }
    sensed = {name: given[name] for name in modalities if name != "text"}
    embeddings = model.encode(**sensed)
    assert {name: tuple(rows.shape) for name, rows in embeddings.items()} == dict.fromkeys(sensed, (2, 16))


def test_parameters_at_width_512_are_the_papers() -> None:
    model = Despite(("points", "imu", "skeleton"))
    counts = {name: sum(p.numel() for p in module.parameters()) for name, module in model.named_children()}
    assert counts == {"pointcloud_encoder": 591_432, "imu_encoder": 3_252_224, "skeleton_encoder": 16_860_672}


def test_encoding_runs_in_bfloat16() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        halved = MODEL.encode(points=CROPS)["points"]
    assert halved.dtype == torch.float32
    assert golden.worst(halved, GOLDEN["output/pc"]) < 0.05


def test_a_modality_without_an_encoder_is_an_error() -> None:
    with pytest.raises(UserError, match="DePIE model has no encoder for skeleton"):
        Despite(width=16).encode(skeleton=torch.zeros(1, 24, 24, 3))
    with pytest.raises(UserError, match="choose one or more"):
        Despite(("text",))
    with pytest.raises(UserError, match="unknown variant 'DeFOO'"):
        modalities_of("DeFOO")


def test_an_odd_number_of_frames_is_an_error() -> None:
    with pytest.raises(ValueError, match="even number of frames"):
        MODEL.encode(points=CROPS[:, :23])
