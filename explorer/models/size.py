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


def layer_table(config: NetworkConfig, image_size: int = 32) -> pd.DataFrame:
    """The layers of a network's main path, what a drawing of it needs.

    Returns:
        The columns of `tables.LAYERS`, one row per layer in order of depth, the same names and places as
        `models.layers.main_path` finds in the built network.
    """
    sides = _sides(image_size)
    width = config.width
    rows = [("stem.conv", 0, 0, width, sides[0], (9 * config.channels + 2) * width, "")]
    before = width
    for stage in range(3):
        width = config.width << stage
        for block in range(config.blocks_per_stage):
            shortcut = _shortcut(config, changes=before != width)
            for place, entering in (("conv1", before), ("conv2", width)):
                name = f"stages.{stage}.{block}.{place}"
                rows.append((name, stage + 1, block + 1, width, sides[stage], (9 * entering + 2) * width, shortcut))
            before = width
    rows.append(("classifier", 4, 0, config.classes, 1, (before + 1) * config.classes, ""))
    numbered = [(number, *row) for number, row in enumerate(rows, start=1)]
    return pd.DataFrame(numbered, columns=tables.LAYERS)


def _shortcut(config: NetworkConfig, *, changes: bool) -> str:
    if config.shortcut == "none":
        return "none"
    if config.shortcut == "C" or (config.shortcut == "B" and changes):
        return "projection"
    return "pad" if changes else "identity"


def parameter_count(config: NetworkConfig) -> int:
    """Trainable parameters: convolutions without bias, two per batch norm channel, the classifier with bias."""
    weights = sum(weights + 2 * channels for weights, channels, _ in _convolutions(config))
    return weights + (_last_width(config) + 1) * config.classes


def multiply_adds(config: NetworkConfig, image_size: int = 32) -> int:
    """Multiply-adds for one image; batch norm, ReLU and sums not counted, as in the paper."""
    sides = _sides(image_size)
    convolutions = sum(weights * sides[stage] ** 2 for weights, _, stage in _convolutions(config))
    return convolutions + _last_width(config) * config.classes


def _sides(image_size: int) -> list[int]:
    """Pixels a side in each stage; a stride of two rounds up."""
    return [image_size, -(-image_size // 2), -(-image_size // 4)]


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
