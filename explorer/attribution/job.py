"""What an attribution method is given and what it gives."""

from dataclasses import dataclass

from torch import Tensor, nn

# The attribution, and how far its sum is from what it should explain, (N,), where the method promises a sum.
Outcome = tuple[Tensor, Tensor | None]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One call of a method.

    Attributes:
        network: a copy of its own in evaluation mode, whose weights take no gradient.
        images: (N, C, H, W), taking gradients; target: (N,).
        layer: the module that a layer method looks at, else None.
        baseline: shaped like `images`; what GradientSHAP draws its baselines from may have another N.
        at_once: how many images may go through the network together.
    """

    network: nn.Module
    images: Tensor
    target: Tensor
    layer: nn.Module | None
    baseline: Tensor
    at_once: int

    @property
    def side(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.images.shape[2], self.images.shape[3]
