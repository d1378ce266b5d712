"""Watch trainings where they are started: `explorer.watch`."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from explorer.errors import BadSettings, quoted
from explorer.notebook.followed import followed
from explorer.notebook.interrupts import Interrupts
from explorer.notebook.moments import Trainings, figure
from explorer.notebook.screens import Cell, Lines, Screen, shell
from explorer.notebook.watched import Watched
from explorer.progress import Pace
from explorer.training.launch import start
from explorer.training.plan import Plan

if TYPE_CHECKING:
    from explorer.training.loop import Training

LIVE_POINTS = 400  # of a run in the growing figure
REFRESH_SECONDS = 0.5  # between two pictures, at least
MOST_SECONDS = 3.0  # between two pictures, also where drawing one takes long
DRAWING_PART = 0.1  # of the time is spent on drawing where pictures may be so rare


def watch(what: "Plan | str | Training | Sequence[str] | Sequence[Training]", *, dark: bool = False) -> Watched:
    """Show trainings while they run: in a notebook, curves that grow in the cell; elsewhere, lines on standard error.

        explorer.watch(explorer.Plan(networks=("plain20", "resnet20")))           # trained in processes of their own
        explorer.watch("20261127-154301-1a2b3c")                                  # an experiment, or one of its runs
        explorer.watch([explorer.train(name) for name in ("plain20", "resnet20")])  # trained here, in this process

    The first interrupt (Ctrl-C, the stop button) lets the current step end and keeps what was trained: a plan's
    experiment, or one named by its id, is paused; of single runs only the watching ends. A notebook's cell then ends
    with the result; elsewhere KeyboardInterrupt is raised. A second interrupt does not wait for the step, after which
    a training of this process cannot go on exactly.

    Args:
        what: a plan, which is started; the id of an experiment or a run, or several; what `train` returned, or several
            of those, which are advanced in turn.
        dark: the figure is for a dark page.

    Returns:
        The metrics as a table, the figure, and `resume` to go on: see `Watched`.

    Raises:
        BadSettings: `what` is none of these.
        RunError: there is no such experiment or run.
        DataMissing, StorageError: as `start`.
        KeyboardInterrupt: see above.
    """
    return watched(_trainings(what), dark=dark)


def watched(trainings: Trainings, *, dark: bool) -> Watched:
    """Show trainings until they end or are interrupted."""
    here = shell()
    screen: Screen = Cell() if here else Lines()
    pace = Pace()
    with Interrupts() as interrupts:
        while True:
            moment, began = trainings.moment(), time.monotonic()
            drawn = (
                figure(trainings.table(LIVE_POINTS), moment.runs, dark=dark) if screen.draws and moment.done else None
            )
            # The first picture takes seconds in which nothing trains: plotly is imported.
            left = pace.seconds_left(moment.done, moment.total) if moment.running and moment.done else None
            screen.show(moment, left, drawn)
            if not moment.active:
                break
            if interrupts.received:
                screen.tell("Interrupted: the current step is finished first. Interrupt again to leave at once.")
                trainings.interrupt()
            else:
                wanted = max(REFRESH_SECONDS, (time.monotonic() - began) / DRAWING_PART)
                trainings.advance(min(wanted, MOST_SECONDS), lambda: interrupts.received)
    if interrupts.received and not here:
        raise KeyboardInterrupt
    return Watched(trainings, watched, dark=dark)


def _trainings(what: object) -> Trainings:
    if isinstance(what, Plan):
        return followed([start(what)])
    if isinstance(what, str):
        return followed([what])
    if isinstance(what, list | tuple) and what and all(isinstance(each, str) for each in what):
        return followed(what)
    several: list[Any] = list(what) if isinstance(what, list | tuple) else [what]
    if several and all(_is_training(each) for each in several):
        from explorer.notebook.here import Here  # imports torch

        return Here(several)
    raise BadSettings(
        f"`what` (={quoted(what)}) cannot be watched. Give an explorer.Plan, the id of an experiment or of a run (or a "
        "list of ids), or what explorer.train(...) returned (or a list of those)."
    )


def _is_training(what: object) -> bool:
    from explorer.training.loop import Training

    return isinstance(what, Training)
