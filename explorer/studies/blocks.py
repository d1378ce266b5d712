"""Studies of operated networks by reference: blocks deleted, exchanged, weakened, or set back, and the test error.

Predictions are kept for each operated network and image: a call for more images, or for an operation that a study
has already done, computes only what is new. So a page that asks for each of `progress.sizes(1000)` images, one call
after the other, shows first results soon and computes nothing twice.
"""

from collections.abc import Callable, Iterable, Sequence
from math import nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer import tables
from explorer.analysis import responses
from explorer.analysis.block_choices import deletable, deletable_blocks, random_deletions, random_order, spread
from explorer.data.catalogue import dataset
from explorer.errors import BadSettings, ExplorerError
from explorer.models.operated import operated as operated_network
from explorer.models.operations import (
    Arrangement,
    Operation,
    Operations,
    arrangement,
    intact,
    operations_text,
    parsed,
    possible,
)
from explorer.models.recording import Statistics
from explorer.models.structure import block_shapes
from explorer.runs.checkpoint_facts import is_untrained
from explorer.runs.checkpoint_facts import moments as moments_of
from explorer.runs.store import read_run
from explorer.settings import require_between
from explorer.studies.operated_predictions import OperatedPredictions, operated_predictions

IMAGES, FEWER_IMAGES = 1000, 250  # for studies of some dozens of versions, and of more
REPEATS = 5
DISTANCES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
# Close to each other near 1: a factor acts once in every block, 0.95 in 27 blocks as 0.25
ALPHAS = (1.0, 0.99, 0.98, 0.96, 0.94, 0.92, 0.9, 0.85, 0.8, 0.7, 0.6, 0.4, 0.2, 0.0)
MOST_DELETED = 10
MOST_REPEATS, MOST_VALUES = 100, 100
NEW_WEIGHTS = "seed1"  # not 0, the seed of most trainings, whose weights at step 0 are another column

Wrong = NDArray[np.bool_]  # (images,), or (versions, images)


def lesion(references: Sequence[str], *, data: str = "", images: int = IMAGES) -> pd.DataFrame:
    """Delete each block in turn; in a plain network the layers of the block. See `models.operated.operated`.

    Args:
        references: of networks, see `studies.references`.
        data: name of the data set; empty takes the one that each network was trained on.
        images: number of test images, balanced over classes.

    Returns:
        `tables.LESION`, one row per block. Errors are empty where a block cannot be deleted.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images, or no network was named.
        DataMissing: the data set is not on this machine.

    Source: Veit, Wilber and Belongie 2016, arXiv 1605.06431, section 4.1.
    """
    rows: list[tuple[object, ...]] = []
    for net in operated_predictions(references, data, images):
        whole, wrong = _deleted_in_turn(net)
        for block in deletable_blocks(net.config):
            errors = _rise(whole, wrong.get(block.index - 1))
            keys = (*net.net.keys, block.stage, block.block, block.index)
            rows.append((*keys, *errors, block.reshapes, block.border, block.refused))
    return pd.DataFrame(rows, columns=tables.LESION)


def lesion_classes(references: Sequence[str], *, data: str = "", images: int = IMAGES) -> pd.DataFrame:
    """`lesion` for each class; args and errors as there.

    Returns:
        `tables.LESION_CLASSES`, one row per block that can be deleted and class.
    """
    rows: list[tuple[object, ...]] = []
    for net in operated_predictions(references, data, images):
        shapes = block_shapes(net.config)
        whole, wrong = _deleted_in_turn(net)
        for index, found in wrong.items():
            keys = (*net.net.keys, shapes[index].stage, shapes[index].block, index + 1)
            rows += [(*keys, name, *_rise(whole[of], found[of])[:-1]) for name, of in _classes(net)]
    return pd.DataFrame(rows, columns=tables.LESION_CLASSES)


def random_lesions(
    references: Sequence[str],
    *,
    most: int = MOST_DELETED,
    repeats: int = REPEATS,
    seed: int = 0,
    data: str = "",
    images: int = FEWER_IMAGES,
) -> pd.DataFrame:
    """Delete 1, 2, ... blocks at random, of those that do not change the shape of their input.

    Args and errors as for `lesion`, and:
        most: deleted blocks, or all of these blocks if there are fewer.
        repeats: choices of blocks for each number; more of them include fewer.
        seed: of the choices.

    Returns:
        `tables.RANDOM_LESIONS`, one row per number of deleted blocks, from 0.

    Source: Veit et al. 2016, section 4.2.
    """
    require_between("most", most, 1, 1000)

    def versions(net: OperatedPredictions) -> list[tuple[tuple[int], list[Arrangement]]]:
        counts = range(min(most, len(deletable(net.config))) + 1)
        return [
            ((count,), [_chosen(net, random_deletions(net.config, count, repeat=repeat, seed=seed))
                        for repeat in range(repeats if count else 1)])
            for count in counts
        ]  # fmt: skip

    return _repeated(references, data, images, repeats, versions, tables.RANDOM_LESIONS)


