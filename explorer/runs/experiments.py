"""Experiments: the runs that were trained together to be compared."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from explorer import tables
from explorer.errors import RunError, one_line
from explorer.files import home, inside, storage_errors, write_atomically
from explorer.runs import archive, arrival, store, trash
from explorer.runs.facts import ACTIVE, RESUMABLE, State
from explorer.runs.metrics import Live, LiveRow, Row, read_live, read_metrics
from explorer.runs.store import Run, list_runs, read_run, update_run
from explorer.runs.trash import Deleted
from explorer.scratch import remove_unowned, temporary_folder
from explorer.settings import require_between

if TYPE_CHECKING:
    import pandas as pd

LARGEST_IMPORT = 8 * 2**30  # bytes unpacked

# The state of an experiment is that of its liveliest run, then of the one that needs attention most.
_ORDER: tuple[State, ...] = (
    "running",
    "starting",
    "queued",
    "crashed",
    "paused",
    "failed",
    "damaged",
    "stopped",
    "finished",
    "shipped",
)


MOST_POINTS = 10_000_000  # of a curve; no run has more steps


@dataclass(frozen=True, slots=True)
class Experiment:
    """The runs of one experiment as they were when read; a damaged run without facts stands alone.

    Attributes:
        runs: in the order in which they were asked for.
        step: the least advanced run's; `steps`: of the recipe.
    """

    id: str
    title: str
    runs: tuple[Run, ...]
    state: State
    step: int
    steps: int
    created: datetime | None
    data: str
    networks: tuple[str, ...]
    seeds: tuple[int, ...]

    @property
    def active(self) -> bool:
        """Whether a run of it is queued, starting or running."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """Whether a run of it could go on."""
        return not self.active and any(run.state in RESUMABLE for run in self.runs)

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(run.id for run in self.runs)


def list_experiments() -> list[Experiment]:
    """All experiments, the newest first, those that come with the program last."""
    groups: defaultdict[tuple[str, bool], list[Run]] = defaultdict(list)
    for run in list_runs():  # what came with the program is never joined by what says that it belongs there
        groups[run.facts.experiment if run.facts else run.id, run.path.parent == store.SHIPPED].append(run)
    found = [_experiment(name, runs) for (name, _), runs in groups.items()]
    return sorted(found, key=_recency, reverse=True)


def experiment(experiment_id: str) -> Experiment:
    """The experiment with this id.

    Raises:
        RunError: there is none.
    """
    for found in list_experiments():
        if found.id == experiment_id:
            return found
    raise RunError(
        f"There is no experiment {experiment_id!r} in {home()}. `python -m explorer runs list` shows those there are."
    )


def metrics(run_ids: Sequence[str], *, points: int | None = 2000, after: int = -1) -> "pd.DataFrame":
    """The metrics of several runs in one table.

    Args:
        run_ids: which runs; damaged ones are left out.
        points: about how many rows to give per run at most, see `runs.metrics.read_metrics`; None gives all.
        after: only the rows past this step.

    Returns:
        The columns of `tables.RUN_KEYS` and `tables.METRICS`, runs in the order asked for, steps ascending.
        Errors are fractions; train_error and test_error are NaN between evaluations.

    Raises:
        RunError: there is no such run.
        BadSettings: fewer than 2 points, or too many.
    """
    import pandas as pd  # here: lists of experiments, on the Home page for one, do without

    if points is not None:
        require_between("points", points, 2, MOST_POINTS)
    rows = _rows(run_ids, lambda folder: read_metrics(folder, points, after))
    table = pd.DataFrame(rows, columns=[*tables.RUN_KEYS, *tables.METRICS])
    return table.astype({column: "int64" if column == "step" else "float64" for column in tables.METRICS})


def live_layers(run_ids: Sequence[str], *, steps: int | None = 300) -> "pd.DataFrame":
    """Every layer of several runs on a fixed batch, while they train or trained.

    Args:
        run_ids: which runs; damaged ones are left out, and those that were never looked into have no rows.
        steps: of how many steps to give the rows per run at most, at least 2; None gives all.

    Returns:
        The columns of `tables.RUN_KEYS` and `tables.LIVE_LAYERS`, runs in the order asked for, then by step and layer.
        NaN where a value was not finite.

    Raises:
        RunError: there is no such run.
    """
    return _live(run_ids, "layers", tables.LIVE_LAYERS, steps)


def live_blocks(run_ids: Sequence[str], *, steps: int | None = 300) -> "pd.DataFrame":
    """The residual ledger of several runs on a fixed batch, while they train or trained.

    Args and errors as for `live_layers`.

    Returns:
        The columns of `tables.RUN_KEYS` and `tables.LIVE_BLOCKS`, runs in the order asked for, then by step and depth.
    """
    return _live(run_ids, "blocks", tables.LIVE_BLOCKS, steps)


def _live(run_ids: Sequence[str], table: Live, columns: list[str], steps: int | None) -> "pd.DataFrame":
    import pandas as pd

    rows = _rows(run_ids, lambda folder: read_live(folder, table, steps))
    found = pd.DataFrame(rows, columns=[*tables.RUN_KEYS, *columns])
    whole = ("step", "layer", "stage", "block")
    return found.astype({column: "int64" if column in whole else "float64" for column in columns if column != "name"})


def _rows(run_ids: Sequence[str], read: Callable[[Path], Sequence[Row | LiveRow]]) -> list[tuple[Any, ...]]:
    """What `read` finds in each run's folder, with the run's keys; damaged ones are left out, unless all are."""
    rows: list[tuple[Any, ...]] = []
    damage: list[RunError] = []
    for run in map(read_run, run_ids):
        keys = tuple(run_keys(run).values())
        try:
            rows += [keys + row for row in read(run.path)] if run.state != "damaged" else []
        except RunError as error:  # seen only now: lists look at the last rows alone
            damage.append(error)
    if damage and len(damage) == len(run_ids):
        raise damage[0]
    return rows


def run_keys(run: Run) -> dict[str, str | int]:
    """What identifies a run in a table: the columns of `tables.RUN_KEYS`; empty texts for a damaged run."""
    facts = run.facts
    if facts is None:
        return {"experiment": "", "run": run.id, "network": "", "kind": "", "depth": 0, "seed": 0}
    return {
        "experiment": facts.experiment,
        "run": run.id,
        "network": facts.network.name,
        "kind": facts.network.kind,
        "depth": facts.network.depth,
        "seed": facts.seed,
    }


def rename(experiment_id: str, title: str) -> None:
    """Give an experiment another title; ids and folders stay.

    Raises:
        RunError: there is no such experiment, or the title is longer than 200 characters.
    """
    title = " ".join(title.split())
    if len(title) > 200:
        raise RunError(f"The title has {len(title)} characters; at most 200 are kept. Shorten it.")
    for run in experiment(experiment_id).runs:
        if run.facts is not None:
            update_run(run.id, title=title)


def delete(experiment_id: str) -> None:
    """Remove an experiment's folders for good.

    Raises:
        RunError: there is no such experiment, it is queued or running, or it came with the program.
        StorageError: a folder cannot be removed.
    """
    trash.discard(set_aside(experiment_id))


def set_aside(experiment_id: str, run_ids: Sequence[str] | None = None) -> Deleted:
    """Take an experiment out of every list; `trash.restore` brings it back until `trash.discard`.

    Args:
        run_ids: what its user was shown of it; None takes all its runs.

    Raises:
        RunError: see `delete`; or its runs are no longer those that were shown. Nothing was deleted then.
        StorageError: a folder cannot be moved; those that were moved are back.
    """
    found = experiment(experiment_id)
    if found.state == "shipped":
        raise RunError(f"{experiment_id} came with the program and is read-only. It takes no room beside the program.")
    if found.active:
        raise RunError(f"{experiment_id} is {found.state}. Stop it first, then delete it.")
    if run_ids is not None and set(run_ids) != set(found.run_ids):
        raise RunError(
            f"{experiment_id} has changed: it now has the runs {', '.join(found.run_ids)}. Look at it, then delete "
            "it again; nothing was deleted."
        )
    return trash.move_aside(found.title or experiment_id, found.run_ids)


def export(experiment_id: str, target: Path) -> Path:
    """Write an experiment to a zip that `import_zip` reads, on this machine or another.

    Args:
        experiment_id: what to export; a running one is exported as it stands and arrives paused.
        target: the file, or a folder in which it gets the experiment's id as name.

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
    write_atomically(path, lambda file: archive.pack(found.runs, file))
    return path


