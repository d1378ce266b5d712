import streamlit as st

from explorer.ui.errors import readable_errors
from explorer.ui.train.form import training_form
from explorer.ui.train.watch import now_training, watch
from explorer.ui.widgets.plan_fields import plan_of
from explorer.ui.widgets.start import start_panel

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
