import streamlit as st

from explorer.ui.responses.trained import STUDIES, show_study
from explorer.ui.responses.untrained import INITIAL_STUDIES, show_initial_study
from explorer.ui.widgets.live_chart import load_early
from explorer.ui.widgets.network_choice import choose_networks
from explorer.ui.widgets.views import choose_view

st.title("Responses", anchor=False)
titles = {name: study.title for name, study in (STUDIES | INITIAL_STUDIES).items()}
chosen = choose_view(titles, "study", default="responses", label="Study")
load_early()
if chosen in STUDIES:
    show_study(chosen, choose_networks())
elif chosen:
    show_initial_study(chosen)
