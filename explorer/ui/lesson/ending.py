"""The end of the lesson: run it yourself, take it along."""

from collections.abc import Mapping

import streamlit as st

from explorer.compute.client import compute
from explorer.studies.lesson import document
from explorer.training.presets import PRESETS
from explorer.ui.navigation import page
from explorer.ui.widgets.start import start_and_open
from explorer.ui.widgets.take_along import download
from explorer.ui.widgets.waiting import awaited, show_failure

MADE = "lesson_file"  # in the session: the experiment and language of the file asked for


def ending(experiment: str, language: str, words: Mapping[str, str]) -> None:
    """Two cards: train the networks, and save the lesson as a file."""
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.markdown(f"#### {words['run_yourself']}")
        st.markdown(words["run_text"])
        if st.button(words["demo"], type="primary", icon=":material/play_arrow:", key="lesson-demo"):
            start_and_open(PRESETS["one_minute"].plan, "degradation")
        st.page_link(page("degradation"), label=words["degradation"], icon=":material/trending_up:")
    with right, st.container(border=True, height="stretch"):
        st.markdown(f"#### {words['take_along']}")
        st.markdown(words["take_text"])
        if st.session_state.get(MADE) != (experiment, language):
            if st.button(words["make"], icon=":material/description:", key="lesson-make"):
                st.session_state[MADE] = experiment, language
                st.rerun()
            return
        (call,) = awaited([compute.ask(document.html, experiment, language)], words["measuring"])
        if not show_failure(call):
            download(words["save"], call.value, f"lesson-{language}.html", "download")
