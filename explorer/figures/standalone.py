"""Figures in HTML files that open without this app and offline."""

import json
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.figures import theme

if TYPE_CHECKING:
    import plotly.graph_objects as go  # the app imports this module for its scripts alone

WIDTH = 1200  # pixels
PAPER = "180mm"  # between the margins of A4


def standalone_page(figure: "go.Figure", title: str, *, width: int = WIDTH) -> str:
    """The HTML of a page with the figure, `width` pixels wide, and plotly's script inside."""
    figure.update_layout(width=width)
    page: str = figure.to_html(include_plotlyjs=True, config={"displaylogo": False})
    return page.replace("<head>", f"<head><title>{escape(title)}</title>", 1)


def document(
    title: str, body: str, figures: Mapping[str, "go.Figure"], *, style: str = "", language: str = "en", width: int
) -> str:
    """An HTML page with text, figures and plotly's script once; light or dark as the reader's system, light on paper.

    Figures have the width of their place: on a narrow page their panels are stacked, on paper they are made smaller.

    Args:
        title: text, escaped here.
        body: HTML, with a `figure_place` for each figure.
        figures: by name, made for a light page.
        style: more rules of CSS; `var(--ink)` and so on are the colours of `theme.Palette`.
        language: code of the body's language.
        width: of the column, in pixels.
    """
    from plotly.offline import get_plotlyjs

    data = json.dumps({name: json.loads(figure.to_json(remove_uids=False)) for name, figure in figures.items()})
    return _PAGE.format(
        language=escape(language),
        title=escape(title),
        style=_STYLE.replace("WIDTH", f"{width}px") + style,
        body=body,
        plotly=get_plotlyjs(),
        figures=data.replace("<", "\\u003c"),  # in a text, "<!--" or "</script>" would be markup
        dark=json.dumps(theme.light_to_dark()),
        script=browser_script("fitting") + browser_script("standalone"),
    )


def figure_place(name: str, alt: str) -> str:
    """The place of a figure in the body of a `document`; `alt` says what it shows, for a screen reader."""
    return f'<div class="figure" data-figure="{escape(name)}"><div role="img" aria-label="{escape(alt)}"></div></div>'


@cache
def browser_script(name: str) -> str:
    """A script beside this module, which the charts of the app need too."""
    return (Path(__file__).parent / f"{name}.js").read_text(encoding="utf-8")


def _variables(colours: theme.Palette) -> str:
    return " ".join(f"--{name}: {getattr(colours, name)};" for name in ("page", "ink", "muted", "grid"))


_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
<noscript><p>The figures of this page are drawn by the script inside it. Allow scripts to see them.</p></noscript>
<script>{plotly}</script>
<script type="application/json" id="figures">{figures}</script>
<script>
const DARK = {dark}
{script}</script>
</body>
</html>
"""

_STYLE = f"""
:root {{ {_variables(theme.LIGHT)} color-scheme: light dark; }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(theme.DARK)} }} }}
body {{ font: 18px/1.5 {theme.FONT}; color: var(--ink); background: var(--page);
  max-width: WIDTH; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }}
summary {{ cursor: pointer; font-weight: 600; margin: 0.5rem 0; }}
.figure {{ width: 100%; margin: 1rem 0; break-inside: avoid; }}
.printing body {{ width: {PAPER}; max-width: none; padding: 0; margin: 0; }}
@page {{ size: A4; margin: 15mm; }}
@media print {{ .modebar {{ display: none !important; }} }}
"""
