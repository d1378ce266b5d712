import streamlit as st

from explorer.ui.build.choice import choose_build
from explorer.ui.build.parts import change_parts, show_problem
from explorer.ui.build.views import VIEWS, summary
from explorer.ui.widgets.live_chart import load_early
from explorer.ui.widgets.views import choose_view

st.title("Build", anchor=False)
st.markdown(
    "Every network that the literature calls ResNet, from the same few blocks. Choose one, change its parts, and see "
    "at once what it costs. Nothing is trained here; the Train page does that."
)
left, right = st.columns([2, 5], gap="medium")
with left:
    with st.container(border=True):
        choice = choose_build()
        change_parts(choice)
    load_early()
with right:
    show_problem(choice)
    if not choice.problem:
        summary(choice)
        titles = {name: view.title for name, view in VIEWS.items() if name != "differences" or choice.other}
        chosen = choose_view(titles, "build_view", default="drawing")
        if chosen:
            VIEWS[chosen].show(choice)
