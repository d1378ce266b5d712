"""Results of studies of what blocks learn, like those of `results`; does not import PyTorch."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.cards import Shown


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trajectory(Shown):
    """The way of a training through the plane of its two principal directions.

    Attributes:
        reference, network, kind, depth: the run and its network, see `tables.MEASURED_KEYS`.
        explained: the fractions of the variance of its weights along the two directions.
        moments: `tables.TRAJECTORY`, in order of steps; the last is at the origin.
        surface: `tables.LANDSCAPE`, the loss on the plane with the norms and biases of the last moment.
    """

    reference: str
    network: str
    kind: str
    depth: int
    explained: tuple[float, float]
    moments: pd.DataFrame
    surface: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Arithmetic(Shown):
    """The arithmetic of a block on one image; all arrays are float32 (channels, height, width).

    Attributes:
        place: such as "stage2.block3"; module: name in the network.
        x: what enters the block.
        branch: F(x).
        shortcut: of x, times its factor; None in a plain network and between the stages of a dense one.
        joined: what the block makes of both, see `by`; the branch alone if there is no shortcut.
        relu: of `joined`; None where the block ends without a ReLU, as in pre-activation and dense networks.
        by: "sum" of branch and shortcut, "concatenation" of shortcut and branch (dense), or "none".
        before: channels of `shortcut` before those of x, where it pads x with zeros; else 0.
        shared_activation: the shortcut of a pre-activation block starts after its first norm and ReLU.
    """

    place: str
    module: str
    x: NDArray[np.float32]
    branch: NDArray[np.float32]
    shortcut: NDArray[np.float32] | None
    joined: NDArray[np.float32]
    relu: NDArray[np.float32] | None
    by: Literal["sum", "concatenation", "none"]
    before: int
    shared_activation: bool

    @property
    def output(self) -> NDArray[np.float32]:
        """What leaves the block."""
        return self.joined if self.relu is None else self.relu

    def parts(self, channel: int) -> list[tuple[str, NDArray[np.float32] | None]]:
        """Name and map of x, F(x), shortcut(x), sum, ReLU, as far as the block has them, for a channel of its output.

        The map is None where the channel is not there: in x, or for a dense layer in one of the two.
        """
        x, branch = (channel - self.before, channel) if self.by != "concatenation" else (channel, channel - len(self.x))
        found = [("x", _map(self.x, x)), ("F(x)", _map(self.branch, branch))]
        if self.by == "concatenation":
            return [*found, ("side by side", _map(self.joined, channel))]
        if self.shortcut is not None:
            found += [("shortcut(x)", _map(self.shortcut, channel)), ("sum", _map(self.joined, channel))]
        return [*found, ("ReLU", _map(self.relu, channel))] if self.relu is not None else found


def _map(maps: NDArray[np.float32], channel: int) -> NDArray[np.float32] | None:
    return maps[channel] if 0 <= channel < len(maps) else None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExcitingImages(Shown):
    """The test images that excite one channel most.

    Attributes:
        place: as asked for; layer: name of the convolution whose positions they are.
        channel: from 0, of all `channels`.
        table: `tables.EXCITING`, the most exciting first.
        pixels: of each image, uint8 (H, W, C).
    """

    place: str
    layer: str
    channel: int
    channels: int
    table: pd.DataFrame
    pixels: tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LogitParts(Shown):
    """What each part of a network adds to the scores of one picture.

    Attributes:
        image: the picture's reference; title: its caption.
        label: the true class; None if unknown. prediction: the class with the highest score.
        scores: before softmax, of the classes in `table`, in order of label.
        table: `tables.LOGIT_PARTS`, part by part from the stem on.
    """

    reference: str
    network: str
    image: str
    title: str
    label: int | None
    prediction: int
    scores: NDArray[np.float32]
    table: pd.DataFrame
