"""Colours of attribution maps and the picture behind them, for figures and files."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from plotly.colors import get_colorscale

from explorer.figures import theme
from explorer.figures.maps.cells import MapValues, Pixels

Stops = list[tuple[float, str]]  # part of a colour scale, #RRGGBB or #RRGGBBAA

# How a map is shown, by name.
SHOWN = {
    "overlay": "over the picture, with stronger colours for larger values",
    "map": "the map alone",
    "contour": "lines over the picture",
}
MOST_OPAQUE = 0.85  # of an overlay, so that the picture shows through everywhere
LINES = (0.25, 0.5, 0.75)  # of the end of the scale
MOST_SIDE = 128  # positions of a map that are drawn
MOST_POSITIONS = 4 * MOST_SIDE**2  # in a figure, which a browser has to load
BAR_STEPS = 64  # of a colour bar
PICTURE_SIDE = 256  # pixels at least; browsers smooth what they enlarge


def colour_stops(colours: theme.Palette, *, signed: bool, show: str) -> Stops:
    """A colour scale from zero, or from -top to top where it is signed: orange for the target, blue against it."""
    against, towards = colours.depth(20), colours.depth(32)
    if show == "map":
        return colours.diverging if signed else [(part, colour) for part, colour in get_colorscale(theme.SEQUENTIAL)]
    if show == "contour":
        return [(0.0, f"{colours.page}00"), (1.0, f"{colours.page}00")]
    most = f"{round(255 * MOST_OPAQUE):02X}"
    if signed:
        return [(0.0, against + most), (0.5, f"{against}00"), (0.5, f"{towards}00"), (1.0, towards + most)]
    return [(0.0, f"{towards}00"), (1.0, towards + most)]


def coloured(values: MapValues, stops: Stops, *, top: float, signed: bool) -> NDArray[np.float64]:
    """Colours of values, (..., 4): red, green, blue and opacity from 0 to 1."""
    part = np.clip((values / top + 1) / 2 if signed else values / top, 0, 1)
    channels = np.array([_channels(colour) for _, colour in stops])
    places = [place for place, _ in stops]
    return np.stack([np.interp(part, places, channel) for channel in channels.T], axis=-1)


def colour(text: str) -> tuple[int, int, int]:
    """Red, green and blue of #RRGGBB, 0 to 255."""
    red, green, blue, _ = _channels(text)
    return round(255 * red), round(255 * green), round(255 * blue)


def background(pixels: Pixels, show: str) -> Pixels:
    """The picture behind a map, (H, W, 3); grey under an overlay, so that colours do not mix."""
    red_green_blue = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    if show != "overlay":
        return np.ascontiguousarray(red_green_blue)
    grey = Image.fromarray(np.ascontiguousarray(red_green_blue)).convert("L")
    return np.asarray(grey.convert("RGB"))


def drawn_side(maps: int) -> int:
    """Positions a side that are drawn of each of this many maps."""
    return min(MOST_SIDE, int((MOST_POSITIONS / max(1, maps)) ** 0.5))


def averaged(values: MapValues, most: int) -> MapValues:
    """A map with at most `most` positions a side, each the mean of those it covers."""
    height, width = values.shape
    largest = max(height, width)
    if largest <= most:
        return values
    size = max(1, round(width * most / largest)), max(1, round(height * most / largest))
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BOX))


def enlarged(pixels: Pixels, side: int) -> Image.Image:
    """A picture enlarged by a whole number, to at least `side` pixels on its longer side."""
    height, width = pixels.shape[:2]
    times = max(1, -(-side // max(height, width)))
    return Image.fromarray(pixels).resize((width * times, height * times), Image.Resampling.NEAREST)


def data_uri(pixels: Pixels) -> str:
    """A picture, (H, W, 3), as a data URI."""
    file = io.BytesIO()
    enlarged(pixels, PICTURE_SIDE).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _channels(text: str) -> list[float]:
    """Red, green, blue and opacity of #RRGGBB or #RRGGBBAA, from 0 to 1."""
    return [int(text[start : start + 2] or "FF", 16) / 255 for start in (1, 3, 5, 7)]
