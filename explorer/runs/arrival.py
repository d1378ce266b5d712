"""Import of an unpacked experiment: its facts are checked, and it gets ids and folders on this machine."""

import json
import re
import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError, RunError
from explorer.files import home, inside, read_json, storage_errors, write_text_atomically
from explorer.runs.facts import ACTIVE, HERE, MOST_TEXT, RunFacts
from explorer.runs.metrics import read_progress
from explorer.runs.store import (
    MARKER,
    SHIPPED_ID,
    checkpoint_folder,
    mark,
    new_id,
    read_facts,
    run_folder,
    write_facts,
)
from explorer.scratch import unowned

PURPOSE = "import"
_MOVED = "moved.json"  # in the scratch folder: ids of the runs moved out of it but not marked as runs yet


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """An unpacked run."""

    folder: Path
    facts: RunFacts


Placed = tuple[ImportedRun, RunFacts]  # with its facts on this machine


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


def own_experiment(
    arrived: Sequence[ImportedRun], *, number: int, claimed: Collection[str] = (), notice: str = ""
) -> list[Placed]:
    """Runs with their facts here, as an experiment of their own: with its ids, if they are as made here and free.

    Args:
        claimed: ids of experiments that are not free either.
        notice: for the user, before that of the run.
    """
    own = arrived[0].facts.experiment
    experiment_id = own if own not in claimed and _keeps_ids(arrived) else new_id()
    placed: list[Placed] = []
    for each in arrived:
        run_id = each.facts.id
        if experiment_id != own:
            run_id = free_run_id(experiment_id, each.facts, [facts.id for _, facts in placed])
        renamed = f"Imported; where it was exported it is called {each.facts.id}." if experiment_id != own else ""
        told = f"{notice} {renamed}".strip()
        placed.append((each, arriving(each.facts, run_id, experiment_id, number, notice=told)))
    return placed


def arriving(
    facts: RunFacts, run_id: str, experiment_id: str, number: int, *, notice: str = "", **changes: Any
) -> RunFacts:
    """The facts of a run on this machine, without those of the machine it was exported from."""
    usual = {
        "id": run_id,
        "experiment": experiment_id,
        "state": "paused" if facts.state in ACTIVE else facts.state,
        "worker": None,
        "where": HERE,
        "number": number,
        "queued": 0.0,
        "notice": f"{notice} {facts.notice}".strip()[:MOST_TEXT],
    }
    return facts.model_copy(update=usual | changes)


def move(placed: Sequence[Placed], scratch: Path) -> None:
    """Move unpacked runs into the folder of runs, all of them or, if one cannot be moved, none.

    Raises:
        StorageError: a folder cannot be moved.
    """
    for each, facts in placed:
        write_facts(each.folder, facts)
    write_text_atomically(scratch / _MOVED, json.dumps([facts.id for _, facts in placed]))
    try:
        for each, facts in placed:
            with storage_errors(home() / facts.id):
                each.folder.rename(inside(home(), facts.id))
        for _, facts in placed:
            mark(run_folder(facts.id))
    except BaseException:  # Ctrl-C too
        for each, facts in placed:
            if not each.folder.exists():
                run_folder(facts.id).rename(each.folder)
        raise


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


def _keeps_ids(arrived: Sequence[ImportedRun]) -> bool:
    """Whether the ids are as this program generates them, and free on this machine."""
    experiment_id = arrived[0].facts.experiment
    as_made = all(each.facts.id == free_run_id(experiment_id, each.facts) for each in arrived)
    if not as_made or experiment_id.startswith(SHIPPED_ID):
        return False
    there = [entry.name for place in (home(), checkpoint_folder()) if place.is_dir() for entry in place.iterdir()]
    taken = re.compile(rf"{re.escape(experiment_id)}([-.].*)?", re.IGNORECASE)
    return not any(taken.fullmatch(name) for name in there)


def free_run_id(experiment_id: str, facts: RunFacts, taken: Collection[str] = ()) -> str:
    """The usual id of a run in an experiment, with a number if it is taken."""
    name = f"{experiment_id}-{facts.network.name[:60]}-s{facts.seed}"
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbered) if each not in taken)
