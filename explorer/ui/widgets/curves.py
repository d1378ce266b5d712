"""Training curves of one or several experiments, and the table of their runs."""

from collections.abc import Sequence
from contextlib import suppress

import pandas as pd
import streamlit as st

from explorer.analysis.verdict import last_steps
from explorer.errors import BadSettings
from explorer.export.views import View
from explorer.figures import Figure, race, training_curves
from explorer.figures.curve_lines import letter
from explorer.models.size import parameter_count
from explorer.runs.experiments import Experiment
from explorer.runs.store import Run
from explorer.training.recipe import LAST_TRAIN_IMAGES, Recipe
from explorer.ui import cached, wording
from explorer.ui.names import experiment_name
from explorer.ui.widgets.chart_choice import ChartChoice
from explorer.ui.widgets.live_chart import live_chart

MOST_LARGE = 40  # rows in large letters; more are in a list that scrolls
_MARKUP = r"^\*\*|\*\*$|^:\w+-badge\[:material/\w+: |\]$"  # of cells, which such a list shows as it is


def figure(chosen: Sequence[Experiment], choice: ChartChoice) -> Figure:
    """Training curves of all runs of the chosen experiments, for a light page."""
    runs = tuple(run_id for found in chosen for run_id in found.run_ids)
    table, steps = cached.metrics(runs), max((found.steps for found in chosen), default=None)
    smoothing = choice.smoothing or last_steps(steps or 0) or 1
    ends = None if choice.smoothing else cached.ends(chosen)  # other smoothing gives another end
    if len(chosen) == 1 and choice.as_race:
        return race(table, smoothing=smoothing, steps=steps, log_x=choice.log_x, ends=ends)
    return training_curves(
        table,
        steps=steps,
        titles={found.id: experiment_name(found) for found in chosen},
        ends=ends,
        **choice.options() | {"smoothing": smoothing},
    )


def curves_view(chosen: Sequence[Experiment], choice: ChartChoice) -> View:
    """What `figure` draws, with all recorded steps."""
    steps = max((found.steps for found in chosen), default=None)
    look = {"smoothing": choice.smoothing or last_steps(steps or 0) or 1, "steps": steps}
    if len(chosen) == 1 and choice.as_race:
        return View("metrics", (chosen[0].id,), look=look | {"log_x": choice.log_x or None}, figure="race")
    titles = {found.id: experiment_name(found) for found in chosen} if len(chosen) > 1 else None
    return View("metrics", tuple(found.id for found in chosen), look=choice.options() | look | {"titles": titles})


def curves(chosen: Sequence[Experiment], choice: ChartChoice, *, key: str) -> None:
    """The chart and its caption."""
    names = ", ".join(dict.fromkeys(name for found in chosen for name in found.networks))
    replay = chosen[0].id if len(chosen) == 1 and not chosen[0].active else ""
    alt = f"Training and test error of {names} against {choice.x}."
    live_chart(figure(chosen, choice), key=key, alt=alt, replay=replay)
    st.caption(_note(chosen))


def _note(chosen: Sequence[Experiment]) -> str:
    """What the errors are measured on, and what they cannot show."""
    recipes = []
    for facts in (run.facts for found in chosen for run in found.runs if run.facts):
        with suppress(BadSettings):  # a recipe with unknown settings: its curve is drawn all the same
            recipes.append(Recipe(**facts.recipe))
    sample = " or ".join(f"{count:,}" for count in sorted({recipe.evaluate_images for recipe in recipes}))
    lasts = " or ".join(
        f"{count:,} of each" if count else f"up to {LAST_TRAIN_IMAGES:,} training images and the whole test set"
        for count in sorted({recipe.last_images or 0 for recipe in recipes})
    )
    text = (
        f"Errors are measured on {sample} fixed training and test images while training; at the end on {lasts}. "
        "Drawn as training error is the error of the batches, mean of the last steps."
    )
    if max((len(found.seeds) for found in chosen), default=0) < 3:
        text += " One or two seeds cannot tell small differences apart."
    return text + cached.sampling_note(chosen)


def run_table(chosen: Sequence[Experiment]) -> None:
    """The latest numbers of every run, in letters large enough for a lecture hall."""
    rows = [
        _row(run, letter(place), errors[run.id])
        for place, found in enumerate(chosen)
        for errors in [cached.errors(found)]
        for run in found.runs
    ]
    table = pd.DataFrame(rows)
    if len(chosen) == 1:
        table = table.drop(columns="Experiment")
    alt = "Latest numbers of each run"
    if len(rows) <= MOST_LARGE:
        st.table(table, hide_index=True, border="horizontal", alt=alt)
    else:
        plain = table.replace(_MARKUP, "", regex=True)
        st.dataframe(plain, hide_index=True, alt=alt)


def _row(run: Run, mark: str, errors: tuple[float | None, float | None]) -> dict[str, object]:
    facts, progress = run.facts, run.progress
    return {
        "Experiment": f"**{mark}**",
        "Network": facts.network.name if facts else run.id,
        "Seed": str(facts.seed) if facts else "–",
        "State": wording.chip(run),
        "Step": f"{progress.step:,}/{run.steps:,}",
        "Training error": wording.percent(errors[0]),
        "Test error": wording.percent(errors[1]),
        "Parameters": f"{parameter_count(facts.network):,}" if facts else "–",
        "Images/s": f"{progress.images_per_second:,.0f}" if progress.images_per_second else "–",
        "Training time": wording.duration(progress.seconds) if progress.seconds else "–",
    }
