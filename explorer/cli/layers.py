"""Commands that measure layers: responses, gradients, ledger, xray, shattering."""

import os
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from explorer.cli.output import AsCsv, AsJson, show_table
from explorer.cli.runs import find
from explorer.errors import RunError
from explorer.processes import WAIT_PASSIVELY
from explorer.runs.checkpoint_facts import checkpoint_file, is_untrained, moments

References = Annotated[
    Positional[tuple[str, ...]],
    arg(
        metavar="NETWORK...",
        help="Each an id of a run or experiment, RUN@STEP, a checkpoint, a .safetensors file, or a name such as "
        "resnet56 for the untrained network.",
    ),
]
Names = Annotated[Positional[tuple[str, ...]], arg(metavar="NAME...", help="Names such as plain56 and resnet56.")]
Data = Annotated[str, arg(help="Data set; left out, the one a network was trained on, else digits.")]
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
        images: test images to measure on.
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


def references(identities: Sequence[str]) -> list[str]:
    """Full references of networks; an experiment stands for all of its runs that have weights.

    Raises:
        RunError: there is no such run or experiment, or it has no weights.
    """
    return list(dict.fromkeys(each for identity in identities for each in _references(identity)))


def wait_passively() -> None:
    """Disable busy-waiting of PyTorch's threads; call it before PyTorch is imported."""
    os.environ.update(WAIT_PASSIVELY | os.environ)


def _references(identity: str) -> Iterator[str]:
    name, _, step = identity.partition("@")
    if is_untrained(identity) or identity.endswith(".safetensors"):
        yield identity
        return
    if not step and "/" not in name and checkpoint_file(name) is not None:
        yield name
        return
    found, run = find(name)
    chosen = [each for each in (found.runs if run is None else (run,)) if moments(each)]
    if not chosen:
        raise RunError(f"{name} has no weights. `python -m explorer runs show {name}` shows its state.")
    yield from (f"{each.id}@{step}" if step else each.id for each in chosen)