def shuffle(
    references: Sequence[str],
    *,
    distances: Sequence[float] = DISTANCES,
    repeats: int = REPEATS,
    seed: int = 0,
    data: str = "",
    images: int = FEWER_IMAGES,
) -> pd.DataFrame:
    """Exchange blocks within stages, at growing Kendall tau distance from their order.

    Args and errors as for `lesion`, and:
        distances: from 0 to 1, see `analysis.block_choices.random_order`.
        repeats: orders for each distance; more of them include fewer.
        seed: of the orders.

    Returns:
        `tables.SHUFFLES`, one row per distance. Networks too small for some distances have fewer rows.

    Source: Veit et al. 2016, section 4.3.
    """
    require_between("number of distances", len(distances), 1, MOST_VALUES)

    def versions(net: OperatedPredictions) -> list[tuple[tuple[float, float], list[Arrangement]]]:
        found: dict[float, list[Arrangement]] = {}
        for wanted in distances:
            drawn = [random_order(net.config, wanted, repeat=repeat, seed=seed) for repeat in range(repeats)]
            found.setdefault(drawn[0][1], [_chosen(net, operations) for operations, _ in drawn])
        return [((distance, 1 - 2 * distance), orders) for distance, orders in found.items()]

    return _repeated(references, data, images, repeats, versions, tables.SHUFFLES)


def shortcut_strength(
    references: Sequence[str], *, alphas: Sequence[float] = ALPHAS, data: str = "", images: int = IMAGES
) -> pd.DataFrame:
    """Multiply all shortcuts of a trained network by a factor; networks without shortcuts are left out.

    Args and errors as for `lesion`, and:
        alphas: the factors, 0 to 2.

    Returns:
        `tables.SHORTCUT_STRENGTHS`, one row per factor.
    """
    require_between("number of alphas", len(alphas), 1, MOST_VALUES)
    rows: list[tuple[object, ...]] = []
    refused = ""
    for net in operated_predictions(references, data, images):
        if all("shortcut" in each.refused for each in possible(net.config)):
            refused = possible(net.config)[0].refused["shortcut"]
            continue
        factors = [Operation("shortcut", factor=alpha) for alpha in alphas]
        whole, *wrong = net.wrong([intact(net.config), *(_chosen(net, (each,)) for each in factors)])
        for each, found in zip(factors, wrong, strict=True):
            rows.append((*net.net.keys, each.factor, *_rise(whole, found)[:-1]))
    if not rows:
        raise BadSettings(f"None of these networks has shortcuts to weaken: {refused}. Add a residual network.")
    return pd.DataFrame(rows, columns=tables.SHORTCUT_STRENGTHS)


def critical(
    references: Sequence[str], *, weights: Sequence[str] | None = None, data: str = "", images: int = FEWER_IMAGES
) -> pd.DataFrame:
    """Set each block back to its weights at earlier steps of its training, or give it new ones.

    A block's norms are set back with it, with their running statistics.

    Args and errors as for `lesion`, and:
        weights: steps of the training, or seeds of new weights: "0", "1000", "seed1". None takes a seed, step 0 and
            all snapshots before the network's own step; only the seed for networks that are not of a run.

    Returns:
        `tables.CRITICAL`, one row per block and weights.

    Source: Zhang, Bengio and Singer 2022, "Are all layers created equal?", JMLR 23, section 3.
    """
    rows: list[tuple[object, ...]] = []
    for net in operated_predictions(references, data, images):
        chosen = _moments(net) if weights is None else list(dict.fromkeys(weights))
        require_between("number of weights", len(chosen), 1, MOST_VALUES)
        cells = [(index, shape, source) for index, shape in enumerate(block_shapes(net.config)) for source in chosen]
        versions = [
            _chosen(net, (Operation("reinit", (shape.stage, shape.block), weights=source),))
            for _, shape, source in cells
        ]
        whole, *wrong = net.wrong([intact(net.config), *versions])
        for (index, shape, source), found in zip(cells, wrong, strict=True):
            step = int(source) if source.isdecimal() else nan
            keys = (shape.stage, shape.block, index + 1, source, step)
            rows.append((*net.net.keys, *keys, *_rise(whole, found)[:-1]))
    return pd.DataFrame(rows, columns=tables.CRITICAL).astype({"weights_step": float})


