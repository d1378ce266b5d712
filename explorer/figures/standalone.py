"""A figure as a standalone HTML page, which opens without this app and offline."""

from html import escape

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

WIDTH = 1200  # pixels


def standalone_page(figure: go.Figure, title: str, *, width: int = WIDTH) -> str:
    """The HTML of a page with the figure, `width` pixels wide, and plotly's script inside."""
    figure.update_layout(width=width)
    page: str = figure.to_html(include_plotlyjs=True, config={"displaylogo": False})
    return page.replace("<head>", f"<head><title>{escape(title)}</title>", 1)


def plotly_script() -> str:
    """Plotly's script, for a page with several figures."""
    found: str = get_plotlyjs()
    return found
