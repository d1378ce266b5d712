"""The app: `streamlit run` opens it.

A wrapper, because Streamlit takes a pages/ folder beside the main script for its older kind of pages when the first
request after a start goes to a sub-page.
"""

from pathlib import Path

import streamlit as st

from explorer.ui.access import middleware
from explorer.ui.server import lifespan, routes

script = Path(__file__).resolve().parent / "explorer" / "ui" / "main.py"
app = st.App(script, routes=routes, middleware=middleware, lifespan=lifespan)
