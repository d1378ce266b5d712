"""Experiments: the runs that were trained together to be compared."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from explorer import tables
from explorer.cards import short
from explorer.errors import RunError
from explorer.files import home
from explorer.numerals import counted
from explorer.runs import kept_rows, store, trash
from explorer.runs.facts import ACTIVE, MOST_NOTE, RESUMABLE, State
from explorer.runs.metrics import Live, read_live
from explorer.runs.store import Run, list_runs, read_run, update_run
from explorer.runs.trash import Deleted
from explorer.settings import require_between

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

# The state of an experiment is the first of these that one of its runs has.
_ORDER: tuple[State, ...] = (
    "running", "starting", "queued", "crashed", "paused", "failed", "damaged", "stopped", "finished", "shipped",
)  # fmt: skip

MOST_POINTS = 10_000_000  # of a curve
MOST_AVERAGED = 1_200_000  # rows, which takes a second: 18 runs of 64,000 steps
MANY_RUNS = 100  # of which a tenth of these rows is averaged: their means are drawn, for which samples are enough


@dataclass(frozen=True, slots=True)
class Experiment:
    """The runs of one experiment when read; a damaged run without facts is an experiment of its own.

    Attributes:
        runs: in the order of the plan.
        step: of the least advanced run; steps: of the recipe.
        recipe: settings of `training.recipe.Recipe`, as given.
        note: the user's text about it.
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
    recipe: dict[str, Any]
    note: str

    def __repr__(self) -> str:
        what = f"{counted(len(self.runs), 'run')} on {self.data}, {self.state}, step {self.step:,} of {self.steps:,}"
        return f"<experiment {self.id}: {short(self.title)}, {what}>"

    @property
    def bytes(self) -> int:
        """The size of its files on the disk."""
        return sum(run.bytes for run in self.runs)

    @property
    def active(self) -> bool:
        """Whether a run of it is queued, starting or running."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """Whether a run of it can be resumed; while others train, one whose worker died."""
        states = ("crashed",) if self.active else RESUMABLE
        return any(run.state in states for run in self.runs)

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(run.id for run in self.runs)


def list_experiments() -> list[Experiment]:
    """All experiments, the newest first, those that come with the program last."""
    groups: defaultdict[tuple[str, bool], list[Run]] = defaultdict(list)
    for run in list_runs():  # a run of the user never joins a shipped experiment, whatever its facts say
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


def refreshed(found: Experiment) -> Experiment:
    """The experiment as it is now, without reading other runs; raises RunError if a run of it was deleted."""
    return _experiment(found.id, [read_run(run_id) for run_id in found.run_ids])


def metrics(run_ids: Sequence[str], *, points: int | None = 2000, after: int = -1) -> "pd.DataFrame":
    """The metrics of several runs in one table.

    Args:
        run_ids: which runs; damaged ones are left out.
        points: approximate maximum of rows per run, see `runs.metrics.read_metrics`; None gives all. Of runs with many
            rows together, see `is_sampled`, those at evenly spaced steps are taken, see `sample_metrics` there.
        after: only the rows past this step.

    Returns:
        The columns of `tables.RUN_KEYS` and `tables.METRICS`, runs in the order asked for, steps ascending.
        Errors are fractions; train_error and test_error are NaN between evaluations.

    Raises:
        RunError: there is no such run.
        BadSettings: fewer than 2 points, or too many.
    """
    return metrics_of([read_run(run_id) for run_id in run_ids], points=points, after=after)


def metrics_of(runs: Sequence[Run], *, points: int | None = 2000, after: int = -1) -> "pd.DataFrame":
    """`metrics` of runs that are already read."""
    if points is not None:
        require_between("points", points, 2, MOST_POINTS)
    if points is not None and is_sampled(runs, after):
        return _table(runs, lambda folder: kept_rows.sample(folder, points, after))
    return _table(runs, lambda folder: kept_rows.curve(folder, points, after))


def is_sampled(runs: Sequence[Run], after: int = -1) -> bool:
    """Whether `metrics` takes rows at evenly spaced steps of these runs instead of averages."""
    rows = sum(max(0, run.progress.step - after) for run in runs)
    return rows > (MOST_AVERAGED if len(runs) <= MANY_RUNS else MOST_AVERAGED // 10)


def end_metrics(runs: Sequence[Run], after: int) -> "pd.DataFrame":
    """The last row of several runs, with the mean of `batch_error` over all steps past `after`.

    Args:
        runs: damaged ones and those without such steps are left out.

    Returns:
        As `metrics`.

    Raises:
        RunError: all of them are damaged.
    """
    return _table(runs, lambda folder: kept_rows.end(folder, after))


def end_rows(runs: Sequence[Run], after: int) -> dict[str, dict[str, float]]:
    """The values of `end_metrics` by id of the run and by column, without the time that a table takes."""
    ends = _each(runs, lambda folder: kept_rows.end(folder, after))
    return {run.id: dict(zip(tables.METRICS, rows[0].tolist(), strict=True)) for run, rows in ends if len(rows)}


def _table(runs: Sequence[Run], read: Callable[[Path], kept_rows.Rows]) -> "pd.DataFrame":
    """The rows that `read` gives for each run, with the run's keys; damaged runs are left out, unless all are."""
    import numpy as np
    import pandas as pd  # not needed to list experiments, as on the Home page

    found = _each(runs, read)
    keys = pd.DataFrame([run_keys(run) for run, _ in found], columns=tables.RUN_KEYS)
    repeated = keys.take(np.repeat(np.arange(len(found)), [len(rows) for _, rows in found]))
    values = np.concatenate([rows for _, rows in found] or [np.empty((0, len(tables.METRICS)))])
    table = pd.concat([repeated.reset_index(drop=True), pd.DataFrame(values, columns=tables.METRICS)], axis=1)
    return table.astype({"step": "int64"})


