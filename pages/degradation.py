import streamlit as st

from explorer.ui.degradation.lab import choose_experiment, lab
from explorer.ui.degradation.setup import setup, setup_popover
from explorer.ui.errors import readable_errors

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Degradation", anchor=False, width="content")
    choice, own = st.container(width=480), st.container(width=240)
with choice, readable_errors():
    chosen = choose_experiment()
if chosen:
    with own:
        setup_popover(chosen)
    with readable_errors():
        lab(chosen)
else:
    setup()
