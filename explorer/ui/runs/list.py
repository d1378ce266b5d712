"""All experiments: choose, compare on one chart, rename, delete, export."""

import streamlit as st

from explorer.escaping import in_markdown, message_in_markdown
from explorer.export.views import View
from explorer.runs import experiments as library
from explorer.runs.experiments import Experiment
from explorer.runs.facts import MOST_NOTE
from explorer.studies.listing import experiments
from explorer.ui import cached, wording
from explorer.ui.errors import fragment, readable_errors
from explorer.ui.navigation import page
from explorer.ui.runs import deleted
from explorer.ui.runs.arrivals import show_last_import
from explorer.ui.runs.table import MOST_COMPARED, choose
from explorer.ui.widgets.chart_choice import choose_chart
from explorer.ui.widgets.curves import curves, curves_view, figure, run_table
from explorer.ui.widgets.experiment_export import export_experiments
from explorer.ui.widgets.progress import offer_mending
from explorer.ui.widgets.refresh import POLL_SECONDS, start_queued
from explorer.ui.widgets.take_along import take_along

MOST_LISTED = 10  # in a dialog


def compare() -> None:
    """The list, and below it the chosen experiments; refreshed while anything trains."""
    active = any(found.active for found in cached.experiments())

    def part() -> None:
        if active:
            with readable_errors():
                start_queued()
        deleted.offer_undo()
        show_last_import()
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
        chosen = choose(everything)
        for found in everything:
            _damage(found)
        if not chosen:
            st.caption("Tick one experiment to see it, or several to compare them on one chart.")
            take_along(View("experiments", ()), experiments, name="experiments")
            return
        _actions(chosen)
        _show(chosen)

    fragment(part, run_every=POLL_SECONDS if active else None)()


def _show(chosen: list[Experiment]) -> None:
    """Curves and numbers of experiments, with exports."""
    intact = [found for found in chosen if any(run.facts for run in found.runs)]
    if len(chosen) > MOST_COMPARED:
        st.caption(f"{len(chosen)} are chosen; up to {MOST_COMPARED} can be compared on one chart.")
    elif intact:
        choice = choose_chart()
        curves(intact, choice, key="compared")
        run_table(intact)
        view = curves_view(intact, choice)
        export_experiments(intact, view, lambda: figure(intact, choice), chart="compared")


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
            if chosen[0].state != "shipped" and st.button("Title and note", icon=":material/edit:", key="rename"):
                _rename(chosen[0])
        own = [found for found in chosen if not found.active and found.state != "shipped"]
        label = f"Delete ({wording.size(sum(found.bytes for found in own))})" if own else "Delete"
        note = "Those that train or are shipped stay." if len(own) < len(chosen) else None
        if st.button(label, icon=":material/delete:", key="delete", disabled=not own, help=note):
            _delete(own)
        if len(chosen) == 1:
            with st.popover("Ids", icon=":material/tag:", help="For the shell and for Python."):
                st.code("\n".join([chosen[0].id, *chosen[0].run_ids]), language=None)


@st.dialog("Title and note")
def _rename(found: Experiment) -> None:
    name = st.text_input("Title", wording.title(found), max_chars=200, key="new_title")
    note = st.text_area("Note", found.note, max_chars=MOST_NOTE, key="new_note", help="Exported with the experiment.")
    if st.button("Save", type="primary", key="rename_now"):
        with readable_errors():
            library.rename(found.id, name)
            library.annotate(found.id, note)
            cached.forget()
            st.rerun()


@st.dialog("Delete?")
def _delete(chosen: list[Experiment]) -> None:
    for found in chosen[:MOST_LISTED]:
        count = f"{len(found.runs)} {'run' if len(found.runs) == 1 else 'runs'}"
        st.markdown(f"- {in_markdown(wording.title(found))} ({count}, {wording.when(found.created)})")
    if len(chosen) > MOST_LISTED:
        st.markdown(f"- and {len(chosen) - MOST_LISTED} more")
    st.markdown("Metrics, snapshots and weights are removed from the disk once you leave the Runs page; until then it "
                "can be undone there.")  # fmt: skip
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", icon=":material/delete:", key="delete_now"):
            with readable_errors():
                deleted.keep(library.set_aside_all(chosen))
                cached.forget()
                st.rerun()
        if st.button("Cancel", key="keep"):
            st.rerun()


def _damage(found: Experiment) -> None:
    for run in found.runs:
        if run.state == "damaged":
            st.warning(f"{message_in_markdown(run.damage)} Nothing else is affected.", icon=":material/broken_image:")
            offer_mending(run)
