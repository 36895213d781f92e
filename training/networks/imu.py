"""IMU encoder: a two-layer LSTM over the 48 channels of a window."""

import torch
from torch import Tensor, nn

from despite_ros.limbs import CHANNELS

ORIENTATION_CHANNELS = 36  # the other 12 are accelerations


class ImuEncoder(nn.Module):
    """Windows of 48 SI channels → embedding, the last step's output.

    Args:
        width: embedding width E.
        acceleration_scale: factor on the acceleration channels before the LSTM. Free accelerations reach tens
            of m/s² while rotation entries stay within ±1; 0.1 brings both to one size for training. Released
            weights have it folded in (`fold_scale`) and take SI channels at scale 1.
    """

    input_scale: Tensor

    def __init__(self, width: int = 512, acceleration_scale: float = 1.0) -> None:
        super().__init__()
        self.lstm = nn.LSTM(CHANNELS, width, num_layers=2, batch_first=True)
        scale = torch.ones(CHANNELS)
        scale[ORIENTATION_CHANNELS:] = acceleration_scale
        self.register_buffer("input_scale", scale, persistent=False)

    def forward(self, windows: Tensor) -> Tensor:
        """Windows B×T×48 (rotation matrices, m/s²) → embeddings B×E, unnormalised."""
        weight = self.lstm.get_parameter("weight_ih_l0")
        outputs: Tensor = self.lstm((windows * self.input_scale).to(weight.dtype))[0]
        return outputs[:, -1]

    @torch.no_grad()
    def fold_scale(self) -> None:
        """Move the input scale into the first layer's weights; outputs stay the same."""
        self.lstm.get_parameter("weight_ih_l0").mul_(self.input_scale)
        self.input_scale.fill_(1.0)

    @torch.no_grad()
    def unfold_scale(self) -> None:
        """The reverse, for weights that take SI channels and are trained on: divide the input scale out."""
        self.lstm.get_parameter("weight_ih_l0").div_(self.input_scale)
