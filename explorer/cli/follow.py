"""Progress of an experiment in a terminal until it ends."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from explorer.cli.output import message
from explorer.errors import ExplorerError, one_line
from explorer.export.tensorboard import EventFiles
from explorer.files import os_error_message
from explorer.numerals import percent
from explorer.runs.experiments import Experiment, experiment
from explorer.runs.facts import ACTIVE
from explorer.runs.states import state_of_experiment, state_of_run
from explorer.runs.store import Run
from explorer.training.following import paused, updates

Report = Callable[[Experiment], None]


def until_end(experiment_id: str, events: EventFiles | None = None) -> Experiment:
    """Show the progress of an experiment on standard error until none of its runs is active; returns the experiment.

    Ctrl-C pauses the experiment, prints how to resume it, and is raised again.

    Args:
        events: TensorBoard files to keep up to date; if one cannot be written, that is said, and the rest goes on.
    """
    write = _events_writer(experiment_id, events)
    try:
        with _bars() if sys.stderr.isatty() else _lines() as report:
            for found in updates(experiment_id):
                report(found)
                write(found)
            return found
    except KeyboardInterrupt:
        _pause(experiment_id, f" --tensorboard {shlex.quote(str(events.folder))}" if events else "")
        write(experiment(experiment_id))
        raise


def _events_writer(experiment_id: str, events: EventFiles | None) -> Report:
    """Writes what is new of an experiment to its TensorBoard files, until one cannot be written."""
    going_on = events is not None

    def write(found: Experiment) -> None:
        nonlocal going_on
        if events is None or not going_on:
            return
        try:
            events.update_all(found.runs)
        except (ExplorerError, OSError) as error:
            going_on = False
            reason = one_line(os_error_message(error) if isinstance(error, OSError) else error)
            message(
                f"The files for TensorBoard are not written any more: {reason} The training goes on. Write them later "
                f"with: python -m explorer runs export {experiment_id} --tensorboard {shlex.quote(str(events.folder))}"
            )

    return write


def _pause(experiment_id: str, options: str) -> None:
    if not experiment(experiment_id).active:
        return
    message("Pausing; the current step is finished first. Ctrl-C again leaves without waiting for that.")
    with suppress(KeyboardInterrupt):
        paused(experiment_id)
    message(_current_state(experiment(experiment_id), options))


def _current_state(found: Experiment, options: str) -> str:
    """What became of an experiment on Ctrl-C; `options`: with which it was followed."""
    resume = f"python -m explorer runs resume {found.id} --follow{options}"
    if found.state == "paused":
        forced = " by force, since it did not answer" if any(run.forced for run in found.runs) else ""
        return f"Paused {found.id}{forced}. Go on with: {resume}"
    if not found.active:
        return f"{found.id} is {state_of_experiment(found)}." + (f" Go on with: {resume}" if found.resumable else "")
    silent = any(run.silent_seconds for run in found.runs)
    why = "does not answer" if silent else "has not come to the end of its current step"
    return (
        f"{found.id} is not paused yet: it {why}. It will pause when it can; see `python -m explorer runs show "
        f"{found.id}`, or end it with `python -m explorer runs stop {found.id}`."
    )


def _label(run: Run) -> str:
    return f"{run.facts.network.name}, seed {run.facts.seed}" if run.facts else run.id


@contextmanager
def _bars() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {}

        def report(found: Experiment) -> None:
            for run in found.runs:
                if run.id not in tasks:
                    tasks[run.id] = progress.add_task(_label(run), total=run.steps or None, note="")
                progress.update(tasks[run.id], completed=run.progress.step, note=_note(run))

        yield report


def _note(run: Run) -> str:
    if run.state != "running" or run.silent_seconds is not None:
        return state_of_run(run)
    return f"error {percent(run.progress.train_error)}, test {percent(run.progress.test_error)}"


@contextmanager
def _lines() -> Iterator[Report]:
    """A line when a run's state changes, and per tenth of its steps."""
    printed: dict[str, tuple[str, int]] = {}

    def report(found: Experiment) -> None:
        for run in found.runs:
            tenth = run.progress.step * 10 // run.steps if run.steps else 0
            state = state_of_run(run)
            if printed.get(run.id) != (state, tenth):
                printed[run.id] = (state, tenth)
                note = _note(run) if run.state not in ACTIVE or run.progress.step else state
                message(f"{_label(run)}: step {run.progress.step} of {run.steps}, {note}")

    yield report
