"""Import third-party weights as checkpoints: read safely, infer the architecture, measure the error."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from explorer import progress
from explorer.data.batches import sample_of_test_set
from explorer.data.catalogue import DATASETS, IMAGENET, DatasetRow, data_status, dataset, known_dataset
from explorer.data.normalisations import normalisation_row
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, RunError, StorageError, quoted
from explorer.files import storage_errors
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.names import settings_of
from explorer.models.network import Network, build
from explorer.models.size import parameter_count
from explorer.numerals import percent
from explorer.results import Imported
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_file, read_facts_file
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.store import checkpoint_folder, run_folder
from explorer.seals import sha256_of
from explorer.training.evaluation import error_and_loss
from explorer.training.normalisation_choice import measured_normalisation
from explorer.weights.choices import assumptions
from explorer.weights.chosen_set import chosen_set
from explorer.weights.config import config_of_parts
from explorer.weights.layers import parts_of
from explorer.weights.matching import load_foreign_state, require_fit
from explorer.weights.reading import read_weights_file
from explorer.weights.stated import stated_normalisation

SAMPLE_IMAGES = 500  # test images for the reported error
NEAR_CHANCE = 0.8  # fraction of the chance error above which a warning is given
SUSPECTS = "the network, the normalisation, the order of classes or the data set"
ENDING = ".safetensors"  # a reference that ends so is a path
_ENDINGS = re.compile(r"(?:[-._]|\.(?:safetensors|pth|pt|th|ckpt))+$", re.IGNORECASE)


def import_checkpoint(
    path: str | Path,
    *,
    name: str = "",
    network: str = "",
    data: str = "",
    normalisation: str = "",
    classes: Sequence[str] = (),
    source: str = "",
    weights: str | None = None,
    overwrite: bool = False,
) -> Imported:
    """Read a third-party weights file and save it as a checkpoint.

    If a .json file of the same name has the file's sha256, as for exported checkpoints, arguments that are not given
    are taken from it.

    Args:
        path: see `weights.reading.read_weights_file`.
        name: of the checkpoint: letters, digits, dots, underscores and hyphens; empty takes the file's.
        network: name of the network, if the weights fit several, see `weights.choices.alternatives`; empty infers it
            from tensor shapes.
        data: name of the data set it was trained on; empty infers it from the numbers of classes and channels.
        normalisation: a kind, see `data.normalisations`; empty chooses the one with the lowest loss on up to 1,000
            training images, "imagenet" for ImageNet's classes, and "channel" where the data set is not on this machine.
        classes: names in order of class; empty takes the data set's.
        source: description of the origin; empty takes the file's name. The sha256 is added.
        weights: which of several sets of weights in the file, such as "model_ema"; None chooses, see
            `weights.chosen_set.chosen_set`. "" is the file itself.
        overwrite: replace a checkpoint of the same name.

    Raises:
        StorageError: the file cannot be read or is rejected, or the checkpoint cannot be written.
        BadSettings: the weights are of no network that can be built here, do not fit the given network or another
            argument; or the name is taken.
        UnknownName: there is no such network, data set or normalisation.
    """
    path = Path(path).expanduser()
    checkpoint_id = _checkpoint_name(name, path.stem, overwrite=overwrite)
    if normalisation:
        normalisation_row(normalisation)
    with progress.part(0, 3):
        file = read_weights_file(path)
    decisions: list[str] = []
    digest = sha256_of(path)
    known = _known(path, digest, decisions)
    chosen = chosen_set(file, lambda state: _config(state, network, known), weights)
    decisions += chosen.decisions
    if not known and not network:
        decisions += [f"The shapes of its weights are those of {chosen.config.name}.", *assumptions(chosen.config)]
    built = build(chosen.config)
    load_foreign_state(built, chosen.state)
    built.eval()
    _check_classes(built.config, classes or (known.classes if known else ()))
    if known and data in ("", known.data) and tuple(classes) in ((), known.classes):
        row, data, classes = _row_of(built.config, known), known.data, known.classes
        normalisation = normalisation or known.normalisation
        normalisation_row(normalisation)
    else:
        row = _dataset(built.config, data, tuple(classes), decisions)
        data, classes = (row.name, classes or row.classes) if row else ("", classes)
        if not normalisation and file.mean:
            at_hand = load_data(row.name) if row and data_status(row.name).available else None
            normalisation, said = stated_normalisation(file, built.config.channels, at_hand)
            decisions += said
    with progress.part(1, 3):
        built.normalisation = _normalisation(built, row, normalisation, decisions)
    with progress.part(2, 3):
        error, images = _sample_error(built, row)
    if error is None:
        decisions.append("Its error was not measured: there are no test images for it on this machine.")
    facts = CheckpointFacts(
        network=built.config,
        normalisation=built.normalisation,
        classes=tuple(classes),
        data=data,
        source=f"{source or f'imported from {path.name}'}; sha256 of the file {digest}",
    )
    if known and _same_task(known, facts):
        facts = known.model_copy(update={"source": facts.source if source or not known.source else known.source})
    if facts.test_error is None and error is not None:
        facts = facts.model_copy(update={"sample_error": error, "sample_images": images})
    target = checkpoint_folder() / f"{checkpoint_id}.safetensors"
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(built, target, facts)
    return Imported(
        id=checkpoint_id,
        path=target,
        network=built.config.name,
        depth=built.config.depth,
        classes=built.config.classes,
        parameters=parameter_count(built.config),
        data=facts.data,
        normalisation=facts.normalisation,
        sample_error=error,
        sample_images=images,
        decisions=tuple(decisions),
        warnings=tuple(_warnings(built.config, error)),
        weights=chosen.place,
        other_weights=chosen.others,
    )


def _checkpoint_name(given: str, stem: str, *, overwrite: bool) -> str:
    """The id of a new checkpoint, different from those of runs, networks and other checkpoints.

    Args:
        given: by the user; empty derives one from `stem`.
        stem: the file's name without its last suffix.
        overwrite: whether another checkpoint may have it.

    Raises:
        BadSettings: the name is invalid or taken; the message says what to do.
    """
    found = given or _from_file(stem)
    if found.endswith(ENDING):
        raise BadSettings(f"`name` (={quoted(found)}) ends as a path does. Leave out {ENDING}.")
    taken = _taken(found)
    if taken and given:
        raise BadSettings(f"`name` (={quoted(found)}) is that of a {taken}. Choose another, such as my-{found}.")
    if taken:
        found = f"{found}-imported"
    if checkpoint_file(found) is not None and not overwrite:
        raise BadSettings(
            f"There is a checkpoint called {found!r} already. Choose another `name`, or say `overwrite` to replace it."
        )
    return found


def _taken(name: str) -> str:
    """What else has this name, "network" or "run"; empty if nothing has."""
    try:
        folder = run_folder(name)
    except RunError:
        raise BadSettings(
            f"`name` (={quoted(name)}) cannot be that of a checkpoint. Take letters, digits, dots, underscores and "
            "hyphens, at most 121, a letter or a digit first."
        ) from None
    if settings_of(name) is not None:
        return "network"
    return "run" if name.startswith("shipped-") or folder.exists() else ""


def _from_file(stem: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", stem)[:100].lstrip("-._").removeprefix("shipped-")
    return _ENDINGS.sub("", plain).lstrip("-._") or "imported"


def facts_beside(path: Path) -> CheckpointFacts | None:
    """The facts in the .json file of the same name; None without a valid one.

    They describe these weights only if their `sha256` is `sha256_of(path)`.
    """
    try:
        return read_facts_file(path.with_suffix(".json"))
    except (FileNotFoundError, StorageError):
        return None


def _known(path: Path, digest: str, decisions: list[str]) -> CheckpointFacts | None:
    """Facts from the .json file of the same name, if they describe these weights."""
    known = facts_beside(path)
    if known is None:
        return None
    facts_file = path.with_suffix(".json").name
    if known.sha256 != digest:
        decisions.append(f"{facts_file} is not used: the sha256 in it is that of other weights.")
        return None
    decisions.append(f"Settings that are not given are taken from {facts_file}, which was exported with these weights.")
    return known


def _same_task(known: CheckpointFacts, facts: CheckpointFacts) -> bool:
    """Whether errors measured for one apply to the other."""
    return all(getattr(known, each) == getattr(facts, each) for each in ("network", "normalisation", "classes", "data"))


def _config(state: Mapping[str, Tensor], name: str, known: CheckpointFacts | None) -> NetworkConfig:
    """The network that weights fit.

    Raises:
        BadSettings: they fit none, or not the given one.
    """
    if known and not name:
        config = known.network
    elif name:
        parts = parts_of(state)
        sizes = {"classes": parts.classifier.width, "channels": parts.convolutions[0].shape[1]}
        config = NetworkConfig(**(network_config(name).model_dump() | sizes))
    else:
        config = config_of_parts(parts_of(state))
    require_fit(config, state)  # a small file with odd shapes may describe a network of any size
    return config


def _row_of(config: NetworkConfig, known: CheckpointFacts) -> DatasetRow | None:
    """The data set named in the facts, if the one on this machine has the same classes and channels."""
    row = known_dataset(known.data)
    if row is None or (len(row.classes), row.channels) != (config.classes, config.channels):
        return None
    return row if known.classes in ((), row.classes) else None


def _dataset(config: NetworkConfig, name: str, classes: tuple[str, ...], decisions: list[str]) -> DatasetRow | None:
    """The given data set, or one with as many classes and channels, and with the given class names if any."""
    if name:
        row = dataset(name)
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
        return row
    known = [*DATASETS.values(), dataset(IMAGENET)]
    wanted = f"{config.classes} classes and {config.channels} {'channel' if config.channels == 1 else 'channels'}"
    for row in known:
        if classes and row.classes != classes:
            continue
        if (len(row.classes), row.channels) == (config.classes, config.channels):
            decisions.append(f"Assumed to be trained on {row.title}, which has {wanted}. Name another with `data`.")
            return row
    which = " of these names" if classes else ""
    decisions.append(
        f"No data set is known that has {wanted}{which}. Name a folder of pictures with `data` to measure errors."
    )
    return None


def _check_classes(config: NetworkConfig, classes: Sequence[str]) -> None:
    if classes and len(classes) != config.classes:
        raise BadSettings(f"`classes` names {len(classes)}; these weights tell {config.classes} apart. Name each one.")


def _normalisation(network: Network, row: DatasetRow | None, kind: str, decisions: list[str]) -> str:
    if kind:
        return kind
    if row is not None and row.name.partition(":")[0] == IMAGENET:
        decisions.append("Normalisation: imagenet, as is usual for networks trained on ImageNet.")
        return IMAGENET
    if row is None or not data_status(row.name).available:
        title = row.title if row else "its data set"
        decisions.append(
            f"Normalisation: channel, a guess, since {title} is not on this machine to measure it. Name the kind with "
            "`normalisation` if you know it."
        )
        return "channel"
    if not row.train_images:
        decisions.append(f"Normalisation: {row.normalisation}, as usual for {row.title}, which has no training images.")
        return row.normalisation
    best, reasons = measured_normalisation(network, load_data(row.name))
    decisions.extend(reasons)
    return best


def _sample_error(network: Network, row: DatasetRow | None) -> tuple[float | None, int]:
    """Error on test images, and their number."""
    if row is None or not data_status(row.name).available:
        return None, 0
    _, sample = sample_of_test_set(row.name, None, SAMPLE_IMAGES, normalisation=network.normalisation)
    error, _ = error_and_loss(network, sample)
    return error, len(sample)


def _warnings(config: NetworkConfig, error: float | None) -> list[str]:
    if error is not None and error > NEAR_CHANCE * (1 - 1 / config.classes):
        return [f"An error of {percent(error, 0)} is hardly better than chance: {SUSPECTS} may be wrong."]
    return []
