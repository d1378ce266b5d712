import streamlit as st

from explorer.ui.attributions.scene import choose_scene
from explorer.ui.attributions.views import VIEWS
from explorer.ui.widgets.live_chart import load_early

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Attributions", anchor=False, width="content")
    chosen = st.segmented_control(
        "View", list(VIEWS), format_func=lambda name: VIEWS[name].title, default="maps", required=True, key="view",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
load_early()
if chosen:
    st.markdown(VIEWS[chosen].question)
    scene = choose_scene()
    if scene is not None:
        VIEWS[chosen].look(scene)