def operated(
    references: Sequence[str], operations: Operations, *, data: str = "", images: int = IMAGES
) -> pd.DataFrame:
    """The test error of networks with the same operations, over all images and by class.

    Args and errors as for `lesion`, and:
        operations: see `models.operations`.

    Returns:
        `tables.OPERATED`: for each network one row for all images, with an empty class, then one per class.
    """
    text = operations_text(parsed(operations))
    rows: list[tuple[object, ...]] = []
    for net in operated_predictions(references, data, images):
        whole, wrong = net.wrong([intact(net.config), arrangement(net.config, text)])
        everything = ("", np.ones(len(whole), bool))
        rows += [
            (*net.net.keys, text, name, *_rise(whole[of], wrong[of])[:-1]) for name, of in (everything, *_classes(net))
        ]
    return pd.DataFrame(rows, columns=tables.OPERATED)


def operated_responses(
    reference: str, operations: Operations, *, data: str = "", images: int = 250, statistics: Statistics = "running"
) -> pd.DataFrame:
    """Responses of the layers of an operated network; those of deleted blocks are empty.

    Args and errors as for `operated`.

    Returns:
        `tables.MEASURED_KEYS` and `tables.RESPONSES`, see `analysis.responses.response_std`.
    """
    (net,) = operated_predictions([reference], data, images)
    changed = operated_network(net.net.network, operations, snapshots=net.snapshots)
    pixels, _ = net.sample.whole(net.net.device)
    table = responses.response_std(changed, pixels, statistics=statistics)
    table.loc[table["response_std"].isna(), "response_mean"] = nan
    keys = pd.DataFrame([net.net.keys] * len(table), columns=tables.MEASURED_KEYS)
    return pd.concat([keys, table], axis=1)


Versions = Callable[[OperatedPredictions], Sequence[tuple[tuple[float, ...], list[Arrangement]]]]


def _repeated(
    references: Sequence[str], data: str, images: int, repeats: int, versions: Versions, columns: list[str]
) -> pd.DataFrame:
    """A row for each value that `versions` gives, with mean and quartiles over its arrangements."""
    require_between("repeats", repeats, 1, MOST_REPEATS)
    rows: list[tuple[object, ...]] = []
    for net in operated_predictions(references, data, images):
        chosen = versions(net)
        whole, *wrong = net.wrong([intact(net.config), *(each for _, several in chosen for each in several)])
        errors = iter(found.mean() for found in wrong)
        for value, several in chosen:
            of_value = [float(next(errors)) for _ in several]
            facts = len(several), len(whole), *spread(of_value), float(whole.mean())
            rows.append((*net.net.keys, *value, *facts))
    return pd.DataFrame(rows, columns=columns)


def _deleted_in_turn(net: OperatedPredictions) -> tuple[Wrong, dict[int, Wrong]]:
    """Which images the network misclassifies, and which it does without a block, by the block's index from 0."""
    blocks = [(index, each) for index, each in enumerate(possible(net.config)) if "delete" not in each.refused]
    versions = [_chosen(net, (Operation("delete", (each.stage, each.block)),)) for _, each in blocks]
    whole, *wrong = net.wrong([intact(net.config), *versions])
    return whole, {index: found for (index, _), found in zip(blocks, wrong, strict=True)}


def _chosen(net: OperatedPredictions, operations: Iterable[Operation]) -> Arrangement:
    return arrangement(net.config, tuple(operations))


def _rise(whole: Wrong, wrong: Wrong | None) -> tuple[int, float, float, float, float]:
    """The values of `tables.OPERATED_ERRORS`, and the standard error of the rise."""
    images, before = len(whole), float(whole.mean())
    if wrong is None:
        return images, nan, before, nan, nan
    difference = wrong.astype(float) - whole
    return images, float(wrong.mean()), before, float(difference.mean()), float(difference.std() / sqrt(images))


def _classes(net: OperatedPredictions) -> list[tuple[str, Wrong]]:
    """Names of the classes that there are images of, and which images are."""
    names = enumerate(dataset(net.net.data).classes)
    return [(name, of) for label, name in names if (of := net.labels == label).any()]


def _moments(net: OperatedPredictions) -> list[str]:
    """New weights, and the steps of a run before the network's own."""
    reference = net.net.reference
    if is_untrained(reference):
        return [NEW_WEIGHTS]
    try:
        steps = moments_of(read_run(reference.partition("@")[0]))
    except (ExplorerError, OSError):  # not a run
        steps = []
    own = net.net.step
    return [NEW_WEIGHTS, *(str(step) for step in steps if own is None or step < own)]
