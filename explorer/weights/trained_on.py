"""What third-party weights were trained on, as far as it can be measured: data set, normalisation, error."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import sqrt

from explorer.data.batches import sample_of_test_set
from explorer.data.catalogue import (
    COLOURS,
    DATASETS,
    IMAGENET,
    DatasetRow,
    data_for_classes,
    data_status,
    dataset,
    is_folder,
    known_dataset,
)
from explorer.data.pixels import load_data
from explorer.errors import BadSettings
from explorer.models.config import NetworkConfig
from explorer.models.fused import fused
from explorer.models.network import Network
from explorer.models.size import require_size
from explorer.numerals import listed, percent
from explorer.results import Candidate
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.training.evaluation import error_and_loss
from explorer.training.normalisation_choice import measured_normalisation
from explorer.weights.choices import alternatives

SAMPLE_IMAGES = 500  # test images for the reported error
NEAR_CHANCE = 0.8  # fraction of the chance error above which a warning is given
FAR = 0.05  # that an error may exceed what the file claims, besides three standard errors
MOST_NAMED = 6
SUSPECTS = "the network, the normalisation, the order of classes or the data set"

_ACCURACY = re.compile(r"(?:best|test|val|valid|eval)?[_-]?(?:acc|accuracy|prec|precision|top)[_-]?@?1?", re.IGNORECASE)


def row_of_facts(config: NetworkConfig, known: CheckpointFacts) -> DatasetRow | None:
    """The data set named in the facts, if the one on this machine has the same classes and channels."""
    row = known_dataset(known.data)
    if row is None or (len(row.classes), row.channels) != (config.classes, config.channels):
        return None
    return row if known.classes in ((), row.classes) else None


def dataset_of(config: NetworkConfig, name: str, classes: tuple[str, ...], decisions: list[str]) -> DatasetRow | None:
    """The given data set, or one with as many classes and channels, and with the given class names if any."""
    if name:
        row = dataset(data_for_classes(name, (), config.channels))
        if row.channels == 1 and is_folder(name):
            decisions.append(f"The pictures of {row.source} are converted to grey, for one channel.")
        if (len(row.classes), row.channels) != (config.classes, config.channels):
            raise BadSettings(
                f"`data` (={name!r}) has {len(row.classes)} classes and {row.channels} channels; these weights are for "
                f"{config.classes} classes and {config.channels} channels. Name another data set, or none."
            )
        if classes and row.classes != classes:
            first = next(n for n, (one, other) in enumerate(zip(classes, row.classes, strict=True)) if one != other)
            raise BadSettings(
                f"`classes` are not those of `data` (={name!r}): class {first} is {classes[first]!r} in the one "
                f"and {row.classes[first]!r} in the other. Leave out one of the two, or give names in one order."
            )
        if not row.any_size:
            require_size(config, row.sizes[0])
        return row
    known = [*DATASETS.values(), dataset(IMAGENET)]
    wanted = f"{config.classes} classes and {config.channels} {'channel' if config.channels == 1 else 'channels'}"
    for row in known:
        if classes and row.classes != classes:
            continue
        if (len(row.classes), row.channels) == (config.classes, config.channels) and _takes(config, row):
            decisions.append(f"Assumed to be trained on {row.title}, which has {wanted}. Name another with `data`.")
            return row
    which = " of these names" if classes else ""
    decisions.append(
        f"No data set is known that has {wanted}{which}. Name a folder of pictures with `data` to measure errors."
    )
    return None


def _takes(config: NetworkConfig, row: DatasetRow) -> bool:
    """Whether images of this data set are large enough for the network."""
    with suppress(BadSettings):
        if not row.any_size:
            require_size(config, row.sizes[0])
        return True
    return False


def check_classes(config: NetworkConfig, classes: Sequence[str]) -> None:
    """Raise BadSettings if there are other than one name for each class."""
    if classes and len(classes) != config.classes:
        raise BadSettings(f"`classes` names {len(classes)}; these weights tell {config.classes} apart. Name each one.")


def normalisation_of(network: Network, row: DatasetRow | None, kind: str, decisions: list[str]) -> str:
    """The kind given, else the one measured or usual; reasons are added to `decisions`."""
    if kind:
        return kind
    if row is not None and row.name.partition(":")[0] == IMAGENET:
        decisions.append("Normalisation: imagenet, as is usual for networks trained on ImageNet.")
        return IMAGENET
    if row is None:
        usual = IMAGENET if network.config.channels == COLOURS else "half"
        decisions.append(
            f"Normalisation: {usual}, a guess, since its images are not known and it cannot be measured on them. Name "
            "the kind with `normalisation` if you know it."
        )
        return usual
    if not data_status(row.name).available:
        decisions.append(
            f"Normalisation: channel, a guess, since {row.title} is not on this machine to measure it. Name the kind "
            "with `normalisation` if you know it."
        )
        return "channel"
    if not row.train_images:
        decisions.append(f"Normalisation: {row.normalisation}, as usual for {row.title}, which has no training images.")
        return row.normalisation
    best, reasons = measured_normalisation(fused(network), load_data(row.name))
    decisions.extend(reasons)
    return best


def sample_error(network: Network, row: DatasetRow | None) -> tuple[float | None, int]:
    """Error on test images, and their number."""
    if row is None or not data_status(row.name).available:
        return None, 0
    _, sample = sample_of_test_set(row.name, None, SAMPLE_IMAGES, normalisation=network.normalisation)
    error, _ = error_and_loss(network, sample)
    return error, len(sample)


def at_hand(row: DatasetRow | None) -> bool:
    """Whether there are images of this data set on this machine."""
    return row is not None and data_status(row.name).available


def doubts(
    config: NetworkConfig,
    error: float | None,
    images: int,
    candidates: Sequence[Candidate],
    claims: Mapping[str, float | str],
) -> list[str]:
    """Reasons to doubt that an error on so many test images is that of the network in the file.

    Args:
        candidates: networks that were compared.
        claims: see `weights.contents.WeightsFile`.
    """
    if error is None:
        return []
    found = []
    claimed = _claimed(claims)
    if error > NEAR_CHANCE * (1 - 1 / config.classes):
        found.append(f"An error of {percent(error, 0)} is hardly better than chance: {SUSPECTS} may be wrong.")
    elif claimed is not None and error > claimed[1] + FAR + 3 * sqrt(error * (1 - error) / images):
        found.append(
            f"The file says {claimed[0]}; the error measured here on {images} test images is {percent(error)}: "
            f"{SUSPECTS} may be another."
        )
    if not found:
        return []
    measured = {each.network for each in candidates}
    rest = [other.name for other, _ in alternatives(config) if other.name not in measured]
    if rest:
        found.append(
            f"The same weights are those of {listed(rest, MOST_NAMED)} too, which were not measured: name "
            "one with `network`."
        )
    elif measured:
        found.append(f"All {len(measured)} networks that are known to have the same weights were measured.")
    return found


def _claimed(claims: Mapping[str, float | str]) -> tuple[str, float] | None:
    """What a file says of its accuracy, as "acc = 93.2", and the error that this means."""
    for place, value in claims.items():
        if isinstance(value, float | int) and 0 < value <= 100 and _ACCURACY.fullmatch(place.rpartition(".")[2]):
            return f"{place} = {value:.4g}", 1 - (value / 100 if value > 1 else value)
    return None
