import streamlit as st

from explorer.ui.degradation.lab import choose_experiment, lab
from explorer.ui.degradation.setup import setup
from explorer.ui.errors import readable_errors

st.title("Degradation", anchor=False)
st.markdown(
    "A deeper network can represent whatever a shallower one can, so its *training* error should be no higher. In "
    "plain networks it is. Make a guess, watch the race, and read the verdict."
)
left, right = st.columns([2, 5], gap="medium")
with left, st.container(border=True):
    setup()
with right, readable_errors():
    chosen = choose_experiment()
    if chosen:
        lab(chosen)
