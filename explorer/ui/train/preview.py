"""The picture beside the form: the reader's experiment that trains or was last trained, else what to expect."""

from collections.abc import Collection

import streamlit as st

from explorer.runs.experiments import Experiment
from explorer.training.presets import PRESETS
from explorer.ui import cached
from explorer.ui.widgets.experiment_links import link
from explorer.ui.widgets.refresh import show_live
from explorer.ui.widgets.small_race import shipped_race, small_race


def preview(preset: str, networks: Collection[str]) -> None:
    """The race of the experiment that trains, else of the last one, else of the shipped networks on a preset's data.

    Args:
        preset: name in `PRESETS`.
        networks: those chosen; of the shipped ones only these are drawn, if any is among them.
    """
    active = [each for each in cached.experiments() if each.active]
    last = next((each for each in cached.experiments() if each.state != "shipped" and each.step), None)
    if shown := active[-1] if active else last:
        show_live(shown, _own)
        for each in active[:-1]:
            link(each)
        return
    plan = PRESETS[preset].plan
    expected = shipped_race(plan.data)
    if expected is not None:
        st.caption(
            f"What to expect: shipped networks after {expected.steps:,} steps. This preset takes {plan.recipe.steps:,}."
        )
        small_race(expected, set(networks) & set(expected.networks))


def _own(now: Experiment) -> None:
    link(now)
    small_race(now)
