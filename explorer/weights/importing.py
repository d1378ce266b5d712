"""Import third-party weights as checkpoints: read safely, infer the architecture, measure the error."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from torch import Tensor

from explorer import progress
from explorer.data.catalogue import DatasetRow, dataset
from explorer.data.normalisations import normalisation_row
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, RunError, StorageError, quoted
from explorer.files import storage_errors
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.names import settings_of
from explorer.models.network import Network, build
from explorer.models.size import parameter_count
from explorer.results import Candidate, Imported
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_file, read_facts_file
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.store import checkpoint_folder, run_folder
from explorer.seals import sha256_of
from explorer.weights.candidates import measured_network
from explorer.weights.choices import assumptions, remarks
from explorer.weights.chosen_set import chosen_set
from explorer.weights.config import config_of_parts, end_of
from explorer.weights.layers import parts_of
from explorer.weights.matching import load_foreign_state, require_fit
from explorer.weights.reading import read_weights_file
from explorer.weights.recognised import recognised
from explorer.weights.rewriting import rewritten
from explorer.weights.stated import stated_normalisation
from explorer.weights.trained_on import (
    at_hand,
    check_classes,
    dataset_of,
    doubts,
    normalisation_of,
    row_of_facts,
    sample_error,
)

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
    head: str = "",
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
            training images, "imagenet" for ImageNet's classes, and "channel" where the data set is not on this machine;
            where none is known, "imagenet" for images in colour, else "half".
        classes: names in order of class; empty takes the data set's.
        head: if there are several heads, the name of the last layer of the one to take, such as "fc"; empty takes the
            only one with as many outputs as there are classes.
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
    with progress.part(0, 4):
        file = read_weights_file(path)
    decisions: list[str] = []
    digest = sha256_of(path)
    known = _known(path, digest, decisions)
    plain = partial(_rewritten, network=network, data=data, classes=classes, head=head)
    chosen = chosen_set(file, lambda state: _config(plain(state)[0], network, known), weights)
    state, said = plain(chosen.state)
    decisions += [*chosen.decisions, *said]
    config = chosen.config
    check_classes(config, classes or (known.classes if known else ()))
    if known and data in ("", known.data) and tuple(classes) in ((), known.classes):
        row, data, classes = row_of_facts(config, known), known.data, known.classes
        normalisation = normalisation or known.normalisation
        normalisation_row(normalisation)
    else:
        row = dataset_of(config, data, tuple(classes), decisions)
        data, classes = (row.name, classes or row.classes) if row else ("", classes)
        if not normalisation and file.mean:
            own = load_data(row.name) if row and at_hand(row) else None
            normalisation, said = stated_normalisation(file, config.channels, own)
            decisions += said
    candidates: tuple[Candidate, ...] = ()
    if not known and not network:
        with progress.part(1, 4):
            config, candidates = _measured(config, state, row, normalisation, decisions)
    built = _built(config, state)
    with progress.part(2, 4):
        built.normalisation = normalisation_of(built, row, normalisation, decisions)
    with progress.part(3, 4):
        error, images = sample_error(built, row)
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
        warnings=tuple(doubts(built.config, error, images, candidates, file.claims)),
        candidates=candidates,
        weights=chosen.place,
        other_weights=chosen.others,
    )


def _measured(
    config: NetworkConfig,
    state: Mapping[str, Tensor],
    row: DatasetRow | None,
    normalisation: str,
    decisions: list[str],
) -> tuple[NetworkConfig, tuple[Candidate, ...]]:
    """The network that fits images best, and those compared; where there are no images, the one assumed."""
    decisions.append(f"The shapes of its weights are those of {config.name}.")
    if row is None or not at_hand(row):
        decisions += [*assumptions(config), *remarks(config)]
        return config, ()
    measured = measured_network(config, state, load_data(row.name), normalisation)
    decisions += [*measured.decisions, *remarks(measured.config)]
    return measured.config, measured.candidates


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


def _rewritten(
    state: Mapping[str, Tensor], *, network: str, data: str, classes: Sequence[str], head: str
) -> tuple[dict[str, Tensor], list[str]]:
    """The weights in plain layers, and what was done, see `weights.rewriting`."""
    count = len(classes) or (len(dataset(data).classes) if data else 0)
    named = network_config(network) if network else None
    return rewritten(
        state,
        head=head,
        classes=count,
        linear=named is not None and not named.head,
        group_norm=named is not None and named.norm != "batch",
    )


def _config(state: Mapping[str, Tensor], name: str, known: CheckpointFacts | None) -> NetworkConfig:
    """The network that weights fit.

    Raises:
        BadSettings: they fit none, or not the given one.
    """
    if known and not name:
        config = known.network
    elif name:
        parts = parts_of(state)
        sizes = end_of(parts) | {"channels": parts.convolutions[0].shape[1]}
        config = NetworkConfig(**(network_config(name).model_dump() | sizes))
    else:
        return _recognised_config(state)
    require_fit(config, state)  # a small file with odd shapes may describe a network of any size
    return config


def _built(config: NetworkConfig, state: Mapping[str, Tensor]) -> Network:
    """The network with these weights, in evaluation mode."""
    built = build(config)
    load_foreign_state(built, state)
    return built.eval()


def _recognised_config(state: Mapping[str, Tensor]) -> NetworkConfig:
    """The network of these shapes; the error about others says what was recognised."""
    parts = parts_of(state)
    try:
        config = config_of_parts(parts)
        require_fit(config, state)
    except BadSettings as error:
        raise BadSettings(f"{error} {recognised(parts)}") from None
    return config
