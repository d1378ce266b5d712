"""Import on the Runs page: one zip or a class's, what became of each run, and the way back."""

import pandas as pd
import streamlit as st

from explorer.escaping import in_markdown
from explorer.runs import transfer
from explorer.runs.transfer import Imported
from explorer.ui import cached
from explorer.ui.address import write_address
from explorer.ui.errors import readable_errors
from explorer.ui.navigation import page
from explorer.ui.runs import deleted

_DONE = "imported"  # session state: the import of several files that was made last
_COUNT = "imports"  # session state: how many were made; each begins with a closed and empty menu
MOST_ROWS = 12
FATES = {
    "joined": "joined",
    "apart": "an experiment of its own",
    "again": "left out: here already",
    "refused": "not imported",
}


def import_button() -> None:
    """A button that opens the import of experiments."""
    count = st.session_state.setdefault(_COUNT, 0)
    with st.popover("Import", icon=":material/upload:", key=f"import_menu_{count}"):
        given = st.file_uploader(
            "Experiments (zip)", type="zip", key=f"import_{count}", accept_multiple_files=True,
            help="As exported by this app. The zips of a class are dropped here together and join one experiment.",
        )  # fmt: skip
        joining = len(given) < 2 or st.toggle(
            "Join them in one experiment", value=True, key="import_join",
            help="Runs with the data and the recipe of most files. Others become experiments of their own, with what "
            "differs; the same run under two names counts once.",
        )  # fmt: skip
        if given and st.button("Import", type="primary", key="import_now"):
            with st.spinner("Checking and copying ..."):
                done = transfer.import_files([(each, each.name) for each in given], apart=not joining)
            st.session_state[_COUNT] += 1
            cached.forget()
            opened = done.experiment or next((each.run for each in done.outcomes if each.fate == "apart"), "")
            if len(given) > 1 or done.experiment:
                st.session_state[_DONE] = done
            chosen = next((found.id for found in cached.experiments() if opened in (found.id, *found.run_ids)), None)
            if chosen is not None:
                write_address("experiment", chosen)
            st.rerun()


def show_last_import() -> None:
    """What became of each run of the last import of several files, with a button that takes it back."""
    done: Imported | None = st.session_state.get(_DONE)
    if done is None:
        return
    taken = any(each.fate in ("joined", "apart") for each in done.outcomes)
    with st.container(border=True):
        st.markdown(f":material/upload: {in_markdown(done.summary())}")
        told = [each for each in done.outcomes if each.remark]
        if told:
            short = len(told) <= MOST_ROWS  # in lines that wrap and show markup; more are in a list that scrolls
            mark = in_markdown if short else str
            rows = [
                {
                    "File": mark(each.file),
                    "Network": each.network,
                    "Seed": "" if each.seed is None else str(each.seed),
                    "Outcome": FATES[each.fate],
                    "Remark": mark(each.remark),
                }
                for each in told
            ]
            alt = "Runs of the import with a remark"
            if short:
                st.table(pd.DataFrame(rows), hide_index=True, border="horizontal", alt=alt)
            else:
                st.dataframe(pd.DataFrame(rows), hide_index=True, alt=alt)
        with st.container(horizontal=True):
            if done.experiment and st.button("Race and verdict", icon=":material/trending_up:", key="import_verdict"):
                st.switch_page(page("degradation"), query_params={"experiment": done.experiment})
            if taken and st.button("Take the import back", icon=":material/undo:", key="import_undo"):
                with readable_errors():
                    deleted.keep(transfer.take_back(done.id))
                    _close()
            if st.button("Close", key="import_close", type="tertiary"):
                _close()


def _close() -> None:
    del st.session_state[_DONE]
    cached.forget()
    st.rerun()
