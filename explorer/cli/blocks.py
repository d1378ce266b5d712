"""Commands that operate on the blocks of trained networks: operate, lesion, shuffle, shortcut-strength, critical."""

from typing import Annotated

from tyro.conf import Positional, arg

from explorer import tables
from explorer.cli.named_networks import Data, References, references
from explorer.cli.output import AsCsv, AsJson, show_table
from explorer.cli.progress_bar import progress_bar
from explorer.processes import wait_passively

Operations = Annotated[
    Positional[str],
    arg(
        metavar="OPERATIONS",
        help="Separated by commas: delete:2.3, swap:1.2-1.4, repeat:3.1, reinit:2.1@0 (weights of step 0), "
        "reinit:2.1@seed7, shortcut:0.5 (of all blocks), branch:2.3@0.5. A block is STAGE.BLOCK.",
    ),
]
ERRORS = ["error", "intact_error", "rise"]
SPREAD = ["repeats", "error", "low", "high", "intact_error"]


def operate(
    operations: Operations,
    networks: References,
    /,
    *,
    data: Data = "",
    images: int = 1000,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Measure the test error of networks with blocks deleted, swapped, repeated, set back or weakened; also by class.

    Args:
        images: test images to measure on.
    """
    named = references(networks)
    wait_passively()
    from explorer.studies import blocks

    with progress_bar("Images"):
        table = blocks.operated(named, operations, data=data, images=images)
    return show_table("errors", table, csv=csv, json=json, columns=["network", "operations", "class", *ERRORS])


def lesion(
    networks: References,
    /,
    *,
    at_random: bool = False,
    most: int = 10,
    repeats: int = 5,
    seed: int = 0,
    data: Data = "",
    images: int | None = None,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Delete each block of trained networks in turn, and measure the test error (Veit et al. 2016); one line per block.

    Args:
        at_random: instead delete 1, 2, ... blocks at random, of those that do not change the shape; one line for each
            number.
        most: deleted blocks with --at-random.
        repeats: choices of blocks for each number with --at-random; errors are means, with quartiles.
        seed: of these choices.
        images: test images to measure on; by default 1,000, with --at-random 250.
    """
    named = references(networks)
    wait_passively()
    from explorer.studies import blocks

    with progress_bar("Images"):
        if at_random:
            table = blocks.random_lesions(
                named, most=most, repeats=repeats, seed=seed, data=data, images=images or blocks.FEWER_IMAGES
            )
            return show_table("lesions", table, csv=csv, json=json, columns=["network", "deleted", *SPREAD])
        table = blocks.lesion(named, data=data, images=images or blocks.IMAGES)
    return show_table("blocks", table, csv=csv, json=json, columns=["network", *tables.BLOCK_KEYS, *ERRORS, "refused"])


def shuffle(
    networks: References,
    /,
    *,
    repeats: int = 5,
    seed: int = 0,
    data: Data = "",
    images: int = 250,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Exchange blocks within stages, ever further from their order, and measure the error; one line per distance.

    Args:
        repeats: orders for each Kendall tau distance; errors are means, with quartiles.
        seed: of the orders.
        images: test images to measure on.
    """
    named = references(networks)
    wait_passively()
    from explorer.studies import blocks

    with progress_bar("Images"):
        table = blocks.shuffle(named, repeats=repeats, seed=seed, data=data, images=images)
    return show_table("orders", table, csv=csv, json=json, columns=["network", "distance", "tau", *SPREAD])


def shortcut_strength(
    networks: References, /, *, data: Data = "", images: int = 1000, csv: AsCsv = False, json: AsJson = False
) -> int:
    """Multiply all shortcuts of trained networks by a factor from 1 to 0, and measure the error; one line per factor.

    Args:
        images: test images to measure on.
    """
    named = references(networks)
    wait_passively()
    from explorer.studies import blocks

    with progress_bar("Images"):
        table = blocks.shortcut_strength(named, data=data, images=images)
    return show_table("factors", table, csv=csv, json=json, columns=["network", "alpha", *ERRORS])


def critical(
    networks: References,
    /,
    *,
    weights: tuple[str, ...] = (),
    data: Data = "",
    images: int = 250,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Set each block back to its weights at earlier steps, or to new ones, and measure the error (Zhang et al. 2022).

    Args:
        weights: steps of the training, or seeds of new weights, such as 0 1000 seed1; by default seed1, and all steps
            whose weights there are.
        images: test images to measure on.
    """
    named = references(networks)
    wait_passively()
    from explorer.studies import blocks

    with progress_bar("Images"):
        table = blocks.critical(named, weights=weights or None, data=data, images=images)
    return show_table("blocks", table, csv=csv, json=json, columns=["network", *tables.BLOCK_KEYS, "weights", *ERRORS])
