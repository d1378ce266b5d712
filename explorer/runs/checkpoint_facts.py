"""Metadata of checkpoints (their JSON files) and their locations, without importing torch."""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from explorer.data.catalogue import DATASETS, IMAGENET, data_for_classes, dataset
from explorer.data.unknown import unknown_data
from explorer.errors import BadSettings, ExplorerError, RunError, StorageError, quoted, reason_in
from explorer.files import home, inside, read_file, read_json, write_text_atomically
from explorer.models.config import NetworkConfig
from explorer.models.names import IMAGENET_CLASSES, is_network_name
from explorer.runs import store
from explorer.runs.facts import MOST_STEPS, Digest, Line, known_normalisation, valid_recipe
from explorer.runs.store import Run, checkpoint_folder, read_run, run_folder
from explorer.seals import sealed_text, unsealed
from explorer.settings import Settings

DEFAULT_DATA = "digits"  # built in

MOST_BYTES = 2**33  # of a weights file
_SNAPSHOT = re.compile(r"step-([0-9]{7,10})\.pt")
_STEP = re.compile(r"[0-9]{1,10}")
Error = Annotated[float | None, Field(ge=0, le=1)]


class CheckpointFacts(Settings):
    """Metadata of a checkpoint, the content of its JSON file.

    Attributes:
        normalisation: a kind, see `data.normalisations`.
        train_error: fraction wrong on the fixed training sample; test_error: on the whole test set.
        sample_error: fraction wrong on `sample_images` test images, measured at the import.
        source: description of its origin.
        sha256: of the weights file.
    """

    schema_version: int = Field(default=1, ge=1, le=1)
    network: NetworkConfig
    normalisation: Annotated[str, AfterValidator(known_normalisation)] = "channel"
    classes: Annotated[tuple[Annotated[Line, Field(max_length=300)], ...], Field(max_length=100_000)] = ()
    data: Line = Field(default="", max_length=4096)
    recipe: Annotated[dict[str, Any], AfterValidator(valid_recipe)] = Field(default_factory=dict)
    seed: int | None = Field(default=None, ge=0)
    step: int | None = Field(default=None, ge=0, le=MOST_STEPS)
    train_error: Error = None
    test_error: Error = None
    sample_error: Error = None
    sample_images: int = Field(default=0, ge=0, le=10**9)
    source: Line = Field(default="", max_length=20_000)
    sha256: Digest = ""

    @model_validator(mode="after")
    def _one_name_per_class(self) -> Self:
        if self.classes and len(self.classes) != self.network.classes:
            raise ValueError(
                f"`classes` has {len(self.classes)} names; the network has {self.network.classes} classes."
            )
        return self


def write_checkpoint_facts(path: Path, facts: CheckpointFacts) -> None:
    """Write the facts with their checksum to the JSON file of the weights file `path`.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """
    write_text_atomically(path.with_suffix(".json"), sealed_text(facts))


def checkpoint_facts(id_or_path: str | Path) -> CheckpointFacts:
    """The facts of the checkpoint that `load_checkpoint` loads by the same name; those of a snapshot have no hash.

    Raises:
        RunError: there is no such run or checkpoint.
        StorageError: a file is missing or damaged.
    """
    path = checkpoint_file(id_or_path)
    if path is not None:
        return _read_facts(path)
    run_id, step = run_and_step(str(id_or_path))
    run = read_run(run_id)
    facts = run.facts
    if facts is None:
        raise RunError(f"{run_id} is damaged: {run.damage}")
    return CheckpointFacts(
        network=facts.network,
        normalisation=str(facts.recipe.get("normalisation", "channel")),
        data=facts.data,
        recipe=facts.recipe,
        seed=facts.seed,
        step=max(snapshot_steps(run.path), default=None) if step is None else step,
        source=f"a snapshot of the run {run_id}",
    )


def run_and_step(reference: str) -> tuple[str, int | None]:
    """The id and the step in "RUN@STEP"; the step is None if not given.

    Raises:
        RunError: the step is not a whole number.
    """
    run_id, at, step = reference.partition("@")
    if at and not _STEP.fullmatch(step):
        raise RunError(f"{quoted(reference)}: a step is a whole number, as in {run_id}@100.")
    return run_id, int(step) if at else None


