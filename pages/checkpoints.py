import streamlit as st

from explorer.ui.checkpoints.importing import follow, import_form, outcome
from explorer.ui.checkpoints.table import choose_checkpoint
from explorer.ui.errors import readable_errors

st.title("Checkpoints", anchor=False)
st.markdown(
    "Trained weights on this machine. Import third-party weights: the architecture is inferred from tensor shapes, "
    "whatever the layers are called, and nothing in a file is executed."
)
left, right = st.columns([2, 5], gap="medium")
with left, st.container(border=True), readable_errors():
    import_form()
    progress = st.container()
with right, readable_errors():
    above = st.container()
    chosen = choose_checkpoint()
    with above:
        outcome(chosen)
with progress, readable_errors():
    follow()
