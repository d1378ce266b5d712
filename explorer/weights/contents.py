"""What a third-party weights file contains, after it was read safely."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class WeightsFile:
    """Sets of weights, one for each network in a file, and what lies beside them.

    Attributes:
        sets: tensors by key, by the place of their mapping in the file, such as "state_dict", "model_ema" or, for
            networks in one mapping, "state_dict.student"; "" is the file itself. In the file's order. Keys are without
            prefixes of modules around the network.
        left_out: why tensors or sets were left out, in a few words, by their names in the file.
        averaged: places of sets that are averages over training, as far as the tensors show.
        mean, std: that the file subtracts from and divides images by, on the 0..1 scale, one for each channel or for
            all; empty without them.
        claims: plain numbers and short texts beside the weights, such as "acc" or "args.arch", by their places.
        lightning: whether PyTorch Lightning wrote it.
    """

    sets: "Mapping[str, Mapping[str, Tensor]]"
    left_out: Mapping[str, str] = field(default_factory=dict)
    averaged: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    claims: Mapping[str, float | str] = field(default_factory=dict)
    lightning: bool = False
