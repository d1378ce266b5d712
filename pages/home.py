import streamlit as st

from explorer.ui.home.machine import machine
from explorer.ui.home.pictures import block, race
from explorer.ui.home.recent import demo, recent
from explorer.ui.widgets.live_chart import load_early

st.title("What do shortcuts change?", anchor=False)
st.markdown(
    "A deeper plain network can end with a higher *training* error than a shallower one. Residual networks carry the "
    "input of each block around it ([He et al. 2015](https://arxiv.org/abs/1512.03385)). Here you train both, side by "
    "side, and watch."
)
load_early()
left, right = st.columns([5, 3], gap="medium")
with right:
    demo()
    drawing = st.container()
shown = left.container()
left, right = st.columns([5, 3], gap="medium")
with left:
    recent()
with right:
    machine()
with drawing:  # last, since the first figure waits for plotly and pandas
    block()
with shown:
    race()
