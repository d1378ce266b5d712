"""A sheet of attribution maps as a plotly figure."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.escaping import in_figure
from explorer.figures import theme
from explorer.figures.maps.cells import ColourScale, MapCell
from explorer.figures.maps.colours import BAR_STEPS, LINES, averaged, background, colour_stops, data_uri, drawn_side
from explorer.figures.maps.sheet import Bar, Sheet, SheetText, letters_in, wrapped

SELECTED = 4  # pixels
PLACE = {
    "left": "middle right",
    "center": "middle center",
    "right": "middle left",
}  # of a text and its point


def sheet_figure(
    sheet: Sheet, cells: Sequence[MapCell], hovers: Sequence[str], *, show: str, colours: theme.Palette, height: float
) -> go.Figure:
    """Pictures, maps, texts and colour bars on one pair of axes, which keep cells square at every width of the page.

    A point's customdata is [position of its cell in `cells`], its text the place in the picture. Cells have the trace
    ids "cell-ROW-COLUMN" with numbers from zero.

    Args:
        hovers: hover text of each cell, without the value at the pointer.
        height: of the figure, in pixels.
    """
    scale_of = {member: scale for scale in sheet.scales for member in scale.members}
    style: dict[str, Any] = {"show": show, "colours": colours, "most": drawn_side(len(cells))}
    data: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    pictures: dict[bytes, str] = {}  # many cells have the same picture
    for position, cell in enumerate(cells):
        corner = sheet.corners[position]
        uid = "cell-{}-{}".format(*sheet.places[position])
        if cell.map is None:
            data += _failed(cell, position, corner, sheet.side, uid, colours)
            shapes.append(_frame(corner, sheet.side, colours))
            continue
        box = _box(corner, sheet.side, cell.pixels.shape[:2])
        if show != "map":
            key = repr(cell.pixels.shape).encode() + cell.pixels.tobytes()
            pictures[key] = pictures.get(key) or data_uri(background(cell.pixels, show))
            images.append(_picture(pictures[key], box))
        data += _map(cell, position, box, scale_of[position], hovers[position], uid=uid, **style)
    data += [_bar(bar, number, show, colours) for number, bar in enumerate(sheet.bars)]
    data.append(_texts(sheet.words, colours))
    layout = theme.layout(colours, height=round(height)) | {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "meta": {"width": sheet.width},  # for `ui.widgets.live_chart`, which enlarges it on a wider page
        "xaxis": _axis([0, sheet.width], "center"),
        "yaxis": _axis([sheet.height, 0], "top") | {"scaleanchor": "x"},
        "dragmode": False,
        "images": images,
        "shapes": shapes,
    }
    return go.Figure({"data": data, "layout": layout})


def _axis(span: list[float], towards: str) -> dict[str, Any]:
    """An invisible axis that keeps its scale at every width of the page."""
    return {"visible": False, "fixedrange": True, "range": span, "constrain": "domain", "constraintoward": towards}


def _box(corner: tuple[float, float], side: float, shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Left, top, width and height of a picture in the middle of its cell."""
    height, width = (side * length / max(shape) for length in shape)
    return corner[0] + (side - width) / 2, corner[1] + (side - height) / 2, width, height


def _picture(source: str, box: tuple[float, float, float, float]) -> dict[str, Any]:
    left, top, width, height = box
    place = {"x": left, "y": top, "sizex": width, "sizey": height, "xref": "x", "yref": "y"}
    return place | {"source": source, "sizing": "stretch", "layer": "below"}


def _map(
    cell: MapCell,
    position: int,
    box: tuple[float, float, float, float],
    scale: ColourScale,
    hover: str,
    *,
    uid: str,
    most: int,
    show: str,
    colours: theme.Palette,
) -> list[dict[str, Any]]:
    """The map as a heat map, transparent where it is shown as contour lines."""
    assert cell.map is not None
    left, top, width, height = box
    values = averaged(cell.map, most)
    rows, columns = values.shape
    dx, dy = width / columns, height / rows
    place = {"x0": left + dx / 2, "dx": dx, "y0": top + dy / 2, "dy": dy, "z": values.astype(np.float32)}
    high, wide, _ = cell.pixels.shape
    x, y = (np.arange(columns) + 0.5) * wide / columns, (np.arange(rows) + 0.5) * high / rows
    pointed = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)
    trace = {
        "type": "heatmap",
        "uid": uid,
        "name": in_figure(f"{cell.row}, {cell.column}"),
        "colorscale": colour_stops(colours, signed=scale.signed, show=show),
        "zmin": -scale.top if scale.signed else 0,
        "zmax": scale.top,
        "showscale": False,
        "hoverongaps": False,
        "customdata": np.full((rows, columns, 1), position, object),  # the browser would send back numbers as no list
        "text": pointed.astype(np.uint16),
        "hovertemplate": f"{hover}<br>x %{{text[0]}}, y %{{text[1]}}: %{{z:.3~g}}<extra></extra>",
    }
    return [trace | place, *(_lines(place, scale, uid, colours) if show == "contour" else [])]


