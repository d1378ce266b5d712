"""Responses of layers: spread, mean, zeros and distribution."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from explorer import tables
from explorer.analysis.images import Images, parts, require_images, require_layers
from explorer.errors import BadSettings
from explorer.models.layers import Layer, main_path
from explorer.models.recording import Statistics, record_responses, working_copy

BINS = 60
SPREADS = 4.0  # standard deviations to either side of the mean that a histogram shows


def response_std(network: nn.Module, images: Images, *, statistics: Statistics = "running") -> pd.DataFrame:
    """Spread of each layer's responses, the measure of He et al. 2015, figure 7.

    A response is the output of a layer after its batch norm, before the shortcut is added or a ReLU applied; the
    classifier's are the scores. Computed on a copy, in parts of 250 images: memory does not grow with their number.

    Args:
        network: trained or not, of this program or another one of convolutions, each followed by its normalisation.
        images: (N, C, H, W), normalised for `network`, on its device; or batches of them, with or without labels.
        statistics: of batch norm: "running", as in evaluation, or "batch", as in training, which is appropriate at the
            start of a training, before the running statistics have settled.

    Returns:
        The columns of `tables.RESPONSES`, one row per layer in order of depth.

    Raises:
        BadSettings: `images` is not a batch that the network accepts, or the network has no layers.
    """
    copy = _measured(network, statistics)
    with record_responses(copy) as found:
        _run(copy, images, statistics)
    rows = [(*_keys(each.layer), each.moments.std, each.moments.mean, each.zeros, each.dead) for each in found]
    return pd.DataFrame(rows, columns=tables.RESPONSES)


def response_histogram(
    network: nn.Module, images: Images, layer: int, *, statistics: Statistics = "running"
) -> pd.DataFrame:
    """The distribution of one layer's responses, over images, channels and positions.

    Args:
        network, images, statistics: as for `response_std`.
        layer: its number, 1 for the stem to the depth for the classifier.

    Returns:
        The columns of `tables.HISTOGRAM`: 60 bins over four standard deviations to either side of the mean of the
        first 250 images; values beyond are counted in the first and the last bin.

    Raises:
        BadSettings: as for `response_std`, or there is no such layer.
    """
    copy = _measured(network, statistics)
    layers = main_path(copy)
    if not 1 <= layer <= len(layers):
        raise BadSettings(f"`layer` (={layer}) is not a layer of this network. It has 1 to {len(layers)}.")
    chosen = layers[layer - 1]
    counts = np.zeros(BINS, np.int64)
    edges: list[float] = []

    def count(module: nn.Module, inputs: object, output: Tensor) -> None:
        values = output.detach().float()
        if not edges:
            std, mean = (each.item() for each in torch.std_mean(values))
            reach = SPREADS * std or 1.0
            edges.extend(np.linspace(mean - reach, mean + reach, BINS + 1))
        inside = values.clamp(edges[0], edges[-1])
        counts[:] += torch.histc(inside, BINS, edges[0], edges[-1]).numpy(force=True).astype(np.int64)

    hook = chosen.response.register_forward_hook(count)
    try:
        _run(copy, images, statistics)
    finally:
        hook.remove()
    fractions = counts / counts.sum()
    rows = [(*_keys(chosen), *bin_) for bin_ in zip(edges[:-1], edges[1:], fractions, strict=True)]
    return pd.DataFrame(rows, columns=tables.HISTOGRAM)


def _measured(network: nn.Module, statistics: Statistics) -> nn.Module:
    if statistics not in ("running", "batch"):
        raise BadSettings(f"`statistics` (={statistics!r}) is not known. Known: 'running', 'batch'.")
    require_layers(network)
    return working_copy(network, statistics)


@torch.no_grad()
def _run(copy: nn.Module, images: Images, statistics: Statistics) -> None:
    seen = 0
    for part in parts(images):
        require_images(copy, part, fewest=2 if statistics == "batch" else 1)
        copy(part)
        seen += len(part)
    if not seen:
        raise BadSettings("`images` holds no images. Give at least one.")


def _keys(layer: Layer) -> Iterator[object]:
    yield from (layer.number, layer.name, layer.stage, layer.block)
