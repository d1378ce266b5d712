"""Squeeze-and-excitation, which weights the channels of a branch. Source: Hu, Shen and Sun 2018, arXiv 1709.01507."""

from torch import Tensor, nn

from explorer.models.config import EXCITATION_REDUCTION


class Excitation(nn.Module):
    """Each channel times a weight between 0 and 1, computed from the means of all channels.

    Source: Hu, Shen and Sun 2018, figure 2.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        reduced = max(1, width // EXCITATION_REDUCTION)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(width, reduced, kernel_size=1)
        self.relu = nn.ReLU()
        self.expand = nn.Conv2d(reduced, width, kernel_size=1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.gate(self.expand(self.relu(self.reduce(self.pool(x)))))
        return x * weights
