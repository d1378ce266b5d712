import streamlit as st

from explorer.ui import wording
from explorer.ui.build.choice import choose_built
from explorer.ui.build.parts import change_parts, say_problem
from explorer.ui.build.views import VIEWS, summary
from explorer.ui.widgets.live_chart import load_early
from explorer.ui.widgets.views import choose_view

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
        titles = {name: view.title for name, view in VIEWS.items() if name != "differences" or built.beside}
        chosen = choose_view(titles, "build_view", default="drawing")
        if chosen:
            VIEWS[chosen].show(built)
