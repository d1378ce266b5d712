"""Where a training is watched: in the output of a notebook's cell, or as lines of text."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib import import_module
from statistics import fmean
from typing import Any, Protocol

from explorer.cards import html_table, prose
from explorer.escaping import in_terminal
from explorer.figures import Figure
from explorer.figures.curves.still import still
from explorer.figures.theme import palette
from explorer.notebook.moments import Moment, RunMoment
from explorer.numerals import duration, percent

MOST_ROWS = 12  # of runs in the output


def shell() -> Any:
    """IPython's shell if this process is the kernel of a notebook, else None."""
    ipython = sys.modules.get("IPython")
    found = ipython.get_ipython() if ipython else None
    return found if getattr(found, "kernel", None) is not None else None


def ipython() -> Any:
    """IPython's displays, which a kernel has; they have no types."""
    return import_module("IPython.display")


class Screen(Protocol):
    """Shows moments one after the other."""

    draws: bool  # whether it shows figures, so that one is worth its time

    def show(self, moment: Moment, left: float | None, drawn: Figure | None) -> None:
        """Replace what was shown; `left` are the seconds until the end, if known."""

    def tell(self, sentence: str) -> None:
        """Replace the sentence only."""


class Cell:
    """The output of a cell, replaced in place: bar, sentence, errors and curves; at the end the figure of plotly.

    Growing curves are SVG inside of HTML, which every program that shows notebooks draws, with nothing to install where
    it runs. Plotly's own format is not replaced in place in JupyterLab (its renderer, as of 7.1, keeps the first
    figure), and widgets need an extension beside the server, and are empty when a notebook is opened without a kernel.
    """

    draws = True

    def __init__(self) -> None:
        self._handle: Any = ipython().DisplayHandle()
        self._begun = False
        self._last: tuple[Moment, float | None, Figure | None] | None = None

    def show(self, moment: Moment, left: float | None, drawn: Figure | None) -> None:
        self._last = moment, left, drawn
        if moment.active or drawn is None:
            self._write(moment_html(moment, left) + (still(drawn, alt(moment)) if drawn else ""))
        else:
            self._write(moment_html(moment))
            ipython().display(figure_bundle(moment, drawn), raw=True)

    def tell(self, sentence: str) -> None:
        if self._last is not None:
            moment, left, drawn = self._last
            self._write(moment_html(moment, left, sentence=sentence) + (still(drawn, alt(moment)) if drawn else ""))

    def _write(self, text: str) -> None:
        (self._handle.update if self._begun else self._handle.display)(ipython().HTML(text))
        self._begun = True


class Lines:
    """Lines on standard error: when a run's state changes, and per tenth of its steps."""

    draws = False

    def __init__(self) -> None:
        self._printed: dict[str, tuple[str, int]] = {}
        self._said = ""

    def show(self, moment: Moment, left: float | None, drawn: Figure | None) -> None:
        if moment.sentence != self._said and moment.active:
            self.tell(moment.sentence)
        for run in moment.runs:
            tenth = run.step * 10 // run.steps if run.steps else 0
            if self._printed.get(run.run) != (run.state, tenth):
                self._printed[run.run] = run.state, tenth
                self._line(f"{_name(run)}: step {run.step:,} of {run.steps:,}, {_errors(run)}", left)
        if not moment.active:
            self.tell(moment.sentence)
            for run in moment.runs:
                if run.trouble:
                    self._line(f"{_name(run)}: {run.trouble}")

    def tell(self, sentence: str) -> None:
        self._said = sentence
        self._line(sentence)

    def _line(self, text: str, left: float | None = None) -> None:
        remaining = f", about {duration(left)} left" if left else ""
        print(in_terminal(text + remaining), file=sys.stderr, flush=True)


def _name(run: RunMoment) -> str:
    return f"{run.network}, seed {run.seed}"


def _errors(run: RunMoment) -> str:
    train, test = (percent(error) for error in run.errors)
    return f"{run.state}" if run.errors == (None, None) else f"{run.state}, training error {train}, test error {test}"


def moment_html(moment: Moment, left: float | None = None, *, sentence: str = "", bar: bool = True) -> str:
    """The bar, the sentence, and the errors of the runs.

    Elements without scripts, in the letters and colours of the program that shows the notebook.
    """
    part = moment.done / moment.total
    remaining = f" About {duration(left)} left." if left and moment.active else ""
    text = prose((sentence or moment.sentence) + remaining)
    head = f"{_bar(part)} {text}" if bar else text
    runs = moment.runs if len(moment.runs) <= MOST_ROWS else networks_of(moment.runs)
    hidden = len(runs[MOST_ROWS:])
    more = f"<p>{hidden} more networks are in <code>.errors</code> of the result.</p>" if hidden else ""
    troubled = [run for run in moment.runs if run.trouble]
    troubles = "".join(f"<p>⚠ {prose(_name(run))}: {prose(run.trouble)}</p>" for run in troubled[:MOST_ROWS])
    return f"<div><p>{head}</p>{troubles}{runs_html(runs[:MOST_ROWS], means=runs is not moment.runs)}{more}</div>"


def _bar(part: float) -> str:
    style = f"width: 16em; vertical-align: middle; accent-color: {palette().depth(20)}"
    return f'<progress max="1" value="{part:.4f}" style="{style}"></progress> <b>{percent(part, 0)}</b>'


def alt(moment: Moment) -> str:
    """What the figure shows, for a program that cannot draw it."""
    names = list(dict.fromkeys(run.network for run in moment.runs))
    return f"Training and test error of {', '.join(names)}, step by step (a plotly figure)"


def figure_bundle(moment: Moment, drawn: Figure) -> dict[str, Any]:
    """A figure in all forms of which a program shows the first it can: as plotly does here, as SVG, as text.

    So it is in the file of the notebook, also for those without plotly, such as the pages of GitHub.
    """
    text = alt(moment)
    shown: dict[str, Any] = drawn._repr_mimebundle_()
    return {"image/svg+xml": still(drawn, text), "text/plain": text} | shown


def networks_of(runs: Sequence[RunMoment]) -> tuple[RunMoment, ...]:
    """The runs of each network as one: least step, mean errors, the states that there are; its seed is their number."""
    groups: defaultdict[str, list[RunMoment]] = defaultdict(list)
    for run in runs:
        groups[run.network].append(run)
    return tuple(
        RunMoment(
            run=name,
            network=name,
            seed=len(group),
            state=", ".join(dict.fromkeys(run.state for run in group)),
            step=min(run.step for run in group),
            steps=max(run.steps for run in group),
            errors=(_mean(run.errors[0] for run in group), _mean(run.errors[1] for run in group)),
        )
        for name, group in groups.items()
    )


def _mean(errors: Iterable[float | None]) -> float | None:
    known = [error for error in errors if error is not None]
    return fmean(known) if known else None


def runs_html(runs: Sequence[RunMoment], *, means: bool = False) -> str:
    """A table of runs: network, step, errors in percent.

    Args:
        means: the runs are those of `networks_of`.
    """
    seeds = means or len({run.seed for run in runs}) > 1
    named = "Seeds" if means else "Seed"
    heads = ["Network", *([named] if seeds else []), "State", "Step", "Training error", "Test error"]
    rows = [
        [
            run.network,
            *([str(run.seed)] if seeds else []),
            run.state,
            f"{run.step:,} of {run.steps:,}",
            *map(percent, run.errors),
        ]
        for run in runs
    ]
    return html_table(heads, rows)