def live_layers(run_ids: Sequence[str], *, steps: int | None = 300) -> "pd.DataFrame":
    """The layers of several runs on a fixed batch, recorded during training.

    Args:
        run_ids: which runs; damaged ones are left out, and those trained without probes have no rows.
        steps: maximum of steps per run, at least 2; None gives all.

    Returns:
        The columns of `tables.RUN_KEYS` and `tables.LIVE_LAYERS`, runs in the order asked for, then by step and layer.
        NaN where a value was not finite.

    Raises:
        RunError: there is no such run.
    """
    return _live(run_ids, "layers", tables.LIVE_LAYERS, steps)


def live_blocks(run_ids: Sequence[str], *, steps: int | None = 300) -> "pd.DataFrame":
    """The residual ledger of several runs on a fixed batch, recorded during training.

    Args and errors as for `live_layers`.

    Returns:
        The columns of `tables.RUN_KEYS` and `tables.LIVE_BLOCKS`, runs in the order asked for, then by step and depth.
    """
    return _live(run_ids, "blocks", tables.LIVE_BLOCKS, steps)


def _live(run_ids: Sequence[str], table: Live, columns: list[str], steps: int | None) -> "pd.DataFrame":
    import pandas as pd

    runs = [read_run(run_id) for run_id in run_ids]
    found = _each(runs, lambda folder: read_live(folder, table, steps))
    rows = [(*keys, *row) for run, read in found for keys in [tuple(run_keys(run).values())] for row in read]
    frame = pd.DataFrame(rows, columns=[*tables.RUN_KEYS, *columns])
    whole = ("step", "layer", "stage", "block")
    return frame.astype({column: "int64" if column in whole else "float64" for column in columns if column != "name"})


def _each(runs: Sequence[Run], read: Callable[[Path], T]) -> list[tuple[Run, T]]:
    """What `read` gives for each run; damaged runs are left out, unless all are."""
    found: list[tuple[Run, T]] = []
    damage: list[RunError] = []
    for run in runs:
        try:
            if run.state != "damaged":
                found.append((run, read(run.path)))
        except RunError as error:  # listing runs reads their last rows only
            damage.append(error)
    if damage and len(damage) == len(runs):
        raise damage[0]
    return found


def run_keys(run: Run) -> dict[str, str | int]:
    """The values of `tables.RUN_KEYS` for a run; empty texts if damaged."""
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
    """Change the title of an experiment, not its ids and folders.

    Raises:
        RunError: there is no such experiment, or the title is longer than 200 characters.
    """
    title = " ".join(title.split())
    if len(title) > 200:
        raise RunError(f"The title has {len(title)} characters; at most 200 are kept. Shorten it.")
    for run in experiment(experiment_id).runs:
        if run.facts is not None:
            update_run(run.id, title=title)


def annotate(experiment_id: str, note: str) -> None:
    """Replace the user's note about an experiment; empty removes it.

    Raises:
        RunError: there is no such experiment, or the note is too long.
    """
    note = note.strip()
    if len(note) > MOST_NOTE:
        raise RunError(f"The note has {len(note):,} characters; at most {MOST_NOTE:,} are kept. Shorten it.")
    for run in experiment(experiment_id).runs:
        if run.facts is not None:
            update_run(run.id, note=note)


def set_aside(experiment_id: str, run_ids: Sequence[str] | None = None) -> Deleted:
    """Move an experiment to the trash, until `trash.restore` or `trash.discard`.

    Args:
        run_ids: the runs that the user was shown; None skips the comparison.

    Raises:
        RunError: there is no such experiment, it is queued or running, came with the program, or has other runs than
            `run_ids`.
        StorageError: a folder cannot be moved; then none is.
    """
    found = experiment(experiment_id)
    _require_deletable(found, run_ids)
    return trash.move_aside(found.title or experiment_id, found.run_ids)


def set_aside_all(shown: Sequence[Experiment]) -> Deleted:
    """Move several experiments to the trash, all of them or none; raises as `set_aside` does.

    Args:
        shown: the experiments as the user was shown them.
    """
    now = {found.id: found for found in list_experiments()}
    for each in shown:
        if each.id not in now:
            raise RunError(f"{each.title or each.id} was deleted already. Look at the others, then delete them again.")
        _require_deletable(now[each.id], each.run_ids)
    title = (shown[0].title or shown[0].id) if len(shown) == 1 else f"{len(shown)} experiments"
    return trash.move_aside(title, [run_id for each in shown for run_id in each.run_ids])


def _require_deletable(found: Experiment, run_ids: Sequence[str] | None) -> None:
    if found.state == "shipped":
        reason = "came with the program and is read-only. It is part of the program and takes no extra space."
        raise RunError(f"{found.id} {reason}")
    if found.active:
        raise RunError(f"{found.id} is {found.state}. Stop it first, then delete it.")
    if run_ids is not None and set(run_ids) != set(found.run_ids):
        raise RunError(
            f"{found.title or found.id} has changed: it now has {len(found.runs)} runs of "
            f"{', '.join(found.networks)}. Look at it, then delete it again; nothing was deleted."
        )


def _recency(found: Experiment) -> tuple[bool, int, float, str]:
    """Sorting key: the number of the experiment; creation time for runs of earlier versions without numbers."""
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
        recipe=facts.recipe if facts else {},
        note=facts.note if facts else "",
    )