def import_zip(source: Path | IO[bytes], name: str = "") -> str:
    """Bring in an experiment that `export` wrote; nothing in it is executed, and nothing stays of a refused file.

    It keeps its ids where those are as this program makes them and nothing here has them; else it gets new ones.

    Args:
        source: the zip.
        name: what to call it in messages; empty takes the file's.

    Returns:
        The experiment's id.

    Raises:
        RunError: not such a zip, a file in it is damaged, or the same runs are here already.
        StorageError: the runs folder cannot be written.
    """
    name = one_line(name or (source.name if isinstance(source, Path) else "the file"), 80)
    with storage_errors(home()):
        home().mkdir(parents=True, exist_ok=True)
        scratch = temporary_folder(home(), arrival.PURPOSE)
    try:
        archive.unpack(source, name, scratch, most=LARGEST_IMPORT)
        arrived = arrival.read(scratch, name)
        arrival.refuse_known(arrived, list_runs(), name)
        return arrival.settle(arrived, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _recency(found: Experiment) -> tuple[bool, int, float, str]:
    """By the count of experiments made here; the clock orders only those made before there was a count."""
    number = max(run.facts.number if run.facts else 0 for run in found.runs)
    return found.state != "shipped", number, found.created.timestamp() if found.created else 0.0, found.id


def _experiment(experiment_id: str, runs: list[Run]) -> Experiment:
    runs.sort(key=lambda run: (run.facts.order if run.facts else 0, run.id))
    known = [(run, run.facts) for run in runs if run.facts is not None]
    facts = known[0][1] if known else None
    sound = [run for run in runs if run.state != "damaged"] or runs  # a damaged run does not hide the others
    return Experiment(
        id=experiment_id,
        title=facts.title if facts else "",
        runs=tuple(runs),
        state=min((run.state for run in sound), key=_ORDER.index),
        step=min(run.progress.step for run in sound),
        steps=known[0][0].steps if known else 0,
        created=facts.created if facts else None,
        data=facts.data if facts else "",
        networks=tuple(dict.fromkeys(f.network.name for _, f in known)),
        seeds=tuple(dict.fromkeys(f.seed for _, f in known)),
    )
