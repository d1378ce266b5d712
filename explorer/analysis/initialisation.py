"""Responses and gradients of untrained networks by layer, for several initialisations of batch norm."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer import tables
from explorer.analysis.images import require_images
from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.layers import blocks, main_path
from explorer.models.network import Network, build
from explorer.models.recording import record_response_gradients, record_responses, working_copy
from explorer.registry import lookup


def xray(
    networks: Sequence[str], images: Tensor, labels: Tensor, *, variants: Sequence[str] | None = None, seed: int = 0
) -> pd.DataFrame:
    """Responses and gradients of every layer of untrained networks, in several variants of batch norm.

    Batch norm takes its statistics from the batch, as in the first training step.

    Args:
        networks: names such as "plain56".
        images: (N, C, H, W), normalised, N at least 2.
        labels: (N,), classes.
        variants: names in `VARIANTS`; None takes all. Networks without batch norm have the first only; "zero" applies
            to residual networks whose branches end in a norm.
        seed: of the initial weights.

    Returns:
        The columns of `tables.XRAY`, one row per layer, by network, then by variant. A norm is infinite or NaN if
        values overflow.

    Raises:
        UnknownName: no such network or variant.
        BadSettings: no network, or `images` and `labels` do not match.

    Source: Goyal et al. 2017 (arXiv 1706.02677), section 5.1, for the last batch norm at zero; Zhang et al. 2019
    (arXiv 1901.09321) for what happens without batch norm.
    """
    if not networks:
        raise BadSettings("Name at least one network, such as 'plain56'.")
    require_images(nn.Module(), images, labels, fewest=2)
    classes = int(labels.max()) + 1
    chosen = {name: lookup(VARIANTS, name, "variant") for name in (VARIANTS if variants is None else variants)}
    found = []
    for name in networks:
        config = network_config(name)
        for variant, (title, change) in chosen.items():
            if not _has(config, variant):
                continue
            network = build(config, channels=images.shape[1], classes=max(config.classes, classes), seed=seed)
            change(network.to(images.device))
            keys = (config.name, config.kind, config.depth, BUILT_WITHOUT.get(config.norm, title))
            found += [(*keys, *row) for row in _layers(network, images, labels)]
    return pd.DataFrame(found, columns=tables.XRAY)


def _has(config: NetworkConfig, variant: str) -> bool:
    if config.norm != "batch":
        return variant == "norm"
    return variant != "zero" or (config.kind == "residual" and config.order == "post")


def _layers(network: Network, images: Tensor, labels: Tensor) -> Iterator[tuple[object, ...]]:
    copy = working_copy(network, "batch")
    with torch.enable_grad(), record_responses(copy) as responses, record_response_gradients(copy) as norms:
        loss = functional.cross_entropy(copy(images), labels)
        gradients = torch.autograd.grad(loss, [layer.module.weight for layer in main_path(copy)])
    for response, gradient in zip(responses, gradients, strict=True):
        layer, std = response.layer, response.moments.std
        yield layer.number, layer.name, layer.stage, layer.block, std, gradient.norm().item(), norms[layer.number]


def _as_built(network: Network) -> None:
    """The norms of the configuration."""


def _without_norm(network: Network) -> None:
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())


def _zero_last(network: Network) -> None:
    """Set the last batch norm of each block to zero, so that the block computes its shortcut alone."""
    for block in blocks(network):
        norm = block.layers[-1].norm
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.zeros_(norm.weight)


BUILT_WITHOUT = {"skipinit": "SkipInit", "fixup": "Fixup"}  # titles, by the kind of norm

# title, and the change made to the network
VARIANTS: Mapping[str, tuple[str, Callable[[Network], None]]] = {
    "norm": ("batch norm", _as_built),
    "no_norm": ("no batch norm", _without_norm),
    "zero": ("last batch norm zero", _zero_last),
}
