import streamlit as st

from explorer.ui.errors import readable_errors
from explorer.ui.recent import now_training
from explorer.ui.start_panel import start_panel
from explorer.ui.training_form import plan_of, training_form
from explorer.ui.watch import watch

chosen = st.query_params.get("experiment")
if chosen:
    watch(chosen)
else:
    st.title("Train", anchor=False)
    now_training()
    form, panel = st.columns([5, 2], gap="large")
    with form:
        choices = training_form()
    with panel, readable_errors():
        start_panel(plan_of(choices))
