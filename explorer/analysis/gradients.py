"""Does the training signal reach the first layers? Gradient norms along the depth of a network."""

from collections.abc import Iterator
from copy import deepcopy

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer import tables
from explorer.errors import BadSettings
from explorer.models.network import Network

OUTSIDE = {"stem": 0, "classifier": 4}  # the number of their stage


def gradient_profile(network: Network, images: Tensor, labels: Tensor) -> pd.DataFrame:
    """Norm of the loss gradient with respect to each layer's weights, as a training step on these images sees it.

    The loss is the mean cross-entropy; batch norm takes its statistics from the batch. The shortcuts' projections are
    left out, so that networks of one depth have the same rows. All is computed on a copy: mode, batch norm statistics
    and gradients of `network` are never touched.

    Args:
        network: trained or not.
        images: (N, C, H, W), normalised for `network`, on its device; N at least 2.
        labels: (N,), classes.

    Returns:
        The columns of `tables.GRADIENTS`: stem, both convolutions of every block, classifier; as many rows as the
        network is deep.

    Raises:
        BadSettings: `images` is not a batch of images that the network takes, or there is not one label for each.

    Source: He et al. 2015, section 4.1: with batch norm, forward and backward signals of the plain networks do not
    vanish.
    """
    _check(network, images, labels)
    copy = deepcopy(network).train().requires_grad_(True)
    layers = list(_layers(copy))
    with torch.enable_grad():
        loss = functional.cross_entropy(copy(images), labels)
    gradients = torch.autograd.grad(loss, [module.weight for *_, module in layers])
    rows = []
    for layer, ((name, stage, block, module), gradient) in enumerate(zip(layers, gradients, strict=True), start=1):
        gradient_norm, weight_norm = gradient.norm().item(), module.weight.norm().item()
        relative = gradient_norm / weight_norm if weight_norm else float("nan")
        rows.append((layer, name, stage, block, gradient_norm, weight_norm, relative))
    return pd.DataFrame(rows, columns=tables.GRADIENTS)


def _layers(network: Network) -> Iterator[tuple[str, int, int, nn.Conv2d | nn.Linear]]:
    """Name, stage, block and module of each weighted layer on the main path, in order of depth."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear) and "shortcut" not in name:
            part, *place = name.split(".")
            stage, block = (int(place[0]) + 1, int(place[1]) + 1) if part == "stages" else (OUTSIDE[part], 0)
            yield name, stage, block, module


def _check(network: Network, images: Tensor, labels: Tensor) -> None:
    channels = network.config.channels
    if images.ndim != 4 or images.shape[1] != channels:
        hint = " Add a batch dimension with `images[None]`." if images.ndim == 3 else ""
        raise BadSettings(f"`images` has shape {tuple(images.shape)}; expected (N, {channels}, H, W).{hint}")
    if len(images) < 2:
        raise BadSettings(
            f"`images` holds {len(images)} images; batch norm takes its statistics from the batch. Give at least 2."
        )
    if labels.shape != (len(images),):
        raise BadSettings(
            f"`labels` has shape {tuple(labels.shape)}; expected ({len(images)},). Give one class for each image."
        )