def _lines(place: dict[str, Any], scale: ColourScale, uid: str, colours: theme.Palette) -> list[dict[str, Any]]:
    """Contour lines on wider lines in the colour of the page, which stand out from every picture."""
    ways = [("towards", 1, colours.depth(32))] + ([("against", -1, colours.depth(20))] if scale.signed else [])
    parts = [("edge", 3.5), ("line", 1.75)]
    first, last = LINES[0] * scale.top, LINES[-1] * scale.top
    return [
        place
        | {
            "type": "contour",
            "uid": f"{uid}-{way}-{part}",
            "autocontour": False,
            "contours": {
                "coloring": "none",
                "start": first if sign > 0 else -last,
                "end": last if sign > 0 else -first,
                "size": first,
            },
            "line": {"color": own if part == "line" else colours.page, "width": width},
            "showscale": False,
            "showlegend": False,
            "hoverinfo": "skip",
        }
        for part, width in parts
        for way, sign, own in ways
    ]


def _failed(
    cell: MapCell, position: int, corner: tuple[float, float], side: float, uid: str, colours: theme.Palette
) -> list[dict[str, Any]]:
    """A box with the reason, clickable like a map."""
    middle = [corner[0] + side / 2], [corner[1] + side / 2]
    box = {
        "type": "heatmap",
        "uid": uid,
        "name": in_figure(f"{cell.row}, {cell.column}"),
        "x": [corner[0], corner[0] + side],
        "y": [corner[1], corner[1] + side],
        "z": [[0]],
        "colorscale": [[0, theme.CLEAR], [1, theme.CLEAR]],
        "showscale": False,
        "customdata": [[[position]]],
        "hovertemplate": f"<b>{in_figure(cell.row)}</b>, {in_figure(cell.column)}<br>"
        f"{'<br>'.join(map(in_figure, wrapped(cell.failure, 60)))}<extra></extra>",
    }
    lines = wrapped(cell.failure, letters_in(side - 12, theme.TEXT_SIZE - 1))
    most = max(1, int(side / (1.4 * theme.TEXT_SIZE)))
    text = "<br>".join(map(in_figure, lines if len(lines) <= most else [*lines[: most - 1], "…"]))
    words = {"type": "scatter", "mode": "text", "x": middle[0], "y": middle[1], "text": [text], "hoverinfo": "skip"}
    letters = {"size": theme.TEXT_SIZE - 1, "color": colours.ink}
    return [box, words | {"uid": f"{uid}-why", "textfont": letters, "showlegend": False, "cliponaxis": False}]


def _frame(corner: tuple[float, float], side: float, colours: theme.Palette) -> dict[str, Any]:
    left, top = corner
    ends = {"x0": left, "x1": left + side, "y0": top, "y1": top + side, "layer": "below"}
    return ends | {"type": "rect", "fillcolor": colours.grid, "line": {"width": 0}}


def selection(sheet: Sheet, position: int, colours: theme.Palette) -> dict[str, Any]:
    """A frame around a cell."""
    box = _frame(sheet.corners[position], sheet.side, colours)
    return box | {"layer": "above", "fillcolor": theme.CLEAR, "line": {"width": SELECTED, "color": colours.ink}}


def _bar(bar: Bar, number: int, show: str, colours: theme.Palette) -> dict[str, Any]:
    """A colour bar as a heat map of one row or column."""
    low, high = -bar.scale.top if bar.scale.signed else 0.0, bar.scale.top
    values = np.linspace(low, high, BAR_STEPS, dtype=np.float32)
    x, y = [bar.left, bar.left + bar.width], [bar.top, bar.top + bar.height]  # edges
    ways: dict[str, Any] = {"x": np.linspace(x[0], x[1], BAR_STEPS + 1), "y": y, "z": values[None]}
    if bar.upright:
        ways = {"x": x, "y": np.linspace(y[1], y[0], BAR_STEPS + 1), "z": values[:, None]}
    style = {"colorscale": colour_stops(colours, signed=bar.scale.signed, show=show), "zmin": low, "zmax": high}
    return {"type": "heatmap", "uid": f"scale-{number}", "showscale": False, "hoverinfo": "skip"} | ways | style


def _texts(words: Sequence[SheetText], colours: theme.Palette) -> dict[str, Any]:
    texts = [in_figure(each.text).replace("\n", "<br>") for each in words]
    return {
        "type": "scatter",
        "uid": "texts",
        "mode": "text",
        "x": [each.x for each in words],
        "y": [each.y for each in words],
        "text": [f"<b>{text}</b>" if each.bold else text for each, text in zip(words, texts, strict=True)],
        "textposition": [PLACE[each.align] for each in words],
        "textfont": {
            "size": [each.size for each in words],
            "color": [colours.muted if each.muted else colours.ink for each in words],
        },
        "hoverinfo": "skip",
        "showlegend": False,
        "cliponaxis": False,
    }
