"""The race of an experiment as a picture beside other things, as on Home and beside a form."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import streamlit as st

from explorer.analysis.verdict import last_steps
from explorer.data.catalogue import dataset
from explorer.figures import race
from explorer.runs.experiments import Experiment
from explorer.ui import cached
from explorer.ui.widgets.live_chart import Drawn, cached_drawing, live_chart

if TYPE_CHECKING:
    from explorer.figures import Figure

HEIGHT = 430  # pixels
SHIPPED = {"cifar10": "shipped-cifar10", "digits": "shipped-digits"}  # races by data set


def shipped_race(data: str) -> Experiment | None:
    """The race on a data set that came with the program, if there is one."""
    return next((each for each in cached.experiments() if each.id == SHIPPED.get(data)), None)


def small_race(found: Experiment, networks: Collection[str] = ()) -> None:
    """The race of these networks of an experiment; of all of them for none."""
    figure: Figure | Drawn
    if found.active:  # another one at each poll
        figure = _figure(found, networks)
    else:
        states = [(run.id, run.state, run.progress) for run in found.runs]
        figure = cached_drawing(repr((states, sorted(networks))), lambda: _figure(found, networks))
    names = ", ".join(each for each in found.networks if not networks or each in networks)
    alt = f"Training error and test error of {names} against steps."
    live_chart(figure, key=f"small-race-{found.id}", alt=alt, filename="race")
    if found.state == "shipped":
        seeds = f"{len(found.seeds)} seeds" if len(found.seeds) > 1 else "one seed"
        st.caption(f"Measured: the shipped networks on {dataset(found.data).title}, {found.steps:,} steps, {seeds}.")


def _figure(found: Experiment, networks: Collection[str]) -> "Figure":
    table = cached.metrics(found.run_ids)
    shown = table[table["network"].isin(networks)] if networks else table
    ends = cached.ends([found])
    return race(shown, smoothing=last_steps(found.steps), steps=found.steps, height=HEIGHT, ends=ends)
