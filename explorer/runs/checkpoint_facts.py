"""What is known of checkpoints, and where they are: their JSON files, read without importing torch."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import Field

from explorer.data.catalogue import IMAGENET, dataset, labelled_as
from explorer.errors import BadSettings, RunError, StorageError
from explorer.files import write_text_atomically
from explorer.models.config import NetworkConfig
from explorer.models.names import IMAGENET_CLASSES, is_network_name
from explorer.runs.store import Run, checkpoint_folder, read_run, run_folder
from explorer.seals import sealed_text, unsealed
from explorer.settings import Settings

DEFAULT_DATA = "digits"  # where nothing says another: it comes with the program

_SNAPSHOT = re.compile(r"step-(\d+)\.pt")


class CheckpointFacts(Settings):
    """What is known of a checkpoint; the JSON file beside the weights.

    Attributes:
        normalisation: a kind, see `data.normalisations`, as its images were normalised.
        train_error: fraction wrong on the fixed training sample, test_error: on the whole test set.
        source: where it comes from, in words.
        sha256: of the weights file.
    """

    schema_version: int = 1
    network: NetworkConfig
    normalisation: str = "channel"
    classes: tuple[str, ...] = ()
    data: str = ""
    recipe: dict[str, Any] = Field(default_factory=dict)
    seed: int | None = None
    step: int | None = None
    train_error: float | None = None
    test_error: float | None = None
    source: str = ""
    sha256: str = ""


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
    run_id, _, step = str(id_or_path).partition("@")
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
        step=int(step) if step.isdecimal() else max(snapshot_steps(run.path), default=None),
        source=f"a snapshot of the run {run_id}",
    )


def facts_and_data(references: Sequence[str], data: str = "") -> dict[str, tuple[CheckpointFacts | None, str]]:
    """What is known of networks, and the data set whose images each is shown.

    Args:
        references: as for `load_checkpoint`, or names such as "resnet56" for untrained networks, of which nothing is
            known.
        data: name of the data set for all; empty takes the one that each network was trained on, for untrained ones
            that of the first trained one, else the digits. A folder is given the name under which its labels are those
            of the network, see `data.catalogue.labelled_as`.

    Raises:
        BadSettings: no network was named.
        RunError, StorageError: one cannot be found or read.
        BadSettings, DataMissing: of a folder, see `data.catalogue.labelled_as`.
    """
    if not references:
        raise BadSettings("Name at least one network: a run, a checkpoint, or a name such as resnet20.")
    facts = {each: None if is_untrained(each) else checkpoint_facts(each) for each in references}
    own = {each: own_data(found) for each, found in facts.items() if found}
    usual = data or next(filter(None, own.values()), DEFAULT_DATA)
    names = {
        each: labelled_as(data or own[each] or usual, _class_names(found)) for each, found in facts.items() if found
    }
    of_untrained = next(iter(names.values()), usual)
    return {each: (found, names.get(each, of_untrained)) for each, found in facts.items()}


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
    found = (_SNAPSHOT.fullmatch(file.name) for file in (folder / "snapshots").glob("*.pt"))
    return sorted(int(match[1]) for match in found if match)


def moments(run: Run) -> list[int]:
    """The steps at which the weights of a run can be had, ascending: the first, the snapshots, the last.

    None of a damaged run, nor of one that ships its history only.
    """
    steps = snapshot_steps(run.path)
    if (run.path / "checkpoint.safetensors").exists():
        steps.append(run.progress.step)
    return sorted({0, *steps}) if steps and run.facts is not None else []


def kept_checkpoints() -> list[str]:
    """The names of the checkpoints that are kept beside the runs and can be read."""
    found = []
    for path in sorted(checkpoint_folder().glob("*.safetensors")):
        with suppress(StorageError):
            _read_facts(path)
            found.append(path.stem)
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


def keep_test_error(checkpoint_id: str, error: float) -> bool:
    """Fill in the test error of a checkpoint kept beside the runs whose facts say none, as of one that was imported.

    Args:
        checkpoint_id: any other reference is passed over.
        error: fraction wrong on the whole test set of its data set, each image as it is.

    Returns:
        Whether it was written: not where the facts say an error already or the folder is read-only.
    """
    if checkpoint_id.endswith(".safetensors") or is_untrained(checkpoint_id):
        return False
    path = checkpoint_file(checkpoint_id)
    if path is None or path.parent != checkpoint_folder():
        return False
    facts = _read_facts(path)
    if facts.test_error is not None:
        return False
    known = facts.model_copy(update={"test_error": error})
    with suppress(StorageError):
        write_checkpoint_facts(path, known)
        return True
    return False


def read_checkpoint(path: Path) -> tuple[CheckpointFacts, bytes]:
    """The facts and the weights file of a checkpoint, whole and undamaged.

    Raises:
        StorageError: a file is missing or damaged.
    """
    facts = _read_facts(path)
    with _reading(path):
        content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != facts.sha256:
        raise StorageError(f"{path} is damaged: its sha256 is not the one in {path.stem}.json. Copy both again.")
    return facts, content


def _read_facts(path: Path) -> CheckpointFacts:
    with _reading(path):
        return CheckpointFacts(**unsealed(json.loads(path.with_suffix(".json").read_text())))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise StorageError(
            f"There is no file {error.filename}. A checkpoint is a .safetensors file with a .json of the same name."
        ) from None
    except StorageError as error:
        raise StorageError(f"{path.with_suffix('.json')} is damaged: {error}. Copy both files again.") from None
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(f"{path} or the facts beside it cannot be read: {error}") from None
