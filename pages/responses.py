import streamlit as st

from explorer.ui.responses.trained import STUDIES, look
from explorer.ui.responses.untrained import INITIAL_STUDIES, look_untrained
from explorer.ui.widgets.live_chart import load_early
from explorer.ui.widgets.network_choice import choose_networks

st.title("Responses", anchor=False)
titles = {name: study.title for name, study in (STUDIES | INITIAL_STUDIES).items()}
chosen = st.segmented_control(
    "Study", titles, format_func=titles.__getitem__, default="responses", required=True, key="study",
    bind="query-params", label_visibility="collapsed",
)  # fmt: skip
load_early()
if chosen in STUDIES:
    look(chosen, choose_networks())
elif chosen:
    look_untrained(chosen)
