"""Import of an unpacked experiment: its facts are checked, and it gets ids and folders on this machine."""

import hashlib
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ExplorerError, RunError
from explorer.files import home, inside, read_json, storage_errors, write_text_atomically
from explorer.runs.facts import ACTIVE, HERE, MOST_TEXT, RunFacts
from explorer.runs.metrics import read_metrics, read_progress
from explorer.runs.store import (
    MARKER,
    SHIPPED_ID,
    Run,
    checkpoint_folder,
    mark,
    new_id,
    next_number,
    read_facts,
    run_folder,
    write_facts,
)
from explorer.scratch import unowned

PURPOSE = "import"
_COMPARED = 10_000  # rows of a run that are compared; longer ones are averaged
_MOVED = "moved.json"  # in the scratch folder: ids of the runs moved out of it but not marked as runs yet


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """An unpacked run."""

    folder: Path
    facts: RunFacts


def read(scratch: Path, name: str) -> list[ImportedRun]:
    """The runs in `scratch`, in the order of their experiment.

    Raises:
        RunError: there are none, they are of several experiments, or one is damaged.
    """
    runs = [ImportedRun(folder, read_facts(folder)) for folder in sorted(scratch.iterdir()) if folder.is_dir()]
    for each in runs:
        read_progress(each.folder)
        if each.facts.id != each.folder.name:
            raise RunError(f"{name}: the folder {each.folder.name} holds the run {each.facts.id}. Export it again.")
    experiments = {each.facts.experiment for each in runs}
    if len(experiments) != 1:
        raise RunError(f"{name} holds {len(experiments)} experiments; one was expected. Export each by itself.")
    return sorted(runs, key=lambda each: (each.facts.order, each.facts.id))


def require_new(arrived: Sequence[ImportedRun], runs: Iterable[Run], name: str) -> None:
    """Raise RunError if all these runs exist already, under whatever ids."""
    alike = defaultdict(list)
    for run in runs:
        if run.facts is not None and run.state != "damaged":
            alike[_settings(run.facts)].append(run)
    known = [_same(each, alike[_settings(each.facts)]) for each in arrived]
    if all(known):
        first = known[0]
        assert first is not None
        assert first.facts is not None
        if first.state == "shipped":
            raise RunError(f"{name} is {first.facts.experiment}, which comes with the program: nothing to import.")
        raise RunError(
            f"{name} is here already, as {first.facts.experiment}. Delete that experiment first to import it again."
        )


def install(arrived: Sequence[ImportedRun], scratch: Path) -> str:
    """Move unpacked runs into the folder of runs; gives the id of their experiment.

    Raises:
        StorageError: a folder cannot be moved; then none is.
    """
    claimed = arrived[0].facts.experiment
    experiment_id = claimed if _keeps_ids(arrived) else new_id()
    number = next_number()
    ids: list[str] = []
    for each in arrived:
        facts = each.facts
        run_id = facts.id if experiment_id == claimed else _run_id(experiment_id, facts, ids)
        ids.append(run_id)
        changes = {
            "id": run_id,
            "experiment": experiment_id,
            "state": "paused" if facts.state in ACTIVE else facts.state,
            "worker": None,
            "where": HERE,
            "number": number,
            "queued": 0.0,
        }
        if experiment_id != claimed:
            changes["notice"] = f"Imported; where it was exported it is called {facts.id}. {facts.notice}".strip()[
                :MOST_TEXT
            ]
        write_facts(each.folder, facts.model_copy(update=changes))
    write_text_atomically(scratch / _MOVED, json.dumps(ids))
    try:
        for each, run_id in zip(arrived, ids, strict=True):
            with storage_errors(home() / run_id):
                each.folder.rename(inside(home(), run_id))
        for run_id in ids:
            mark(run_folder(run_id))
    except BaseException:  # Ctrl-C too
        for each, run_id in zip(arrived, ids, strict=True):
            if not each.folder.exists():
                run_folder(run_id).rename(each.folder)
        raise
    return experiment_id


def finish_interrupted() -> None:
    """Finish imports whose process has ended if all their runs had been moved, else undo them."""
    for scratch in unowned(home(), PURPOSE):
        with suppress(OSError, ExplorerError, TypeError):
            _finish(scratch)
            shutil.rmtree(scratch)


def _finish(scratch: Path) -> None:
    try:
        folders = [run_folder(str(each)) for each in read_json(scratch / _MOVED)]
    except FileNotFoundError:  # nothing was moved
        return
    there = [folder for folder in folders if folder.is_dir()]
    for folder in there:
        read_facts(folder)  # raises if it is not a run, which stays as it is
    for folder in there:
        if len(there) == len(folders):
            mark(folder)
        elif not (folder / MARKER).exists():
            folder.rename(scratch / folder.name)


def _same(arrived: ImportedRun, alike: Sequence[Run]) -> Run | None:
    """The run with the same metrics, among those with the same settings and weights."""
    if not alike:
        return None
    rows = _digest(arrived.folder)
    return next((run for run in alike if _digest(run.path) == rows), None)


def _settings(facts: RunFacts) -> str:
    names = {"network", "data", "recipe", "seed", "created", "data_fingerprint", "checkpoint_sha256", "initial_sha256"}
    return facts.model_dump_json(include=names)


def _digest(folder: Path) -> str:
    try:
        return hashlib.sha256(repr(read_metrics(folder, _COMPARED)).encode()).hexdigest()
    except RunError:
        return ""


def _keeps_ids(arrived: Sequence[ImportedRun]) -> bool:
    """Whether the ids are as this program generates them, and free on this machine."""
    experiment_id = arrived[0].facts.experiment
    as_made = all(each.facts.id == _run_id(experiment_id, each.facts, ()) for each in arrived)
    if not as_made or experiment_id.startswith(SHIPPED_ID):
        return False
    there = [entry.name for place in (home(), checkpoint_folder()) if place.is_dir() for entry in place.iterdir()]
    taken = re.compile(rf"{re.escape(experiment_id)}([-.].*)?", re.IGNORECASE)
    return not any(taken.fullmatch(name) for name in there)


def _run_id(experiment_id: str, facts: RunFacts, taken: Sequence[str]) -> str:
    name = f"{experiment_id}-{facts.network.name[:60]}-s{facts.seed}"
    return name if name not in taken else f"{name}-{len(taken)}"
