"""The app's script, run at every visit: page settings, the menu, then the chosen page."""

from pathlib import Path

import streamlit as st

from explorer.ui.address import refuse_long_texts
from explorer.ui.errors import readable_errors
from explorer.ui.navigation import menu
from explorer.ui.runs import deleted
from explorer.ui.widgets.in_hand import keep_in_hand

ICON = Path(__file__).with_name("icon.svg")

st.set_page_config(page_title="ResNet Explorer", page_icon=ICON.read_text(), layout="wide")
chosen = menu()
if chosen.url_path != "runs":
    deleted.empty()
with readable_errors():
    refuse_long_texts()
    keep_in_hand()
    chosen.run()
