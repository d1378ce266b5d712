import streamlit as st

from explorer.ui.evaluate.choice import evaluate
from explorer.ui.evaluate.errors import look_at_checkpoints
from explorer.ui.evaluate.views import VIEWS
from explorer.ui.widgets.live_chart import load_early

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Evaluate", anchor=False, width="content")
    chosen = st.segmented_control(
        "View", list(VIEWS), format_func=lambda name: VIEWS[name].title, default="errors", required=True,
        key="evaluation", bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
load_early()
if chosen:
    st.markdown(VIEWS[chosen].question)
    look = VIEWS[chosen].look
    if look is None:
        look_at_checkpoints()
    else:
        evaluated = evaluate()
        if evaluated is not None:
            look(evaluated)
