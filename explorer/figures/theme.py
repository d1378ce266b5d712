"""Colours, line styles and font sizes of all figures; the only place of colour literals."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

FONT = "'Source Sans', 'Source Sans 3', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
TEXT_SIZE = 15
LETTER, BOLD_LETTER = 0.56, 0.68  # width of a letter relative to the font size, in the widest font
TITLE_SIZE = 18
CLEAR = "rgba(0,0,0,0)"

# The same depth has the same colour in every figure. Each two differ for protan, deutan and tritan vision and from the
# page (a unit test measures both); 20, 32 and 56, the usual choice, differ most.
USUAL_DEPTHS = (8, 14, 20, 32, 44, 56, 110, 1202)

# Of heat maps; readable on light and dark pages, and with colour vision deficiencies.
SEQUENTIAL = "Viridis"
ON_LIGHT, ON_DARK = "black", "white"  # letters on that scale, which is the same on every page

# Plain, residual and dense differ in panel, dash or marker, never in colour alone.
DASHES = {"plain": "6px,3px", "residual": "solid", "dense": "10px,3px,2px,3px"}
DASH_WORDS = {"plain": "dashed: plain", "residual": "solid: residual", "dense": "dash-dotted: dense"}
MARKERS = {"plain": ("square-open", "diamond-open", "triangle-up-open", "x-thin-open"),
           "residual": ("circle", "diamond", "triangle-up", "cross"),
           "dense": ("circle-open", "hexagon-open", "star-open", "asterisk-open")}  # fmt: skip
MARKER_SIGNS = "●◆▲✚"  # the same in text


@dataclass(frozen=True, slots=True)
class Palette:
    """One appearance of the figures.

    Attributes:
        page: what is behind a figure.
        ink: letters.
        muted: ticks and notes.
        grid: grid lines.
        depths: colours of `USUAL_DEPTHS`, in their order.
        others: colours of all other depths, by a fixed rule, and of further networks of one kind and depth.
    """

    page: str
    ink: str
    muted: str
    grid: str
    depths: tuple[str, ...]
    others: tuple[str, ...]

    def depth(self, depth: int) -> str:
        """The colour of the networks of one depth."""
        if depth in USUAL_DEPTHS:
            return self.depths[USUAL_DEPTHS.index(depth)]
        return self.others[(depth - 2) // 6 % len(self.others)]

    def network(self, depth: int, variant: int = 0) -> str:
        """The colour of its depth; another one for a `variant` above 0."""
        if not variant:
            return self.depth(depth)
        free = [colour for colour in self.others if colour != self.depth(depth)]
        return free[(variant - 1) % len(free)]

    @property
    def diverging(self) -> list[tuple[float, str]]:
        """A colour scale from blue over nearly the page colour, for zero, to orange."""
        return [(0.0, self.depth(20)), (0.5, self.grid), (1.0, self.depth(32))]

    @property
    def colours(self) -> tuple[str, ...]:
        return (self.page, self.ink, self.muted, self.grid, *self.depths, *self.others)


LIGHT = Palette(
    page="#FFFFFF",
    ink="#1B2430",
    muted="#566273",
    grid="#E3E8EF",
    depths=("#BB2A0D", "#672F10", "#1D6FE0", "#D98000", "#00694C", "#E0368C", "#4A1A8C", "#20252E"),
    others=("#0E7C9B", "#8A6D00", "#9B3FBF", "#5E6B78"),
)
DARK = Palette(
    page="#10151C",
    ink="#E8EDF4",
    muted="#A5B1C1",
    grid="#2A333F",
    depths=("#BA9104", "#AC5A1E", "#5AA2FF", "#FFB938", "#86F0CE", "#F0569F", "#8F63F0", "#F5F7FA"),
    others=("#4CC3E0", "#D8C24A", "#D08BF0", "#A2AFBE"),
)


def palette(*, dark: bool = False) -> Palette:
    """The colours for a light or a dark page."""
    return DARK if dark else LIGHT


def variants(networks: Iterable[tuple[str, int, str]]) -> dict[str, int]:
    """A number for each network of a figure, by name: 0 for the first of its kind and depth, 1, 2, ... for all others.

    So resnet20 keeps the colour of its depth in a figure with seresnet20 and preresnet20.

    Args:
        networks: kind, depth and name of each.
    """
    numbers: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    further = 0
    for kind, depth, name in sorted(set(networks), key=lambda each: (*each[:2], len(each[2]), each[2])):
        if (kind, depth) in seen:
            further += 1
        numbers[name] = further if (kind, depth) in seen else 0
        seen.add((kind, depth))
    return numbers


def dash_words(kinds: Iterable[str]) -> str:
    """The key of line styles; empty for a single kind."""
    there = set(kinds)
    return ", ".join(words for kind, words in DASH_WORDS.items() if kind in there) if len(there) > 1 else ""


def light_to_dark() -> dict[str, str]:
    """Dark colour by light colour, for a browser that recolours a figure."""
    return dict(zip(LIGHT.colours, DARK.colours, strict=True))


def layout(colours: Palette, *, height: int) -> dict[str, Any]:
    """Font, page, hover and buttons of every figure; zoom is kept when one replaces another.

    The page is drawn too: behind a saved picture, or in a notebook, it may be light or dark.
    """
    letters = {"family": FONT, "size": TEXT_SIZE, "color": colours.ink}
    return {
        "template": "none",
        "height": height,
        "font": letters,
        "paper_bgcolor": colours.page,
        "plot_bgcolor": CLEAR,
        "uirevision": "kept",
        "hovermode": "closest",
        "hoverdistance": 30,
        "hoverlabel": {"font": letters, "bgcolor": colours.page, "bordercolor": colours.grid, "namelength": -1},
        "modebar": {"bgcolor": CLEAR, "color": colours.muted, "activecolor": colours.ink},
    }


def axis(colours: Palette) -> dict[str, Any]:
    """Lines, ticks and fonts of an axis."""
    return {
        "gridcolor": colours.grid,
        "linecolor": colours.muted,
        "showline": True,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": colours.muted,
        "tickfont": {"size": TEXT_SIZE, "color": colours.muted},
    }


def axis_title(text: str) -> dict[str, Any]:
    """The title of an axis."""
    return {"text": text, "font": {"size": TEXT_SIZE + 1}, "standoff": 12}
