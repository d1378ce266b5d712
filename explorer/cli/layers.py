"""Commands that measure layers: responses, gradients, ledger, xray, shattering."""

from typing import Annotated, Literal

from tyro.conf import Positional, arg

from explorer.cli.named_networks import Data, References, references
from explorer.cli.output import AsCsv, AsJson, show_table
from explorer.processes import wait_passively

Names = Annotated[Positional[tuple[str, ...]], arg(metavar="NAME...", help="Names such as plain56 and resnet56.")]
Statistics = Annotated[
    Literal["running", "batch"],
    arg(help="Statistics of batch norm; use batch for networks trained for few steps only."),
]


def responses(
    networks: References,
    /,
    *,
    data: Data = "",
    images: int = 250,
    statistics: Statistics = "running",
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Measure the spread, mean and zeros of every layer's responses (He et al. 2015, figure 7); one line per layer.

    Args:
        images: test images to measure on; crops of photographs for a network whose images are not known.
    """
    wait_passively()
    from explorer.studies import layers

    table = layers.response_std(references(networks), data=data, images=images, statistics=statistics)
    return show_table("layers", table, csv=csv, json=json)


def gradients(
    networks: References, /, *, data: Data = "", images: int = 250, csv: AsCsv = False, json: AsJson = False
) -> int:
    """Measure the loss gradient of every layer's weights and responses; one line per layer.

    Args:
        images: training images to measure on, in five batches: medians and quartiles.
    """
    wait_passively()
    from explorer.studies import layers

    table = layers.gradient_profile(references(networks), data=data, images=images)
    return show_table("layers", table, csv=csv, json=json)


def ledger(
    networks: References,
    /,
    *,
    data: Data = "",
    images: int = 250,
    statistics: Statistics = "running",
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Measure what every block adds to its input, and the paths of the gradient; one line per block.

    Args:
        images: training images to measure on.
    """
    wait_passively()
    from explorer.studies import layers

    table = layers.residual_ledger(references(networks), data=data, images=images, statistics=statistics)
    return show_table("blocks", table, csv=csv, json=json)


def xray(
    networks: Names = ("plain20", "resnet20", "plain56", "resnet56"),
    /,
    *,
    data: Data = "",
    images: int = 64,
    seed: int = 0,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Measure responses and gradients of untrained networks, with and without batch norm; one line per layer.

    Args:
        images: training images to measure on.
        seed: of the initial weights.
    """
    wait_passively()
    from explorer.studies import layers

    table = layers.xray(networks, data=data, images=images, seed=seed)
    return show_table("layers", table, csv=csv, json=json)


def shattering(
    networks: Names = ("plain20", "resnet20", "plain56", "resnet56"),
    /,
    *,
    data: Data = "",
    lines: int = 8,
    seed: int = 0,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Measure the autocorrelation of input gradients of untrained networks along lines between images.

    Args:
        lines: pairs of images.
        seed: of the initial weights.
    """
    wait_passively()
    from explorer.studies import layers

    table = layers.gradient_autocorrelation(networks, data=data, lines=lines, seed=seed)
    return show_table("distances", table, csv=csv, json=json)
