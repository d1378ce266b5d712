import streamlit as st

from explorer.ui.runs.arrivals import import_button
from explorer.ui.runs.list import compare

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    st.title("Runs", anchor=False)
    import_button()
compare()
