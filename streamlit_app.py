"""The app: `streamlit run` opens it. Why it is a wrapper: README.md, "A map of the files"."""

from pathlib import Path

import streamlit as st

from explorer.ui.server import lifespan, routes

app = st.App(Path(__file__).resolve().parent / "explorer" / "ui" / "main.py", routes=routes, lifespan=lifespan)
