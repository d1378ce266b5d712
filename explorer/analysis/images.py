"""Checking and splitting of the images given to analyses."""

from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor, nn

from explorer.errors import BadSettings
from explorer.models.layers import main_path
from explorer.numerals import counted

PART = 250  # images in a forward pass, which bounds its memory
PART_VALUES = 2_500_000  # their values: 16 colour images of 224 pixels a side

Images = Tensor | Iterable[Any]  # (N, C, H, W), or batches of them, with or without labels


def part_size(images: Tensor) -> int:
    """The number of images in a forward pass; at least 2, since batch norm may take its statistics from them."""
    return min(PART, max(2, PART_VALUES // max(1, images[0].numel()))) if len(images) else PART


def parts(images: Images, size: int | None = None) -> Iterator[Tensor]:
    """Images in parts of at most `size`, by default `part_size`, from one tensor or from batches."""
    for batch in [images] if isinstance(images, Tensor) else images:
        tensor = batch if isinstance(batch, Tensor) else batch[0]
        yield from tensor.split(size or part_size(tensor))


def require_layers(network: nn.Module) -> None:
    """Raise BadSettings if a network has no convolution or linear layer to measure."""
    if not main_path(network):
        raise BadSettings(
            f"{type(network).__name__} has no convolution or linear layer to measure. Give a network of `build`, "
            "`load_checkpoint`, or another convolutional network."
        )


def require_images(network: nn.Module, images: Tensor, labels: Tensor | None = None, *, fewest: int = 1) -> None:
    """Raise BadSettings if `images` is not a batch that the network accepts, or the number of labels differs."""
    config = getattr(network, "config", None)
    channels = config.channels if config is not None else "C"
    if images.ndim != 4 or (config is not None and images.shape[1] != channels):
        hint = " Add a batch dimension with `images[None]`." if images.ndim == 3 else ""
        raise BadSettings(f"`images` has shape {tuple(images.shape)}; expected (N, {channels}, H, W).{hint}")
    if len(images) < fewest:
        why = "; batch norm takes its statistics from the batch" if fewest > 1 else ""
        raise BadSettings(f"`images` holds {counted(len(images), 'image')}{why}. Give at least {fewest}.")
    if labels is not None and labels.shape != (len(images),):
        raise BadSettings(
            f"`labels` has shape {tuple(labels.shape)}; expected ({len(images)},). Give one class for each image."
        )
