"""Input and output of an attribution method."""

from dataclasses import dataclass

from torch import Tensor, nn

# The attribution, and its convergence delta (N,) if the method has one.
ValuesAndDelta = tuple[Tensor, Tensor | None]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One call of a method.

    Attributes:
        network: a copy in evaluation mode, whose weights require no gradient.
        images: (N, C, H, W), which require gradients; target: (N,).
        layer: the module that a layer method explains, else None.
        baseline: shaped like `images`; of another N if GradientSHAP samples from it.
        at_once: images per pass, at most.
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
