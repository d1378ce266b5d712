"""A plotly chart that is updated in place: zoom, hidden lines and hover stay while new points arrive.

`st.plotly_chart` mounts a new chart at every change; this one hands the new figure to `Plotly.react`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from explorer.figures import theme
from explorer.figures.standalone import browser_script
from explorer.ui.widgets.chart_script import SCRIPT_URL

if TYPE_CHECKING:
    from explorer.figures import Figure

_HTML = """
<div class="explorer-replay" hidden>
  <button type="button"></button>
  <input type="range" min="0" max="1000" value="1000" aria-label="Moment of the race">
  <output></output>
  <select aria-label="Duration of the replay">
    <option value="10">10 s</option><option value="20">20 s</option><option value="30">30 s</option>
    <option value="60">60 s</option>
  </select>
</div>
<div class="explorer-chart-room"><div class="explorer-chart" role="img"></div></div>
"""

_CSS = """
.explorer-chart-room { width: 100%; overflow: hidden; }
.explorer-chart .explorer-chart-note { color: var(--st-text-color); font-family: var(--st-font); padding: 1rem 0; }
.explorer-chart.explorer-chart-over .nsewdrag { cursor: pointer !important; }
.explorer-chart.explorer-replaying .textpoint { visibility: hidden; }
.explorer-chart.explorer-replaying .nsewdrag { pointer-events: none !important; }
.explorer-replay { display: flex; flex-wrap: wrap; align-items: center; gap: 0.7rem; color: var(--st-text-color); }
.explorer-replay[hidden] { display: none; }
.explorer-replay button, .explorer-replay select {
  font: inherit; color: inherit; background: var(--st-background-color); cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); padding: 0.1rem 0.6rem;
}
.explorer-replay button { width: 6.5rem; }
.explorer-replay button::before { content: attr(data-icon); margin-right: 0.5em; font-size: 0.8em; }
.explorer-replay input { flex: 1; min-width: 4rem; accent-color: var(--st-primary-color); }
.explorer-replay output { min-width: 7.5rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
.explorer-presents .explorer-replay {
  position: fixed; left: 3vw; bottom: 1.2vh; width: 60vw; font-size: max(2.4vh, 23px);
}
.explorer-presents .explorer-replay button { width: auto; }
"""

_component = st.components.v2.component(
    "resnet_explorer_chart",
    html=_HTML,
    css=_CSS,
    js=browser_script("fitting") + Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure as JSON for the browser."""

    text: str
    height: int | None


def drawn(figure: "Figure") -> Drawn:
    """A figure as `live_chart` sends it."""
    return Drawn(figure.to_json(remove_uids=False), figure.layout.height)


@st.cache_data(max_entries=100, show_spinner=False)
def cached_drawing(key: str, _draw: Callable[[], "Figure"]) -> Drawn:
    """`drawn`, cached under `key`, which contains all that the figure depends on."""
    return drawn(_draw())


def live_chart(
    figure: "Figure | Drawn",
    *,
    key: str,
    alt: str,
    filename: str = "training-curves",
    on_click: Callable[[list[Any]], None] | None = None,
    replay: str = "",
    plays: bool = False,
    scales: str = "",
) -> None:
    """Show a figure made for a light page; a later call with the same key updates it in place.

    On narrow pages its panels are stacked; on the stage of a presentation its type is enlarged.

    Args:
        figure: with a fixed height, and `uirevision` set so that the reader's zoom is kept.
        key: of the chart on its page.
        alt: what it shows, in a sentence, for a screen reader.
        filename: of the PNG that the chart's camera button saves.
        on_click: gets the `customdata` of a clicked point that has some, before the page runs again.
        replay: id of the training whose curves are shown, to offer a replay of it; empty for none.
        plays: the replay begins by itself the first time that it is shown.
        scales: while it stays the same, axes and colour scales only widen from one figure to the next; empty for new
            scales each time.
    """
    found = figure if isinstance(figure, Drawn) else drawn(figure)
    data = {"figure": found.text, "height": found.height, "alt": alt}
    clicked = None if on_click is None else lambda: on_click(st.session_state[key].click)
    _mount(
        key,
        clicked,
        **data,
        filename=filename,
        clickable=on_click is not None,
        replay=replay,
        plays=plays,
        scales=scales,
    )


def load_early() -> None:
    """Let the browser load the chart script before the first chart."""
    _mount(
        "chart-script",
        None,
        figure=None,
        height=0,
        alt="",
        filename="",
        clickable=False,
        replay="",
        plays=False,
        scales="",
    )


def _mount(key: str, clicked: Callable[[], None] | None, **data: Any) -> None:
    data |= {"script": SCRIPT_URL, "dark": theme.light_to_dark()}
    _component(key=key, data=data, height="content", on_click_change=clicked)
