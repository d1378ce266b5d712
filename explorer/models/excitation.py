"""Excitations, which weight the channels of a branch by their means."""

from torch import Tensor, nn

from explorer.models.structure import BlockShape, eca_kernel


class Excitation(nn.Module):
    """Each channel times a weight between 0 and 1, computed from the means of all channels.

    Source: Hu, Shen and Sun 2018, arXiv 1709.01507, figure 2.
    """

    def __init__(self, width: int, reduced: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(width, reduced, kernel_size=1)
        self.relu = nn.ReLU()
        self.expand = nn.Conv2d(reduced, width, kernel_size=1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        weights: Tensor = self.gate(self.expand(self.relu(self.reduce(self.pool(x)))))
        return x * weights


class EfficientExcitation(nn.Module):
    """Each channel times a weight between 0 and 1, computed from the means of its neighbours.

    Source: Wang et al. 2020, ECA-Net, arXiv 1910.03151, figure 2.
    """

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        means = self.pool(x).flatten(1)
        weights: Tensor = self.gate(self.conv(means[:, None]))
        return x * weights[:, 0, :, None, None]


def build_excitation(shape: BlockShape) -> nn.Module | None:
    """The excitation of a block; None if it has none."""
    if not shape.excitation:
        return None
    if shape.excitation_by == "eca":
        return EfficientExcitation(eca_kernel(shape.width))
    return Excitation(shape.width, shape.excitation_width)
