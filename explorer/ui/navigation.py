"""The list of pages; a new page is one file in pages/ and one line here."""

import streamlit as st

from explorer.files import APP

FOLDER = APP / "pages"

# name of the file: title, icon, what it is for
PAGES = {
    "home": ("Home", ":material/home:", "What this is, and the one-minute demo."),
    "build": ("Build", ":material/account_tree:", "Every ResNet of the literature: shapes, costs, code, two compared."),
    "degradation": ("Degradation", ":material/trending_up:", "Does depth hurt? Guess, race, verdict."),
    "train": ("Train", ":material/play_circle:", "Choose networks and data, train them, watch their error."),
    "responses": ("Responses", ":material/graphic_eq:", "What layers and blocks do, through training."),
    "attributions": ("Attributions", ":material/center_focus_strong:", "Where networks look, and whether to trust it."),
    "evaluate": ("Evaluate", ":material/fact_check:", "Error, confusions, calibration; several networks together."),
    "runs": ("Runs", ":material/stacked_line_chart:", "All experiments: reopen, compare, rename, export, delete."),
    "checkpoints": (
        "Checkpoints",
        ":material/inventory_2:",
        "Weights on this machine; importing weights.",
    ),
    "data": ("Data", ":material/dataset:", "The data sets on this machine, and downloading them."),
}


def page(name: str) -> st.Page:
    """The page in pages/NAME.py, for links to it."""
    title, icon, purpose = PAGES[name]
    return st.Page(FOLDER / f"{name}.py", title=title, icon=icon, help=purpose, default=name == "home", url_path=name)
