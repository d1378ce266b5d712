"""What is known of checkpoints, and where they are: their JSON files, read without importing torch."""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from explorer.data.catalogue import DATASETS, IMAGENET, dataset, labelled_as
from explorer.errors import BadSettings, ExplorerError, RunError, StorageError, quoted, reason_in
from explorer.files import home, inside, read_file, read_json, write_text_atomically
from explorer.models.config import NetworkConfig
from explorer.models.names import IMAGENET_CLASSES, is_network_name
from explorer.runs import store
from explorer.runs.facts import MOST_STEPS, Digest, Line, known_normalisation, sound_recipe
from explorer.runs.store import Run, checkpoint_folder, read_run, run_folder
from explorer.seals import sealed_text, unsealed
from explorer.settings import Settings

DEFAULT_DATA = "digits"  # where nothing says another: it comes with the program

MOST_BYTES = 2**33  # of a weights file
_SNAPSHOT = re.compile(r"step-([0-9]{7,10})\.pt")
_STEP = re.compile(r"[0-9]{1,10}")
Error = Annotated[float | None, Field(ge=0, le=1)]


class CheckpointFacts(Settings):
    """What is known of a checkpoint; the JSON file beside the weights.

    Attributes:
        normalisation: a kind, see `data.normalisations`, as its images were normalised.
        train_error: fraction wrong on the fixed training sample, test_error: on the whole test set.
        source: where it comes from, in words.
        sha256: of the weights file.
    """

    schema_version: int = Field(default=1, ge=1, le=1)
    network: NetworkConfig
    normalisation: Annotated[str, AfterValidator(known_normalisation)] = "channel"
    classes: Annotated[tuple[Annotated[Line, Field(max_length=300)], ...], Field(max_length=100_000)] = ()
    data: Line = Field(default="", max_length=4096)
    recipe: Annotated[dict[str, Any], AfterValidator(sound_recipe)] = Field(default_factory=dict)
    seed: int | None = Field(default=None, ge=0)
    step: int | None = Field(default=None, ge=0, le=MOST_STEPS)
    train_error: Error = None
    test_error: Error = None
    source: Line = Field(default="", max_length=20_000)
    sha256: Digest = ""

    @model_validator(mode="after")
    def _a_name_for_each_class(self) -> Self:
        if self.classes and len(self.classes) != self.network.classes:
            raise ValueError(f"`classes` names {len(self.classes)}; the network tells {self.network.classes} apart.")
        return self


def write_checkpoint_facts(path: Path, facts: CheckpointFacts) -> None:
    """Put the facts with their checksum beside the weights file `path`.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """
    write_text_atomically(path.with_suffix(".json"), sealed_text(facts))


def checkpoint_facts(id_or_path: str | Path) -> CheckpointFacts:
    """What is known of the checkpoint that `load_checkpoint` loads by the same name; a snapshot's has no hash.

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
    """The id and the step that "RUN@STEP" names; None where no step is named.

    Raises:
        RunError: the step is not a whole number.
    """
    run_id, at, step = reference.partition("@")
    if at and not _STEP.fullmatch(step):
        raise RunError(f"{quoted(reference)}: a step is a whole number, as in {run_id}@100.")
    return run_id, int(step) if at else None


def facts_and_data(references: Sequence[str], data: str = "") -> dict[str, tuple[CheckpointFacts | None, str]]:
    """What is known of networks, and the data set whose images each is shown.

    Args:
        references: as for `load_checkpoint`, or names such as "resnet56" for untrained networks, of which nothing is
            known.
        data: name of the data set for all; empty takes the one that each network was trained on, for others see
            `data_of_untrained`. A folder is given the name under which its labels are those of the network, see
            `data.catalogue.labelled_as`.

    Raises:
        BadSettings: no network was named.
        RunError, StorageError: one cannot be found or read.
        BadSettings, DataMissing: of a folder, see `data.catalogue.labelled_as`.
    """
    if not references:
        raise BadSettings("Name at least one network: a run, a checkpoint, or a name such as resnet20.")
    facts = {each: None if is_untrained(each) else checkpoint_facts(each) for each in references}
    of_others = _data_of_others(filter(None, facts.values()), data)
    return {
        each: (found, labelled_as(data or own_data(found) or of_others, _class_names(found)) if found else of_others)
        for each, found in facts.items()
    }


def data_of_untrained(references: Iterable[str], data: str = "") -> str:
    """The data set whose images untrained networks are shown beside these: for pages, shell and notebooks alike.

    That of the first trained one whose data set is known here, under the name that has its labels; else `data`, else
    the one that comes with the program. Networks that cannot be read are passed over.

    Args:
        references, data: as for `facts_and_data`.
    """
    facts = []
    for each in references:
        with suppress(ExplorerError, OSError):
            if not is_untrained(each):
                facts.append(checkpoint_facts(each))
    return _data_of_others(facts, data)


def _data_of_others(facts: Iterable[CheckpointFacts], data: str) -> str:
    named = [(name, found) for found in facts if (name := data or own_data(found))]
    for name, found in named:
        with suppress(ExplorerError):
            return dataset(labelled_as(name, _class_names(found))).name
    return named[0][0] if named else data or DEFAULT_DATA


def own_data(found: CheckpointFacts) -> str:
    """What it was trained on; empty where that is not known."""
    return found.data or (IMAGENET if found.network.classes == IMAGENET_CLASSES else "")


def _class_names(found: CheckpointFacts) -> tuple[str, ...]:
    """Empty where they are not known."""
    data = own_data(found)
    return found.classes or (dataset(data).classes if data else ())


def is_untrained(reference: str) -> bool:
    """Whether a reference is meant as the name of a network, not of a checkpoint that happens to begin like one."""
    return is_network_name(reference) and "@" not in reference and checkpoint_file(reference) is None


def snapshot_steps(folder: Path) -> list[int]:
    """The steps at which a run's weights were kept in its `folder`, ascending."""
    place = folder / "snapshots"
    found = []
    with suppress(OSError):  # there is none, or a file in its place
        if not place.is_symlink():
            for entry in os.scandir(place):
                match = _SNAPSHOT.fullmatch(entry.name)
                if match and entry.is_file(follow_symlinks=False) and entry.name == f"step-{int(match[1]):07d}.pt":
                    found.append(int(match[1]))
    return sorted(found)


