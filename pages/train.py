import streamlit as st

from explorer.ui.errors import readable_errors
from explorer.ui.train.form import choose_preset, training_form
from explorer.ui.train.plan_file import plan_file_button
from explorer.ui.train.preview import preview
from explorer.ui.train.watch import watch
from explorer.ui.widgets.live_chart import load_early
from explorer.ui.widgets.plan_fields import plan_of
from explorer.ui.widgets.start import start_panel

chosen = st.query_params.get("experiment")
if chosen:
    watch(chosen)
else:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Train", anchor=False, width="content")
        preset = choose_preset()
        plan_file_button()
    load_early()
    form, picture = st.columns([3, 4], gap="medium")
    with form:
        start = st.container()
        choices = training_form(preset, picture.empty())
    with start, readable_errors():
        start_panel(plan_of(choices))
    with picture:
        preview(preset, choices["networks"])
