import streamlit as st

from explorer.ui.degradation.lab import choose_experiment, lab
from explorer.ui.degradation.setup import setup, setup_popover
from explorer.ui.errors import readable_errors

name, choice, own = st.columns([3, 6, 3], vertical_alignment="center")
with name:
    st.title("Degradation", anchor=False)
with choice, readable_errors():
    chosen = choose_experiment()
if chosen:
    with own:
        setup_popover(chosen)
    with readable_errors():
        lab(chosen)
else:
    setup()
