"""What a CIFAR network is made of, as settings; importing this does not import torch."""

from typing import Literal

from pydantic import Field, field_validator

from explorer.settings import Settings

Shortcut = Literal["none", "A", "B", "C"]
Kind = Literal["plain", "residual"]


class NetworkConfig(Settings):
    """A plain or residual network for small images, He et al. 2015, section 4.2.

    Attributes:
        depth: weighted layers on the main path, 6n+2: a stem, three stages of n blocks of two
            3x3 convolutions, a classifier.
        shortcut: "none" makes the network plain; "A" pads with zeros, "B" projects where the
            shape changes, "C" projects everywhere (section 3.3). The paper's CIFAR networks are A.
        width: channels of the first stage; 16 in the paper. Later stages have twice and four times that.
        classes: outputs of the classifier.
        channels: channels of an image: 3 for colour, 1 for grey.
    """

    depth: int
    shortcut: Shortcut = "A"
    width: int = Field(default=16, ge=1, le=4096)
    classes: int = Field(default=10, ge=2)
    channels: int = Field(default=3, ge=1)

    @field_validator("depth")
    @classmethod
    def _depth_is_6n_plus_2(cls, depth: int) -> int:
        if depth < 8 or (depth - 2) % 6:
            lower, upper = nearest_depths(depth)
            raise ValueError(f"`depth` (={depth}) is not 6n+2. The nearest are {lower} and {upper}.")
        return depth

    @property
    def kind(self) -> Kind:
        return "plain" if self.shortcut == "none" else "residual"

    @property
    def blocks_per_stage(self) -> int:
        return (self.depth - 2) // 6

    @property
    def name(self) -> str:
        """The catalogue's spelling: plain20, resnet56, resnet56-b, resnet20-w32."""
        stem = f"{'plain' if self.kind == 'plain' else 'resnet'}{self.depth}"
        option = f"-{self.shortcut.lower()}" if self.shortcut in ("B", "C") else ""
        width = f"-w{self.width}" if self.width != 16 else ""
        return stem + option + width


def nearest_depths(depth: int) -> tuple[int, int]:
    """The valid depths (6n+2, at least 8) below and above `depth`."""
    lower = max(8, (depth - 2) // 6 * 6 + 2)
    return lower, max(14, lower + 6)
