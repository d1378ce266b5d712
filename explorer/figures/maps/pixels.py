"""Attribution maps as pixels and as a PNG file, in the colours of the figures; no browser is needed."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_dilation, binary_erosion

from explorer.figures import theme
from explorer.figures.maps.cells import MapCell, MapValues, Pixels
from explorer.figures.maps.colours import BAR_STEPS, LINES, background, colour, colour_stops, coloured, enlarged
from explorer.figures.maps.grid import WRONG, grid_content
from explorer.figures.maps.sheet import LINE, Bar, SheetText, lay_out, letters_in, wrapped

BOLD = 0.6  # pixels of stroke around letters: the font has one weight

# Characters missing from Pillow's font.
SPELLED = str.maketrans({WRONG: "x", "×": "x", "−": "-", "–": "-", "\u2003": "   "})


def map_pixels(
    values: MapValues, signed: bool, top: float, *, show: str, pixels: Pixels, side: int, dark: bool = False
) -> Pixels:
    """A map over its picture, uint8 (side, side, 3); a picture that is not square is centred.

    Args:
        values: of the map, (H, W).
        signed: values below zero are evidence against the target.
        top: the value at the end of the colour scale.
        show: name in `maps.colours.SHOWN`.
        pixels: of the picture.
        side: in pixels.
        dark: in the colours of a dark page.
    """
    colours = theme.palette(dark=dark)
    height, width = (max(1, round(side * length / max(pixels.shape[:2]))) for length in pixels.shape[:2])
    picture = enlarged(background(pixels, show), side).resize((width, height), Image.Resampling.BOX)
    values = np.nan_to_num(values, nan=0.0)
    way = Image.Resampling.BILINEAR if show == "contour" else Image.Resampling.NEAREST
    large = np.asarray(Image.fromarray(values.astype(np.float32)).resize((width, height), way))
    if show == "contour":
        shown = _with_lines(np.array(picture), large, signed, top, colours)
    else:
        over = coloured(large, colour_stops(colours, signed=signed, show=show), top=top, signed=signed)
        opacity = over[..., 3:]
        shown = np.rint((1 - opacity) * np.asarray(picture) + opacity * 255 * over[..., :3]).astype(np.uint8)
    found = np.full((side, side, 3), colour(colours.page), np.uint8)
    down, across = (side - height) // 2, (side - width) // 2
    found[down : down + height, across : across + width] = shown
    return found


def grid_png(
    cells: Sequence[MapCell], *, show: str = "overlay", scale: str = "column", dark: bool = False, cell: int = 192
) -> bytes:
    """A grid like that of `attribution_grid` as a PNG file.

    Args:
        cells, show, scale, dark: as there.
        cell: side of a cell, in pixels.

    Raises:
        UnknownName: no such way of showing, or of sharing a scale.
        ValueError: two cells have the same place.
    """
    colours = theme.palette(dark=dark)
    sheet = lay_out(grid_content(cells, show=show, scale=scale), cell)
    drawing = Image.new("RGB", (round(sheet.width), round(sheet.height)), colours.page)
    scales = {member: each for each in sheet.scales for member in each.members}
    for position, each in enumerate(cells):
        corner = round(sheet.corners[position][0]), round(sheet.corners[position][1])
        if each.map is None:
            _draw_failure(drawing, each.failure, corner, cell, colours)
            continue
        shared = scales[position]
        shown = map_pixels(each.map, shared.signed, shared.top, show=show, pixels=each.pixels, side=cell, dark=dark)
        drawing.paste(Image.fromarray(shown), corner)
    for bar in sheet.bars:
        _draw_bar(drawing, bar, show, colours)
    for words in sheet.words:
        _write(drawing, words, colours)
    file = io.BytesIO()
    drawing.save(file, "PNG")
    return file.getvalue()


def _with_lines(
    picture: NDArray[np.uint8], values: MapValues, signed: bool, top: float, colours: theme.Palette
) -> NDArray[np.uint8]:
    """Contour lines on wider ones in the colour of the page."""
    ways = [(values, colours.depth(32)), *([(-values, colours.depth(20))] if signed else [])]
    areas = [(each >= line * top, own) for each, own in ways for line in LINES]
    # Positions with a neighbour outside the area; beyond the edge of the picture is not outside
    found = [(area & ~binary_erosion(area, border_value=1), own) for area, own in areas]
    for line, _ in found:
        picture[binary_dilation(line, iterations=2)] = colour(colours.page)
    for line, own in found:
        picture[binary_dilation(line)] = colour(own)
    return picture


def _draw_failure(
    drawing: Image.Image, failure: str, corner: tuple[int, int], side: int, colours: theme.Palette
) -> None:
    left, top = corner
    ImageDraw.Draw(drawing).rectangle((left, top, left + side - 1, top + side - 1), colours.grid)
    size = theme.TEXT_SIZE - 1
    lines = wrapped(failure, letters_in(side - 12, size))[: max(1, int(side / (size * LINE)))]
    _write(drawing, SheetText(left + side / 2, top + side / 2, "\n".join(lines), size), colours)


def _draw_bar(drawing: Image.Image, bar: Bar, show: str, colours: theme.Palette) -> None:
    """A colour bar over the colour of the page."""
    size = round(bar.width), round(bar.height)
    values = np.linspace(-bar.scale.top if bar.scale.signed else 0, bar.scale.top, BAR_STEPS, dtype=np.float32)
    stops = colour_stops(colours, signed=bar.scale.signed, show=show)
    over = coloured(values, stops, top=bar.scale.top, signed=bar.scale.signed)
    shown = (1 - over[:, 3:]) * np.array(colour(colours.page)) + over[:, 3:] * 255 * over[:, :3]
    strip = np.rint(shown).astype(np.uint8)
    strip = strip[::-1, None] if bar.upright else strip[None]
    drawing.paste(Image.fromarray(strip).resize(size, Image.Resampling.BILINEAR), (round(bar.left), round(bar.top)))


def _write(drawing: Image.Image, words: SheetText, colours: theme.Palette) -> None:
    ink = colours.muted if words.muted else colours.ink
    letters = ImageFont.load_default(size=words.size)
    pen = ImageDraw.Draw(drawing)
    lines = words.text.translate(SPELLED).split("\n")
    for place, line in enumerate(lines):
        y = words.y + (place - (len(lines) - 1) / 2) * words.size * LINE
        anchor = {"left": "lm", "center": "mm", "right": "rm"}[words.align]
        pen.text((words.x, y), line, ink, letters, anchor, stroke_width=BOLD if words.bold else 0)
