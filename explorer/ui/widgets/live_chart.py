"""A plotly chart that is updated in place: zoom, hidden lines and hover stay while new points arrive.

`st.plotly_chart` mounts a new chart at every change; this one hands the new figure to `Plotly.react`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plotly
import streamlit as st
from starlette.responses import FileResponse
from starlette.routing import Route

from explorer.figures import theme

if TYPE_CHECKING:
    from explorer.figures import Figure

SCRIPT = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
SCRIPT_URL = f"explorer-plotly/{plotly.__version__}.js"  # relative, so that it works below a proxy's path

_HTML = """
<div class="explorer-chart" role="img"></div>
"""

_CSS = """
.explorer-chart { width: 100%; }
.explorer-chart .explorer-chart-note { color: var(--st-text-color); font-family: var(--st-font); padding: 1rem 0; }
.explorer-chart.explorer-chart-over .nsewdrag { cursor: pointer !important; }
"""

# Figures are made for a light page: only the browser knows at once when the reader switches to a dark one.
_JS = """
function plotly(url) {
  globalThis.explorerPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = new URL(url, document.baseURI).href
    script.onload = () => resolve(globalThis.Plotly)
    script.onerror = () => { globalThis.explorerPlotly = undefined; reject(new Error("no answer")) }
    document.head.append(script)
  })
  return globalThis.explorerPlotly
}

function isDark(element) {
  const probe = document.createElement("canvas").getContext("2d")
  probe.fillStyle = getComputedStyle(element).getPropertyValue("--st-background-color").trim() || "white"
  probe.fillRect(0, 0, 1, 1)
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data
  return 0.3 * red + 0.6 * green + 0.1 * blue < 128
}

// A figure made for a page of `meta.width` pixels grows with a wider one, as far as the window shows it whole.
function enlarge(layout, chart) {
  if (!layout.meta?.width) return
  const room = Math.max(1, (0.9 * globalThis.innerHeight) / layout.height)
  layout.height = Math.round(layout.height * Math.min(chart.clientWidth / layout.meta.width, room, 1.6))
  chart.style.minHeight = `${layout.height}px`
}

// Plotly follows the width of the window only, not that of the chart's container.
function followWidth(chart, Plotly) {
  new ResizeObserver(() => {
    const drawn = chart._fullLayout?.width
    if (drawn && chart.clientWidth && Math.abs(chart.clientWidth - drawn) > 1) Plotly.Plots.resize(chart)
  }).observe(chart)
}

function sendClicks(chart) {
  const over = (inside) => (event) => {
    chart.classList.toggle("explorer-chart-over", inside && Boolean(event.points?.[0]?.customdata))
  }
  chart.on("plotly_hover", over(true))
  chart.on("plotly_unhover", over(false))
  chart.on("plotly_click", (event) => {
    const meaning = event.points?.[0]?.customdata
    if (meaning) chart.explorerSend("click", meaning)
  })
}

export default function ({ data, parentElement, setTriggerValue }) {
  const chart = parentElement.querySelector(".explorer-chart")
  if (!chart) return
  const revision = (chart.explorerRevision = (chart.explorerRevision ?? 0) + 1)
  chart.explorerSend = setTriggerValue
  if (data.figure) {
    chart.style.minHeight = `${data.height}px`
    chart.setAttribute("aria-label", data.alt)
  }
  plotly(data.script).then(async (Plotly) => {
    if (!data.figure || !chart.isConnected || chart.explorerRevision !== revision) return
    let text = data.figure
    if (isDark(chart)) for (const [light, dark] of Object.entries(data.dark)) text = text.replaceAll(light, dark)
    if (text === chart.explorerText) return // unchanged: keep the reader's hover
    chart.explorerText = text
    const figure = JSON.parse(text)
    enlarge(figure.layout, chart)
    const first = !chart.on
    await Plotly.react(chart, figure.data, figure.layout, {
      displaylogo: false, responsive: true, showSendToCloud: false, modeBarButtonsToRemove: ["select2d", "lasso2d"],
      toImageButtonOptions: { filename: data.filename, scale: 2 },
    })
    chart.classList.remove("explorer-chart-over") // plotly loses the hovered point at a redraw
    if (first && data.clickable) sendClicks(chart)
    if (first) followWidth(chart, Plotly)
  }).catch((error) => {
    console.error(error)
    chart.innerHTML = '<div class="explorer-chart-note">The chart script did not load. Reload the page.</div>'
  })
  return () => { globalThis.Plotly?.purge(chart) }
}
"""

_component = st.components.v2.component("resnet_explorer_chart", html=_HTML, css=_CSS, js=_JS, isolate_styles=False)


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
) -> None:
    """Show a figure made for a light page; a later call with the same key updates it in place.

    Args:
        figure: with a fixed height, and `uirevision` set so that the reader's zoom is kept.
        key: of the chart on its page.
        alt: what it shows, in a sentence, for a screen reader.
        filename: of the PNG that the chart's camera button saves.
        on_click: gets the `customdata` of a clicked point that has some, before the page runs again.
    """
    found = figure if isinstance(figure, Drawn) else drawn(figure)
    data = {"figure": found.text, "height": found.height, "alt": alt}
    clicked = None if on_click is None else lambda: on_click(st.session_state[key].click)
    _mount(key, clicked, **data, filename=filename, clickable=on_click is not None)


def load_early() -> None:
    """Let the browser load the chart script before the first chart."""
    _mount("chart-script", None, figure=None, height=0, alt="", filename="", clickable=False)


def chart_script_route() -> Route:
    """The route of the chart script that ships with plotly; nothing is loaded from the internet."""

    async def script(request: Any) -> FileResponse:
        return FileResponse(SCRIPT, media_type="text/javascript", headers={"Cache-Control": "public, max-age=31536000"})

    return Route(f"/{SCRIPT_URL}", script)


def _mount(key: str, clicked: Callable[[], None] | None, **data: Any) -> None:
    data |= {"script": SCRIPT_URL, "dark": theme.light_to_dark()}
    _component(key=key, data=data, height="content", on_click_change=clicked)
