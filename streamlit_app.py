"""The app: `streamlit run` opens it.

A wrapper, because Streamlit takes a pages/ folder beside the main script for its older kind of pages when the first
request after a start goes to a sub-page.
"""

import streamlit as st

from explorer.files import PROJECT
from explorer.ui.access import middleware
from explorer.ui.server import lifespan, routes

script = PROJECT / "explorer" / "ui" / "main.py"
app = st.App(script, routes=routes, middleware=middleware, lifespan=lifespan)
