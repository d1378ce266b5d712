import streamlit as st

from explorer.ui import wording
from explorer.ui.build.choice import choose_built
from explorer.ui.build.parts import change_parts, say_problem
from explorer.ui.build.views import VIEWS, summary
from explorer.ui.widgets.live_chart import load_early

st.title("Build", anchor=False)
st.markdown(
    "Every network that the field calls ResNet, from the same few blocks. Choose one, change its parts, and see at "
    "once what that costs. Nothing here is trained; *Train* does that."
)
left, right = st.columns([2, 5], gap="medium")
with left:
    with st.container(border=True):
        built = choose_built()
        change_parts(built)
    load_early()
with right:
    say_problem(built)
    if built.problem:
        st.error(wording.said(built.problem), icon=":material/error:")
    else:
        summary(built)
        views = [name for name in VIEWS if name != "differences" or built.beside]
        chosen = st.segmented_control(
            "View", views, format_func=lambda name: VIEWS[name].title, default="drawing", required=True,
            key="build_view", bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        if chosen:
            VIEWS[chosen].show(built)
