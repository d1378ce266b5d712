"""All experiments: choose, compare on one chart, rename, delete, export, import."""

import pandas as pd
import streamlit as st

from explorer.escaping import in_markdown, message_in_markdown
from explorer.runs import experiments as library
from explorer.runs.experiments import Experiment
from explorer.runs.listing import state_of_experiment
from explorer.ui import cached, wording
from explorer.ui.errors import fragment, readable_errors
from explorer.ui.navigation import page
from explorer.ui.runs import deleted
from explorer.ui.widgets.chart_choice import choose_chart
from explorer.ui.widgets.curves import curves, figure, run_table
from explorer.ui.widgets.experiment_export import download_buttons, export_experiment
from explorer.ui.widgets.progress import offer_mending
from explorer.ui.widgets.refresh import POLL_SECONDS, start_queued


def compare() -> None:
    """The list, and below it the chosen experiments; refreshed while anything trains."""
    active = any(found.active for found in cached.experiments())

    def part() -> None:
        if active:
            with readable_errors():
                start_queued()
        deleted.offer_undo()
        everything = cached.experiments()
        if any(found.active for found in everything) != active:
            st.rerun()
        if all(found.state == "shipped" for found in everything):
            st.info(
                "There are no experiments of your own yet. Start the one-minute demo on the Home page, choose your own "
                "networks on the Train page, or import an experiment that someone gave you.",
                icon=":material/info:",
            )
            st.page_link(page("home"), label="To the one-minute demo", icon=":material/play_arrow:")
        if not everything:
            return
        chosen = _choose(everything)
        for found in everything:
            _damage(found)
        if not chosen:
            st.caption("Tick one experiment to see it, or several to compare them on one chart.")
            return
        _actions(chosen)
        intact = [found for found in chosen if any(run.facts for run in found.runs)]
        if intact:
            choice = choose_chart()
            curves(intact, choice, key="compared")
            run_table(intact)
            if len(intact) == 1:
                export_experiment(intact[0], lambda: figure(intact, choice))
            else:
                with st.container(horizontal=True):
                    download_buttons(intact, lambda: figure(intact, choice))

    fragment(part, run_every=POLL_SECONDS if active else None)()


def _choose(everything: list[Experiment]) -> list[Experiment]:
    """The list as a table; the selection is kept in the address."""
    wanted = st.query_params.get_all("experiment")
    ids = [found.id for found in everything]
    table = pd.DataFrame([_row(found) for found in everything])
    key = f"experiments-{hash(tuple(ids))}"
    states = {state_of_experiment(found): wording.STATES[found.state][0] for found in everything}
    shown = st.dataframe(
        table,
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [ids.index(each) for each in wanted if each in ids]}},
        alt="All experiments",
        column_config={
            "State": st.column_config.MultiselectColumn(options=list(states), color=list(states.values())),
            "Progress": st.column_config.ProgressColumn(format="percent", width=110, min_value=0.0, max_value=1.0),
            "Title": st.column_config.TextColumn(width=330),
        },
    )
    rows = shown["selection"]["rows"]
    chosen = [everything[row] for row in rows if row < len(everything)]
    if [found.id for found in chosen] != wanted:
        st.query_params["experiment"] = [found.id for found in chosen]
    return chosen


def _row(found: Experiment) -> dict[str, object]:
    return {
        "Title": wording.title(found),
        "State": [state_of_experiment(found)],
        "Progress": found.step / found.steps if found.steps else 0.0,
        "Started": wording.when(found.created),
        "Data": found.data,
        "Steps": found.steps,
        "Seeds": len(found.seeds),
        "Networks": ", ".join(found.networks),
    }


def _actions(chosen: list[Experiment]) -> None:
    with st.container(horizontal=True):
        if len(chosen) == 1 and chosen[0].runs[0].facts:
            if st.button(
                "Open", icon=":material/open_in_full:", key="open", help="Its own page, with pause, resume and stop."
            ):
                st.switch_page(page("train"), query_params={"experiment": chosen[0].id})
            if st.button(
                "Race and verdict", icon=":material/trending_up:", key="race", help="What these runs show about depth."
            ):
                st.switch_page(page("degradation"), query_params={"experiment": chosen[0].id})
            if chosen[0].state != "shipped" and st.button("Rename", icon=":material/edit:", key="rename"):
                _rename(chosen[0])
        kept = any(found.active or found.state == "shipped" for found in chosen)
        if st.button("Delete", icon=":material/delete:", key="delete", disabled=kept):
            _delete(chosen)


@st.dialog("Rename the experiment")
def _rename(found: Experiment) -> None:
    name = st.text_input("Title", wording.title(found), max_chars=200, key="new_title")
    if st.button("Rename", type="primary", key="rename_now"):
        with readable_errors():
            library.rename(found.id, name)
            cached.forget()
            st.rerun()


@st.dialog("Delete?")
def _delete(chosen: list[Experiment]) -> None:
    for found in chosen:
        runs = ", ".join(run.facts.network.name if run.facts else run.id for run in found.runs)
        st.markdown(
            f"- {in_markdown(wording.title(found))} ({len(found.runs)} runs: {in_markdown(runs)}; "
            f"{wording.when(found.created)})"
        )
    st.markdown("Metrics, snapshots and weights are removed from the disk once you leave the Runs page; until then it "
                "can be undone there.")  # fmt: skip
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", icon=":material/delete:", key="delete_now"):
            with readable_errors():
                for found in chosen:
                    deleted.keep(library.set_aside(found.id, found.run_ids))
                cached.forget()
                st.rerun()
        if st.button("Cancel", key="keep"):
            st.rerun()


def import_button() -> None:
    """A button that opens the import of an experiment."""
    with st.popover("Import", icon=":material/upload:"):
        given = st.file_uploader("Experiment (zip)", type="zip", key="import", help="As exported by this app.")
        if given is not None and st.button("Import", type="primary", key="import_now"):
            experiment_id = library.import_zip(given, given.name)
            cached.forget()
            st.query_params["experiment"] = experiment_id
            st.rerun()


def _damage(found: Experiment) -> None:
    for run in found.runs:
        if run.state == "damaged":
            st.warning(f"{message_in_markdown(run.damage)} Nothing else is affected.", icon=":material/broken_image:")
            offer_mending(run)
