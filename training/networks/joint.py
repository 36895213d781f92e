"""The joint model: one encoder a modality, all into one space (DeSPITE, ICCV 2025, section 3.2)."""

from collections.abc import Sequence

from torch import Tensor, nn

from despite_ros.errors import UserError
from training.networks.imu import ImuEncoder
from training.networks.point_cloud import PointCloudEncoder
from training.networks.skeleton import SkeletonEncoder
from training.networks.text import TextEncoder

LETTERS = {
    "skeleton": "S",
    "points": "P",
    "imu": "I",
    "text": "T",
}  # in the order of the paper's names
ENCODERS = {"skeleton": "skeleton_encoder", "points": "pointcloud_encoder", "imu": "imu_encoder"}
VARIANTS = (
    "DeSPE", "DeSIE", "DePIE", "DeSPIE", "DePITE", "DeSITE", "DeSPTE", "DeSPITE", "DeSTE", "DePTE", "DeITE",
)  # fmt: skip
CLIP_WIDTH = 512


def modalities_of(variant: str) -> tuple[str, ...]:
    """Modalities of a variant of the paper: "DePIE" → ("points", "imu").

    Raises:
        UserError: a name that is not in `VARIANTS`.
    """
    if variant not in VARIANTS:
        raise UserError(f"unknown variant '{variant}'; known: {', '.join(VARIANTS)}")
    return tuple(name for name, letter in LETTERS.items() if letter in variant[2:-1])


def variant_of(modalities: Sequence[str]) -> str:
    """The inverse of `modalities_of`, for any subset and order of the four modalities."""
    return "De" + "".join(letter for name, letter in LETTERS.items() if name in modalities) + "E"


class Despite(nn.Module):
    """Encoders of the chosen modalities.

    State names are the authors'; the frozen text encoder is not in the state. Encoding may run under
    `torch.autocast` in bfloat16, on a CPU with AVX-512 too: anchors and tubes stay in float32.

    Args:
        modalities: any of "points", "imu", "skeleton"; text comes with `text`.
        width: embedding width E.
        acceleration_scale: see `ImuEncoder`.
        in_sampling_order: see `PointCloudEncoder`.
        text: a frozen text encoder of the same width, or None.

    Raises:
        UserError: no modality or an unknown one, or a text encoder of another width.
    """

    def __init__(
        self,
        modalities: Sequence[str] = ("points", "imu"),
        width: int = CLIP_WIDTH,
        acceleration_scale: float = 1.0,
        in_sampling_order: bool = False,
        text: TextEncoder | None = None,
    ) -> None:
        super().__init__()
        unknown = set(modalities) - set(LETTERS)
        if unknown or not set(modalities) - {"text"}:
            raise UserError(f"modalities {list(modalities)}: choose one or more of points, imu, skeleton")
        if text is not None and text.width != width:
            raise UserError(
                f"text encoder of width {text.width} with embeddings of width {width}; make them equal"
            )
        self.width = width
        self.text = text
        if "points" in modalities:
            self.pointcloud_encoder = PointCloudEncoder(width, in_sampling_order)
        if "imu" in modalities:
            self.imu_encoder = ImuEncoder(width, acceleration_scale)
        if "skeleton" in modalities:
            self.skeleton_encoder = SkeletonEncoder(width)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that this model encodes, in the paper's order."""
        found = tuple(name for name, module in ENCODERS.items() if hasattr(self, module))
        return found + (("text",) if self.text is not None else ())

    def encoder(self, modality: str) -> nn.Module:
        """The encoder of "points", "imu" or "skeleton"."""
        return self.get_submodule(ENCODERS[modality])

    def encode(
        self,
        *,
        points: Tensor | None = None,
        imu: Tensor | None = None,
        skeleton: Tensor | None = None,
        text: Sequence[str] | None = None,
    ) -> dict[str, Tensor]:
        """Unnormalised embeddings in float32, B×E each, of whatever is given.

        Args:
            points: crops B×T×N×3, metres, T even.
            imu: windows B×T×48, rotation matrices and m/s².
            skeleton: joints B×T×24×3, metres, relative to the root.
            text: B descriptions.

        Raises:
            UserError: a modality that this model has no encoder for.
        """
        given = {"skeleton": skeleton, "points": points, "imu": imu, "text": text}
        missing = [name for name, value in given.items() if value is not None and name not in self.modalities]
        if missing:
            raise UserError(
                f"this {variant_of(self.modalities)} model has no encoder for {', '.join(missing)}"
            )
        embeddings: dict[str, Tensor] = {}
        if skeleton is not None:
            embeddings["skeleton"] = self.skeleton_encoder(skeleton).float()
        if points is not None:
            embeddings["points"] = self.pointcloud_encoder(points).float()
        if imu is not None:
            embeddings["imu"] = self.imu_encoder(imu).float()
        if text is not None and self.text is not None:
            embeddings["text"] = self.text(text)
        return embeddings