def facts_and_data(references: Sequence[str], data: str = "") -> dict[str, tuple[CheckpointFacts | None, str]]:
    """The facts and the data set of each of several networks.

    Args:
        references: as for `load_checkpoint`, or names such as "resnet56" for untrained networks, which have no facts.
        data: name of the data set for all; empty takes that of each network's training, or for untrained networks
            `data_of_untrained`. Folders are renamed to match the network's classes, see
            `data.catalogue.data_for_classes`.

    Raises:
        BadSettings: no network is given.
        RunError, StorageError: one cannot be found or read.
        BadSettings, DataMissing: of a folder, see `data.catalogue.data_for_classes`.
    """
    if not references:
        raise BadSettings("Name at least one network: a run, a checkpoint, or a name such as resnet20.")
    if isinstance(references, str):
        raise BadSettings(f"`references` (={references!r}) is one text; expected a list. Write [{references!r}].")
    given: Sequence[object] = references
    if others := [each for each in given if not isinstance(each, str)]:
        raise BadSettings(
            f"This study takes names, such as a run's, and got a {type(others[0]).__name__}. For a network of your own "
            "call explorer.response_std, gradient_profile, residual_ledger, attribute or evaluate; or import its "
            "weights with explorer.import_checkpoint, and give the name of the checkpoint."
        )
    facts = {each: None if is_untrained(each) else checkpoint_facts(each) for each in references}
    default = _default_data(filter(None, facts.values()), data)
    return {
        each: (
            known,
            _data_for(known, data or training_data(known) or default) if known else default,
        )
        for each, known in facts.items()
    }


def data_of_untrained(references: Iterable[str], data: str = "") -> str:
    """The data set for untrained networks that are compared with others.

    It is `data`, under the name that has the first trained network's classes; if empty, the data set of the first
    trained network whose data set is known on this machine, else the built-in one. Networks that cannot be read are
    ignored.

    Args:
        references, data: as for `facts_and_data`.
    """
    facts = []
    for each in references:
        with suppress(ExplorerError, OSError):
            if not is_untrained(each):
                facts.append(checkpoint_facts(each))
    return _default_data(facts, data)


def _default_data(facts: Iterable[CheckpointFacts], data: str) -> str:
    named = [(name, known) for known in facts if (name := data or training_data(known))]
    for name, known in named:
        with suppress(ExplorerError):
            return dataset(_data_for(known, name)).name
    return named[0][0] if named else data or DEFAULT_DATA


def _data_for(facts: CheckpointFacts, name: str) -> str:
    """The name of a data set under which a network takes it."""
    return data_for_classes(name, _class_names(facts), facts.network.channels)


def training_data(facts: CheckpointFacts) -> str:
    """The data set that a network was trained on; if that is not known, one of its classes alone, without images."""
    return _named_data(facts) or unknown_data(facts.network.channels, facts.network.classes, facts.classes)


def _named_data(facts: CheckpointFacts) -> str:
    return facts.data or (IMAGENET if facts.network.classes == IMAGENET_CLASSES else "")


def _class_names(facts: CheckpointFacts) -> tuple[str, ...]:
    """The names of the classes; empty if unknown."""
    data = _named_data(facts)
    return facts.classes or (dataset(data).classes if data else ())


def is_untrained(reference: str) -> bool:
    """Whether a reference is the name of a network, not of a checkpoint with a similar name."""
    return is_network_name(reference) and "@" not in reference and checkpoint_file(reference) is None


def snapshot_steps(folder: Path) -> list[int]:
    """The steps of the snapshots in a run's `folder`, ascending."""
    place = folder / "snapshots"
    steps = []
    with suppress(OSError):  # missing, or not a folder
        if not place.is_symlink():
            with os.scandir(place) as entries:
                for entry in entries:
                    match = _SNAPSHOT.fullmatch(entry.name)
                    if match and entry.is_file(follow_symlinks=False) and entry.name == f"step-{int(match[1]):07d}.pt":
                        steps.append(int(match[1]))
    return sorted(steps)


