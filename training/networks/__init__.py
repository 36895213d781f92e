"""Encoders of the joint embedding space, equal to the paper's in what they compute."""

from training.networks.imu import ImuEncoder
from training.networks.joint import VARIANTS, Despite, modalities_of, variant_of
from training.networks.point_cloud import PointCloudEncoder
from training.networks.skeleton import SkeletonEncoder
from training.networks.text import TextEncoder, text_encoder

__all__ = [
    "VARIANTS",
    "Despite",
    "ImuEncoder",
    "PointCloudEncoder",
    "SkeletonEncoder",
    "TextEncoder",
    "modalities_of",
    "text_encoder",
    "variant_of",
]
