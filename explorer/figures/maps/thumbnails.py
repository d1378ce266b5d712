"""A contact sheet of small pictures to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.escaping import in_figure
from explorer.figures import theme
from explorer.figures.maps.cells import Pixels
from explorer.figures.maps.colours import background, data_uri
from explorer.figures.maps.sheet import LINE, letters_in, shortened

WIDTH = 1100  # pixels
EDGE = 6  # around the sheet; contains the ring of a selected picture
GAP = 12  # between pictures
MOST_PICTURE = 140
MOST_LARGE = 10  # columns with titles in letters of the usual size
RING = 4
WRONG = "✗"


@dataclass(frozen=True, slots=True, eq=False)
class StripImage:
    """One picture of a contact sheet.

    Attributes:
        pixels: uint8 (H, W, 3) or (H, W, 1).
        title: below it, such as its class.
        hover: lines of its hover text.
        wrong: a network misclassifies it.
        subtitle: a second line below it.
    """

    pixels: Pixels
    title: str
    hover: Sequence[str] = ()
    wrong: bool = False
    subtitle: str = ""


def image_strip(
    pictures: Sequence[StripImage],
    *,
    selected: int | None = None,
    dark: bool = False,
    columns: int = 10,
    height: int | None = None,
) -> go.Figure:
    """Pictures in rows; the selected one has a frame, those that a network misclassifies a cross.

    A point's customdata is [position] in `pictures`, also on the title.

    Args:
        pictures: in order.
        selected: position of one of them.
        dark: for a dark page.
        columns: pictures in a row.
        height: in pixels; None takes what pictures of up to 140 pixels need.
    """
    colours = theme.palette(dark=dark)
    size = theme.TEXT_SIZE if columns <= MOST_LARGE else max(theme.TEXT_SIZE - 4, 11)
    rows = max(1, -(-len(pictures) // columns))
    side = min(MOST_PICTURE, (WIDTH - 2 * EDGE) / columns - GAP)
    title = size * LINE * (2 if any(each.subtitle for each in pictures) else 1) + 4
    if height is not None:
        side = max(1.0, min(side, (height - 2 * EDGE) / rows - GAP - title))
    across, down = side + GAP, side + title + GAP
    corners = [
        (EDGE + GAP / 2 + place % columns * across, EDGE + GAP / 2 + place // columns * down)
        for place in range(len(pictures))
    ]
    needed = 2 * EDGE + rows * down
    data = [] if not pictures else [_surface(pictures, columns, rows, across, down)]
    data.append(_titles(pictures, corners, side, size, title, colours))
    if selected is not None:
        data.append(_ring(corners[selected], side, title, colours))
    layout = theme.layout(colours, height=round(height or needed)) | {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "xaxis": _axis([0, 2 * EDGE + columns * across], "center"),
        "yaxis": _axis([needed, 0], "top") | {"scaleanchor": "x"},
        "dragmode": False,
        "images": [_image(picture, corner, side) for picture, corner in zip(pictures, corners, strict=True)],
    }
    return go.Figure({"data": data, "layout": layout})


def _axis(span: list[float], towards: str) -> dict[str, Any]:
    return {"visible": False, "fixedrange": True, "range": span, "constrain": "domain", "constraintoward": towards}


def _surface(pictures: Sequence[StripImage], columns: int, rows: int, across: float, down: float) -> dict[str, Any]:
    """An invisible heat map with a field for each picture and its title, for hover and clicks."""
    count = len(pictures)
    z = np.full(rows * columns, np.nan, np.float32)
    z[:count] = 0
    texts = ["<br>".join([f"<b>{in_figure(each.title)}</b>", *map(in_figure, each.hover)]) for each in pictures] + [
        ""
    ] * (rows * columns - count)
    clicks = [[place] if place < count else None for place in range(rows * columns)]
    lines = range(0, rows * columns, columns)
    return {
        "type": "heatmap",
        "uid": "pictures",
        "x": EDGE + across * np.arange(columns + 1),
        "y": EDGE + down * np.arange(rows + 1),
        "z": z.reshape(rows, columns),
        "customdata": [clicks[line : line + columns] for line in lines],
        "hovertext": [texts[line : line + columns] for line in lines],
        "hoverinfo": "text",
        "hoverongaps": False,
        "colorscale": [[0, theme.CLEAR], [1, theme.CLEAR]],
        "showscale": False,
    }


def _titles(
    pictures: Sequence[StripImage],
    corners: Sequence[tuple[float, float]],
    side: float,
    size: int,
    height: float,
    colours: theme.Palette,
) -> dict[str, Any]:
    letters = letters_in(side + GAP, size)
    firsts = [shortened(f"{WRONG} {each.title}" if each.wrong else each.title, letters) for each in pictures]
    seconds = [shortened(each.subtitle, letters) for each in pictures]
    texts = ["<br>".join(map(in_figure, filter(None, lines))) for lines in zip(firsts, seconds, strict=True)]
    return {
        "type": "scatter",
        "uid": "titles",
        "mode": "text",
        "x": [left + side / 2 for left, _ in corners],
        "y": [top + side + height / 2 for _, top in corners],
        "text": texts,
        "textfont": {"size": size, "color": colours.ink},
        "hoverinfo": "skip",
        "showlegend": False,
        "cliponaxis": False,
    }


def _ring(corner: tuple[float, float], side: float, title: float, colours: theme.Palette) -> dict[str, Any]:
    """A frame around a picture and its title."""
    left, top = (place - GAP / 2 + RING / 2 for place in corner)
    right, bottom = left + side + GAP - RING, top + side + title + GAP - RING
    return {
        "type": "scatter",
        "uid": "selected",
        "mode": "lines",
        "x": [left, right, right, left, left],
        "y": [top, top, bottom, bottom, top],
        "line": {"color": colours.ink, "width": RING},
        "hoverinfo": "skip",
        "showlegend": False,
        "cliponaxis": False,
    }


def _image(picture: StripImage, corner: tuple[float, float], side: float) -> dict[str, Any]:
    """A picture in the middle of its field."""
    height, width = (side * length / max(picture.pixels.shape[:2]) for length in picture.pixels.shape[:2])
    left, top = corner[0] + (side - width) / 2, corner[1] + (side - height) / 2
    place = {"x": left, "y": top, "sizex": width, "sizey": height, "xref": "x", "yref": "y"}
    return place | {"source": data_uri(background(picture.pixels, "picture")), "sizing": "stretch", "layer": "below"}
