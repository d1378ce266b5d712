"""A report as one HTML file that opens without a network."""

from collections.abc import Sequence
from html import escape

from explorer.export.reports import content
from explorer.figures import standalone, theme

WIDTH = 1100  # pixels of the column
LONG_WORD = 30  # letters


def page(report: content.Report) -> str:
    """The HTML page; all texts are escaped."""
    sections = "\n".join(map(_section, report.sections))
    body = f'<h1>{escape(report.title)}</h1>\n<p class="facts">{escape(report.line)}</p>\n{sections}'
    figures = {picture.name: picture.figure for picture in report.pictures()}
    return standalone.document(report.title, body, figures, style=_STYLE, width=WIDTH)


def _section(section: content.Section) -> str:
    heading = f"<h2>{escape(section.heading)}</h2>\n" if section.heading else ""
    return f"<section>\n{heading}" + "\n".join(map(_block, section.blocks)) + "\n</section>"


def _block(block: content.Block) -> str:
    match block:
        case content.Sentences(text, tone):
            return f'<p class="{tone}">{_inline(text)}</p>'
        case content.Quotation(text):
            return f"<blockquote>{escape(text)}</blockquote>"
        case content.Points(sentences):
            return "<ul>" + "".join(f"<li>{_inline(each)}</li>" for each in sentences) + "</ul>"
        case content.Picture(name, _, alt):
            return standalone.figure_place(name, alt)
        case content.Code(text, _):
            return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'
        case content.Grid():
            return _grid(block)


def _grid(grid: content.Grid) -> str:
    numbers = [column in grid.numbers for column in grid.columns]
    head = f"<thead>{_row('th', grid.columns, numbers)}</thead>" if any(grid.columns) else ""
    body = "\n".join(_row("td", row, numbers) for row in grid.rows)
    table = f'<div class="grid" tabindex="0"><table>{head}\n<tbody>\n{body}\n</tbody></table></div>'
    return f"<details><summary>{escape(grid.folded)}</summary>{table}</details>" if grid.folded else table


def _row(cell: str, texts: Sequence[str], numbers: Sequence[bool]) -> str:
    cells = (
        f"<{cell}{_kind(text, number=number)}>{escape(text)}</{cell}>"
        for text, number in zip(texts, numbers, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def _kind(text: str, *, number: bool) -> str:
    """The class of a cell; only very long words are broken."""
    if number:
        return ' class="number"'
    return ' class="long"' if max(map(len, text.split()), default=0) > LONG_WORD else ""


def _inline(text: str) -> str:
    """A sentence with code in its own letters; no line ends between a number and its percent sign."""
    parts = ((escape(part, quote=False), code) for part, code in content.spans(text))
    return "".join(f"<code>{part}</code>" if code else part.replace(" %", "&nbsp;%") for part, code in parts)


def _accents(colours: theme.Palette) -> str:
    return f":root {{ --accent: {colours.depth(20)}; --warning: {colours.depth(32)}; }}"


_STYLE = f"""
{_accents(theme.LIGHT)}
@media screen and (prefers-color-scheme: dark) {{ {_accents(theme.DARK)} }}
body {{ font-size: 17px; }}
h1 {{ line-height: 1.2; margin-bottom: 0.3rem; }}
h2 {{ margin: 0 0 0.6rem; break-after: avoid; }}
section {{ border-top: 1px solid var(--grid); margin-top: 2rem; padding-top: 1.2rem; }}
.facts, .note {{ color: var(--muted); font-size: 15px; }}
.lead {{ font-size: 24px; line-height: 1.35; font-weight: 600; margin: 0.6rem 0; }}
.warning, blockquote {{ border-left: 4px solid var(--warning); margin: 0.8rem 0; padding: 0.2rem 0 0.2rem 0.9rem; }}
blockquote {{ border-color: var(--grid); white-space: pre-wrap; }}
li {{ margin: 0.25rem 0; }}
.grid {{ overflow-x: auto; margin: 1rem 0; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }}
th, td {{ text-align: left; vertical-align: top; padding: 0.3rem 1.4rem 0.3rem 0; }}
tr {{ border-bottom: 1px solid var(--grid); }}
.long {{ overflow-wrap: anywhere; min-width: 12rem; }}
th {{ color: var(--muted); font-weight: 600; font-size: 15px; }}
.number {{ text-align: right; white-space: nowrap; }}
pre {{ border: 1px solid var(--grid); border-radius: 6px; padding: 0.7rem; white-space: pre-wrap; font-size: 14px; }}
code {{ font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 0.92em; }}
@media (max-width: 600px) {{
  body {{ font-size: 16px; margin: 1rem auto; }} .lead {{ font-size: 20px; }}
  table, th {{ font-size: 13px; }} th, td {{ padding-right: 0.7rem; }}
}}
@media print {{
  body {{ font-size: 10.5pt; }} .lead {{ font-size: 14pt; }} .facts, .note, th {{ font-size: 9pt; }}
  pre {{ font-size: 8pt; }}
  tr, li, pre, .warning {{ break-inside: avoid; }} .grid {{ overflow: visible; }}
}}
"""
