import streamlit as st

from explorer.ui.home.machine import machine
from explorer.ui.home.recent import demo, recent
from explorer.ui.widgets.live_chart import load_early

st.title("What do shortcuts change?", anchor=False)
st.markdown(
    "Deeper networks should learn at least as well as shallow ones. Plain ones do not: past some depth even their "
    "*training* error grows. Residual networks carry each block's input around it, and depth helps again "
    "([He et al. 2015](https://arxiv.org/abs/1512.03385)). Here you train both, side by side, and watch."
)
left, right = st.columns([3, 2], gap="large")
with left:
    demo()
    recent()
with right:
    machine()
load_early()
