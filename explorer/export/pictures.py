"""Figures as PNG, drawn by kaleido in a Chrome or Chromium on this machine; both are optional."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING

from explorer.errors import ExplorerError, one_line
from explorer.export import INSTALL

if TYPE_CHECKING:
    from explorer.figures import Figure

SCALE = 2  # pixels of a PNG for each of the figure
HEIGHT = 500  # pixels of a figure without one
NO_KALEIDO = f"PNG needs kaleido, which is not installed. Install it with `{INSTALL}`. HTML needs nothing."
NO_BROWSER = (
    "PNG needs a Chrome or Chromium, and none was found on this machine. Install one (on Debian: `apt-get install "
    "chromium`), or name it in the environment variable BROWSER_PATH. HTML needs nothing."
)


def pngs(figures: Sequence["Figure"], *, width: int) -> list[bytes]:
    """Each figure as PNG with twice its pixels; the browser is started once, which takes two seconds.

    Args:
        figures: with heights of their own.
        width: of each, in pixels before doubling.

    Raises:
        ExplorerError: kaleido or a browser is missing, or it did not draw them.
    """
    if find_spec("kaleido") is None:
        raise ExplorerError(NO_KALEIDO)
    with ThreadPoolExecutor(1) as apart:  # a notebook has an event loop already
        try:
            return apart.submit(asyncio.run, _drawn(figures, width)).result()
        except Exception as error:  # noqa: BLE001 whatever the browser does, HTML goes on
            if type(error).__name__ == "ChromeNotFoundError":
                raise ExplorerError(NO_BROWSER) from None
            raise ExplorerError(
                f"The browser did not draw the PNG ({type(error).__name__}: {one_line(error, 200)}). Try again, or "
                "name another Chrome or Chromium in the environment variable BROWSER_PATH. HTML needs none."
            ) from None


async def _drawn(figures: Sequence["Figure"], width: int) -> list[bytes]:
    from kaleido import Kaleido

    async with Kaleido(n=1, mathjax=False) as browser:  # MathJax would be loaded from the internet
        return [await browser.calc_fig(figure.to_dict(), opts=_size(figure, width)) for figure in figures]


def _size(figure: "Figure", width: int) -> dict[str, object]:
    return {"format": "png", "width": width, "height": figure.layout.height or HEIGHT, "scale": SCALE}
