"""Size of a network from its configuration alone, and the catalogue as a table; imports no torch."""

from functools import lru_cache

import pandas as pd

from explorer import tables
from explorer.errors import BadSettings
from explorer.machine import total_memory
from explorer.models.catalogue import NETWORKS
from explorer.models.config import NetworkConfig
from explorer.models.structure import layer_shapes

TIMES_MEMORY = 4  # networks and training steps that need more, relative to this machine's memory, are rejected
VALUE_BYTES = 4


def networks() -> pd.DataFrame:
    """The catalogue: one row per named network, with costs for an image of its `image_size`.

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
    """The layers on a network's main path, as drawings need them.

    Args:
        image_size: side in pixels; None takes `config.image_size`.

    Returns:
        The columns of `tables.LAYERS`, one row per layer in order of depth, the same names and places as
        `models.layers.main_path` finds in the built network.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    rows = [
        (
            each.name,
            each.stage,
            each.block,
            each.width,
            each.side,
            each.own_parameters + each.norm_parameters,
            each.shortcut,
        )
        for each in layer_shapes(config, image_size)
        if not each.off_main_path
    ]
    numbered = [(number, *row) for number, row in enumerate(rows, start=1)]
    return pd.DataFrame(numbered, columns=tables.LAYERS)


@lru_cache(maxsize=4096)
def parameter_count(config: NetworkConfig) -> int:
    """Number of trainable parameters of convolutions, norms (or the scalars that replace them) and classifier."""
    return sum(each.own_parameters + each.norm_parameters for each in layer_shapes(config))


@lru_cache(maxsize=4096)
def multiply_adds(config: NetworkConfig, image_size: int | None = None) -> int:
    """Multiply-adds for one image; batch norm, ReLU, pooling and sums not counted, as in the papers.

    Args:
        image_size: side in pixels; None takes `config.image_size`.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    return sum(each.multiply_adds for each in layer_shapes(config, image_size))


def size_facts(config: NetworkConfig) -> dict[str, str]:
    """What a network is and costs, in words, by the name of the fact."""
    side, millions = config.image_size, multiply_adds(config) / 1e6
    return {
        "kind": f"{config.kind}, {config.depth} layers",
        "parameters": f"{parameter_count(config):,}",
        "multiply-adds": f"{millions:,.1f} million for an image of {side}×{side}",
        "channels of images": f"{config.channels}",
        "classes": f"{config.classes}",
    }


def require_size(config: NetworkConfig, image_size: int) -> None:
    """Raise BadSettings if images of this size are too small for the network."""
    multiply_adds(config, image_size)


def require_memory(config: NetworkConfig, needed: int | None = None, *, to: str = "its weights") -> None:
    """Raise BadSettings if more than `TIMES_MEMORY` times the memory of this machine is needed.

    Args:
        needed: bytes; None takes those of the weights.
        to: what needs it, for the message.
    """
    available = total_memory()
    if needed is None:
        needed = parameter_count(config) * VALUE_BYTES
    if needed > TIMES_MEMORY * available:
        raise BadSettings(
            f"{config.name} needs about {_about(needed)} for {to}; this machine has {_about(available)}. "
            "Take fewer images a step, smaller images or a smaller network."
        )


def _about(count: float) -> str:
    """A number of bytes, to two digits."""
    for unit in ("GB", "TB", "PB"):
        count /= 1000 if unit != "GB" else 1e9
        if count < 1000 or unit == "PB":
            break
    return f"{count:,.0f} {unit}" if count >= 10 else f"{count:.1f} {unit}"