def moments(run: Run) -> list[int]:
    """The steps at which the weights of a run are available, ascending: 0, the snapshots, the last.

    Empty for damaged runs and for shipped runs without weights.
    """
    steps = snapshot_steps(run.path)
    if (run.path / "checkpoint.safetensors").exists():
        steps.append(run.progress.step)
    return sorted({0, *steps}) if steps and run.facts is not None else []


def kept_checkpoints() -> dict[str, CheckpointFacts]:
    """The facts of all readable checkpoints in `checkpoint_folder()`, by name."""
    facts = {}
    with suppress(OSError):  # missing, or not a folder
        for path in sorted(checkpoint_folder().glob("*.safetensors")):
            with suppress(ExplorerError, OSError):
                inside(checkpoint_folder(), path.name)
                if checkpoint_file(path.stem) == path and path.is_file():
                    facts[path.stem] = _read_facts(path)
    return facts


def checkpoint_file(id_or_path: str | Path) -> Path | None:
    """The weights file of a path, a finished run, or the name of a checkpoint in `checkpoint_folder()`, else None.

    Raises:
        RunError: neither a path nor an id.
    """
    name = str(id_or_path)
    if name.endswith(".safetensors"):
        return Path(name)
    if "@" in name:
        return None
    places = (run_folder(name) / "checkpoint.safetensors", checkpoint_folder() / f"{name}.safetensors")
    return next((place for place in places if place.exists()), None)


def lacks_test_error(reference: str, *, data: str, images: int, crops: int) -> bool:
    """Whether an evaluation measures a test error that the facts of a checkpoint lack, such as of an imported one.

    True only for checkpoints in `checkpoint_folder()` that were trained on the evaluation's data set, if the evaluation
    covers all test images with one crop. Folders of pictures are excluded, since their content can change.
    """
    if is_untrained(reference) or crops != 1 or data not in DATASETS or images != dataset(data).test_images:
        return False
    path = checkpoint_file(reference)
    if path is None or path.parent != checkpoint_folder():
        return False
    facts = _read_facts(path)
    return facts.test_error is None and facts.data == data


def record_test_error(checkpoint_id: str, error: float) -> None:
    """Add the test error to the facts of a checkpoint that `lacks_test_error`.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """
    path = checkpoint_folder() / f"{checkpoint_id}.safetensors"
    write_checkpoint_facts(path, _read_facts(path).model_copy(update={"test_error": error}))


def read_checkpoint(path: Path) -> tuple[CheckpointFacts, bytes]:
    """The facts and the content of the weights file of a checkpoint, verified by its checksum.

    Raises:
        StorageError: a file is missing or damaged.
    """
    facts = _read_facts(path)
    content = read_weights(path)
    if hashlib.sha256(content).hexdigest() != facts.sha256:
        raise StorageError(f"{path} is damaged: its sha256 is not the one in {path.stem}.json. Copy both again.")
    return facts, content


def read_weights(path: Path) -> bytes:
    """The content of a weights file, not verified.

    Raises:
        StorageError: it is missing or cannot be read.
    """
    try:
        return read_file(resolved_path(path), MOST_BYTES)
    except FileNotFoundError:
        raise _missing(path) from None


def read_facts_file(path: Path) -> CheckpointFacts:
    """The facts in a JSON file.

    Raises:
        FileNotFoundError: there is no such file.
        StorageError: its content is not valid.
    """
    values = read_json(resolved_path(path))
    try:
        return CheckpointFacts(**unsealed(values))
    except Exception as error:  # noqa: BLE001 any error makes only this checkpoint unreadable
        raise StorageError(
            f"{path} has no valid facts: {reason_in(error)}. Copy both files of the checkpoint again."
        ) from None


def resolved_path(path: Path) -> Path:
    """The path of a checkpoint's file; links are resolved outside the folders of this program only."""
    ours = path.is_relative_to(home()) or path.is_relative_to(store.SHIPPED)
    with suppress(ValueError):  # a NUL, which is reported when reading
        return path if ours else Path(os.path.realpath(path))
    return path


def _read_facts(path: Path) -> CheckpointFacts:
    file = path.with_suffix(".json")
    try:
        return read_facts_file(file)
    except FileNotFoundError:
        raise _missing(file) from None


def _missing(path: Path) -> StorageError:
    return StorageError(f"There is no file {path}. A checkpoint is a .safetensors file with a .json of the same name.")
