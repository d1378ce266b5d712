"""Experiments as zip files, from one machine to another: exported, imported, joined, taken back."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from explorer.errors import RunError, one_line
from explorer.files import home, inside, storage_errors, write_atomically
from explorer.numerals import counted
from explorer.runs import archive, arrival, joining, trash
from explorer.runs.experiments import Experiment, experiment, list_experiments, rename
from explorer.runs.facts import ACTIVE
from explorer.runs.joining import Outcome
from explorer.runs.store import list_runs, new_id, next_number
from explorer.runs.trash import Deleted
from explorer.scratch import remove_unowned, temporary_folder

LARGEST_IMPORT = 8 * 2**30  # bytes unpacked
MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class Imported:
    """An import of several files.

    Attributes:
        id: of the import, for `take_back`.
        experiment: that the runs joined; empty if none did.
        outcomes: what became of each run, in the order of the files.
    """

    id: str
    experiment: str
    outcomes: tuple[Outcome, ...]

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """The files that could not be imported."""
        return tuple(each for each in self.outcomes if each.fate == "refused")

    def summary(self) -> str:
        """How many runs of how many files joined, and what became of the others."""
        count = {fate: sum(each.fate == fate for each in self.outcomes) for fate in ("joined", "apart", "again")}
        files = len({each.file for each in self.outcomes})
        parts = [f"{counted(files, 'file')}: {counted(count['joined'], 'run')} joined"]
        if self.experiment and count["joined"]:
            parts[0] += f" as {self.experiment}"
        if count["again"]:
            parts.append(f"{count['again']} here already, left out")
        if count["apart"]:
            parts.append(f"{count['apart']} in experiments of their own")
        if self.refused:
            parts.append(f"{counted(len(self.refused), 'file')} refused")
        return "; ".join(parts) + "."

    def document(self) -> dict[str, Any]:
        """All of it by name, for JSON."""
        return {"import": self.id, "experiment": self.experiment, "runs": [asdict(each) for each in self.outcomes]}


def export(experiment_id: str, target: Path, *, all_snapshots: bool = False) -> Path:
    """Write an experiment to a zip that `import_files` reads, on this machine or another.

    It has metrics and first and last weights; the snapshots between them only on request, or for unfinished runs.

    Args:
        experiment_id: what to export; a running one is exported in its current state and is paused when imported.
        target: the file, or a folder in which it gets the experiment's id as name.
        all_snapshots: also those of finished runs.

    Returns:
        The file written.

    Raises:
        RunError: there is no such experiment, or a file of it is damaged.
        StorageError: the file cannot be written.
    """
    found = experiment(experiment_id)
    with storage_errors(target):
        path = inside(target, f"{found.id}.zip") if target.is_dir() else target
    remove_unowned([path.parent], purpose=path.name)
    write_atomically(path, lambda file: archive.pack(found.runs, file, all_snapshots=all_snapshots))
    return path


def import_zip(source: Path | IO[bytes], name: str = "") -> str:
    """Import one file by `import_files` as an experiment of its own; gives its id here."""
    done = import_files([(source, name)], apart=True)
    taken = next(each.run for each in done.outcomes if each.fate == "apart")
    return next(found.id for found in list_experiments() if taken in found.run_ids)


def import_files(files: Sequence[tuple[Path | IO[bytes], str]], *, into: str = "", apart: bool = False) -> Imported:
    """Import several experiments written by `export`, such as a class's, and join those that compare to one.

    Runs join that had the data and the recipe of most files, see `joining.decide`; what differs is named, and becomes
    an experiment of its own. Files of one assignment join what was imported of it before. A damaged file is refused by
    itself. Nothing is executed. An experiment that does not join keeps its ids if they are valid and free here.

    Args:
        files: each with its name for messages; empty takes the file's.
        into: id of an experiment that they join.
        apart: import each as an experiment of its own.

    Raises:
        RunError: none of the files can be imported, a single one is here already, or `into` cannot be joined; nothing
            was imported.
        StorageError: the runs folder cannot be written; nothing was imported.
    """
    if not 0 < len(files) <= MOST_FILES:
        raise RunError(f"{len(files):,} files were given; from 1 to {MOST_FILES:,} are imported at once.")
    names = _distinct([_name(source, name) for source, name in files])
    batch, scratch = new_id(), _scratch()
    try:
        read: list[joining.File] = []
        refused: list[Outcome] = []
        left = LARGEST_IMPORT
        for place, ((source, _), name) in enumerate(zip(files, names, strict=True)):
            folder = scratch / str(place)
            with storage_errors(folder):
                folder.mkdir()
            try:
                archive.unpack(source, name, folder, most=left)
                read.append(joining.File(name, arrival.read(folder, name)))
            except RunError as error:
                refused.append(Outcome(name, "refused", remark=str(error)))
                shutil.rmtree(folder, ignore_errors=True)
            left -= sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if not read:
            more = f" None of the {len(files)} files can be imported." if len(files) > 1 else ""
            raise RunError(f"{refused[0].remark}{more}")
        here = list_experiments()
        single = len(files) == 1 and not into and (apart or not joining.joins(read[0], here))
        decision = joining.decide(read, here, batch, next_number(), into=into, apart=apart or single)
        if single and not decision.placed:
            raise RunError(_nothing_new(read[0].name, decision.outcomes[0].run, here))
        arrival.move(decision.placed, scratch)
        if any(found.id == decision.experiment and found.title != decision.title for found in here):
            rename(decision.experiment, decision.title)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    places = {name: place for place, name in enumerate(names)}
    outcomes = sorted([*decision.outcomes, *refused], key=lambda each: places[each.file])
    return Imported(batch, decision.experiment, tuple(outcomes))


def _nothing_new(name: str, run_id: str, here: Sequence[Experiment]) -> str:
    found = next(each for each in here if run_id in each.run_ids)
    if found.state == "shipped":
        return f"{name} is {found.id}, which comes with the program: nothing to import."
    return f"{name} is here already, as {found.id}. Delete that experiment first to import it again."


def take_back(batch: str) -> Deleted:
    """Move all runs of an import to the trash, until `trash.restore` or `trash.discard`.

    Raises:
        RunError: there are no such runs, or one trains.
        StorageError: a folder cannot be moved; then none is.
    """
    runs = [run for run in list_runs() if batch and run.facts and run.facts.origin and run.facts.origin.batch == batch]
    if not runs:
        raise RunError(f"No run here is of the import {batch!r}. It was taken back already, or its runs were deleted.")
    busy = next((run for run in runs if run.state in ACTIVE), None)
    if busy is not None:
        raise RunError(f"{busy.id} is {busy.state}. Stop it first, then take the import back.")
    return trash.move_aside(f"an import of {counted(len(runs), 'run')}", [run.id for run in runs])


def _name(source: Path | IO[bytes], name: str) -> str:
    return one_line(name or (source.name if isinstance(source, Path) else "the file"), 80)


def _distinct(names: Sequence[str]) -> list[str]:
    """Names with a number where two files have the same, as from two folders."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name} ({number})" for number in range(2, len(names) + 2))
        found.append(next(each for each in (name, *numbered) if each not in found))
    return found


def _scratch() -> Path:
    with storage_errors(home()):
        home().mkdir(parents=True, exist_ok=True)
        return temporary_folder(home(), arrival.PURPOSE)