def moments(run: Run) -> list[int]:
    """The steps at which the weights of a run can be had, ascending: the first, the snapshots, the last.

    None of a damaged run, nor of one that ships its history only.
    """
    steps = snapshot_steps(run.path)
    if (run.path / "checkpoint.safetensors").exists():
        steps.append(run.progress.step)
    return sorted({0, *steps}) if steps and run.facts is not None else []


def kept_checkpoints() -> dict[str, CheckpointFacts]:
    """What is known of the checkpoints beside the runs, by name; what cannot be read or named is left out."""
    found = {}
    with suppress(OSError):  # there are none, or a file in place of their folder
        for path in sorted(checkpoint_folder().glob("*.safetensors")):
            with suppress(ExplorerError, OSError):
                inside(checkpoint_folder(), path.name)
                if checkpoint_file(path.stem) == path and path.is_file():
                    found[path.stem] = _read_facts(path)
    return found


def checkpoint_file(id_or_path: str | Path) -> Path | None:
    """The weights file of a path, of a finished run, or of a checkpoint kept beside the runs; None for a snapshot.

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
    """Whether an evaluation gives the test error that the facts of a checkpoint, of one imported say, do not tell.

    The checkpoint is kept beside the runs and was trained on the evaluation's data set, a published one: the pictures
    of a folder may be others tomorrow. The evaluation is of all its test images, each as it is.
    """
    if is_untrained(reference) or crops != 1 or data not in DATASETS or images != dataset(data).test_images:
        return False
    path = checkpoint_file(reference)
    if path is None or path.parent != checkpoint_folder():
        return False
    facts = _read_facts(path)
    return facts.test_error is None and facts.data == data


def record_test_error(checkpoint_id: str, error: float) -> None:
    """Write the test error that an evaluation gave into the facts of a checkpoint that `lacks_test_error`.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """
    path = checkpoint_folder() / f"{checkpoint_id}.safetensors"
    write_checkpoint_facts(path, _read_facts(path).model_copy(update={"test_error": error}))


def read_checkpoint(path: Path) -> tuple[CheckpointFacts, bytes]:
    """The facts and the weights file of a checkpoint, whole and undamaged.

    Raises:
        StorageError: a file is missing or damaged.
    """
    facts = _read_facts(path)
    content = read_weights(path)
    if hashlib.sha256(content).hexdigest() != facts.sha256:
        raise StorageError(f"{path} is damaged: its sha256 is not the one in {path.stem}.json. Copy both again.")
    return facts, content


def read_weights(path: Path) -> bytes:
    """The content of a weights file, unchecked.

    Raises:
        StorageError: it is missing, or nothing that can be read.
    """
    try:
        return read_file(place_of(path), MOST_BYTES)
    except FileNotFoundError:
        raise _missing(path) from None


def facts_in(path: Path) -> CheckpointFacts:
    """What a JSON file says of a checkpoint.

    Raises:
        FileNotFoundError: there is none.
        StorageError: it says what no such file says.
    """
    values = read_json(place_of(path))
    try:
        return CheckpointFacts(**unsealed(values))
    except Exception as error:  # noqa: BLE001 whatever it says, this checkpoint alone is left out
        raise StorageError(
            f"{path} does not say what is known: {reason_in(error)}. Copy both files of the checkpoint again."
        ) from None


def place_of(path: Path) -> Path:
    """Where a file of a checkpoint is: a link that the user names is followed, one among the runs is not."""
    ours = path.is_relative_to(home()) or path.is_relative_to(store.SHIPPED)
    with suppress(ValueError):  # a NUL: reading it says so
        return path if ours else Path(os.path.realpath(path))
    return path


def _read_facts(path: Path) -> CheckpointFacts:
    beside = path.with_suffix(".json")
    try:
        return facts_in(beside)
    except FileNotFoundError:
        raise _missing(beside) from None


def _missing(path: Path) -> StorageError:
    return StorageError(f"There is no file {path}. A checkpoint is a .safetensors file with a .json of the same name.")
