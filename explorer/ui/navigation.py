"""The list of pages; a new page is one file in pages/ and one line here."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer.files import APP

FOLDER = APP / "pages"
# Without their icons the names of all pages fit a window of 1280 pixels, where some would be behind "more"
WITHOUT_ICONS = """<style>
@media (max-width: 1500px) { [data-testid=stTopNavLink] > span:first-child { display: none } }
</style>"""

# file name: title, icon, purpose
PAGES = {
    "home": ("Home", ":material/home:", "What this is, and the one-minute demo."),
    "lesson": ("Lesson", ":material/school:", "Deep residual learning in ten pictures: guess, look, conclude."),
    "build": ("Build", ":material/account_tree:", "Every ResNet of the literature: shapes, costs, code, comparison."),
    "degradation": ("Degradation", ":material/trending_up:", "Does depth hurt? Guess, race, verdict."),
    "train": ("Train", ":material/play_circle:", "Choose networks and data, train them, watch their error."),
    "responses": ("Responses", ":material/graphic_eq:", "What layers and blocks do, at each step of training."),
    "blocks": ("Blocks", ":material/content_cut:", "Operate on trained blocks; probes, similarity, loss landscapes."),
    "attributions": ("Attributions", ":material/center_focus_strong:", "Where networks look; checks of the maps."),
    "evaluate": ("Evaluate", ":material/fact_check:", "Error, confusions, calibration, ensembles."),
    "runs": ("Runs", ":material/stacked_line_chart:", "All experiments: reopen, compare, rename, export, delete."),
    "checkpoints": ("Checkpoints", ":material/inventory_2:", "Weights on this machine; import weights."),
    "data": ("Data", ":material/dataset:", "Data sets on this machine, downloads, your own pictures."),
    "glossary": ("Glossary", ":material/menu_book:", "The terms of the app, in English and Korean."),
}


def page(name: str) -> st.Page:
    """The page in pages/NAME.py, for links to it."""
    title, icon, purpose = PAGES[name]
    return st.Page(FOLDER / f"{name}.py", title=title, icon=icon, help=purpose, default=name == "home", url_path=name)


def menu() -> st.Page:
    """Draw the menu of all pages; gives the page that this run of the script is for.

    A run of the page before, such as of a part that refreshes itself, may still begin beside the run for a click, and
    Streamlit 1.67 keeps one page for both (`PagesManager`): the click would be lost. Only its request is a run's own.
    """
    pages = [page(name) for name in PAGES]
    run = get_script_run_ctx()
    if run and run.script_requests and (asked := run.script_requests._rerun_data.page_script_hash):  # noqa: SLF001
        run.pages_manager.set_script_intent(asked, "")
    chosen = st.navigation(pages, position="top")
    st.html(WITHOUT_ICONS)
    return chosen
