"""How large a network is, from its configuration alone, and the catalogue as a table; imports no torch."""

from collections.abc import Iterator

import pandas as pd

from explorer import tables
from explorer.models.catalogue import NETWORKS
from explorer.models.config import NetworkConfig


def networks() -> pd.DataFrame:
    """The catalogue: one row per named network, with parameters and multiply-adds for a 32x32 colour image.

    Returns:
        The columns of `tables.NETWORKS`. published_error is a fraction, NaN where the paper gives none.
    """
    rows = [
        {
            "name": name,
            "kind": row.config.kind,
            "depth": row.config.depth,
            "shortcut": row.config.shortcut,
            "width": row.config.width,
            "parameters": parameter_count(row.config),
            "multiply_adds": multiply_adds(row.config),
            "published_error": row.published_error,
            "source": row.source,
        }
        for name, row in NETWORKS.items()
    ]
    return pd.DataFrame(rows, columns=tables.NETWORKS)


def parameter_count(config: NetworkConfig) -> int:
    """Trainable parameters: convolutions without bias, two per batch norm channel, the classifier with bias."""
    weights = sum(weights + 2 * channels for weights, channels, _ in _convolutions(config))
    return weights + (_last_width(config) + 1) * config.classes


def multiply_adds(config: NetworkConfig, image_size: int = 32) -> int:
    """Multiply-adds for one image; batch norm, ReLU and sums not counted, as in the paper."""
    sides = [image_size, -(-image_size // 2), -(-image_size // 4)]
    convolutions = sum(weights * sides[stage] ** 2 for weights, _, stage in _convolutions(config))
    return convolutions + _last_width(config) * config.classes


def _last_width(config: NetworkConfig) -> int:
    return 4 * config.width


def _convolutions(config: NetworkConfig) -> Iterator[tuple[int, int, int]]:
    """Weights, output channels and stage (0, 1, 2: the halvings of the image) of every convolution."""
    before = config.width
    yield 9 * config.channels * before, before, 0
    for stage in range(3):
        width = config.width << stage
        for _ in range(config.blocks_per_stage):
            yield 9 * before * width, width, stage
            yield 9 * width * width, width, stage
            if config.shortcut == "C" or (config.shortcut == "B" and before != width):
                yield before * width, width, stage
            before = width
