"""How large a network is, from its configuration alone, and the catalogue as a table; imports no torch."""

import pandas as pd

from explorer import tables
from explorer.models.catalogue import NETWORKS
from explorer.models.config import NetworkConfig
from explorer.models.structure import weighted


def networks() -> pd.DataFrame:
    """The catalogue: one row per named network, with what an image of the size it is made for costs.

    Returns:
        The columns of `tables.NETWORKS`. published_error is a fraction, NaN where the source gives none.
    """
    rows = [
        {
            "name": name,
            "family": row.family,
            "kind": row.config.kind,
            "block": row.config.block,
            "depth": row.config.depth,
            "shortcut": row.config.shortcut,
            "width": row.config.width * row.config.widen,
            "image_size": row.config.image_size,
            "parameters": parameter_count(row.config),
            "multiply_adds": multiply_adds(row.config),
            "published_error": row.published_error,
            "published_data": row.published_data if row.published_error is not None else "",
            "published_parameters": row.published_parameters,
            "published_multiply_adds": row.published_multiply_adds,
            "source": row.source,
        }
        for name, row in NETWORKS.items()
    ]
    published = dict.fromkeys(("published_error", "published_parameters", "published_multiply_adds"), float)
    return pd.DataFrame(rows, columns=tables.NETWORKS).astype(published)


def layer_table(config: NetworkConfig, image_size: int | None = None) -> pd.DataFrame:
    """The layers of a network's main path, what a drawing of it needs.

    Args:
        image_size: side in pixels; None takes that which such networks are made for.

    Returns:
        The columns of `tables.LAYERS`, one row per layer in order of depth, the same names and places as
        `models.layers.main_path` finds in the built network.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    rows = [
        (each.name, each.stage, each.block, each.width, each.side, each.own + each.around, each.shortcut)
        for each in weighted(config, image_size)
        if not each.beside
    ]
    numbered = [(number, *row) for number, row in enumerate(rows, start=1)]
    return pd.DataFrame(numbered, columns=tables.LAYERS)


def parameter_count(config: NetworkConfig) -> int:
    """Trainable parameters: of convolutions, norms or what stands in their place, and the classifier."""
    return sum(each.own + each.around for each in weighted(config))


def multiply_adds(config: NetworkConfig, image_size: int | None = None) -> int:
    """Multiply-adds for one image; batch norm, ReLU, pooling and sums not counted, as in the papers.

    Args:
        image_size: side in pixels; None takes that which such networks are made for.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    return sum(each.multiply_adds for each in weighted(config, image_size))


def require_size(config: NetworkConfig, image_size: int) -> None:
    """Raise BadSettings where nothing would be left of images of this size on their way through a network."""
    multiply_adds(config, image_size)
