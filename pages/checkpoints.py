import streamlit as st

from explorer.ui.checkpoints.bring_in import bring_in, follow, outcome
from explorer.ui.checkpoints.table import look_at_checkpoints
from explorer.ui.errors import readable_errors

st.title("Checkpoints", anchor=False)
st.markdown(
    "Trained weights on this machine. Import third-party weights: the architecture is inferred from tensor shapes, "
    "whatever the layers are called, and nothing in a file is executed."
)
left, right = st.columns([2, 5], gap="medium")
with left, st.container(border=True), readable_errors():
    bring_in()
    progress = st.container()
with right, readable_errors():
    above = st.container()
    chosen = look_at_checkpoints()
    with above:
        outcome(chosen)
with progress, readable_errors():
    follow()
