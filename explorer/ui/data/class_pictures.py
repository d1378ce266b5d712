"""Pictures of each class of a data set."""

import numpy as np
from numpy.typing import NDArray

from explorer.data.catalogue import dataset
from explorer.data.pixels import load_test
from explorer.figures import Figure, StripImage, image_strip
from explorer.ui.errors import readable_errors
from explorer.ui.widgets.live_chart import cached_drawing, live_chart

SIDE = 2  # of a class's square of pictures
COLUMNS = 5
MOST = 10  # classes shown
GREY = 128  # between the pictures
HEIGHT = 236  # pixels: two rows fit half of a small screen


def class_pictures(name: str) -> None:
    """The first test images of each class, in a square; of the first classes where there are many."""
    classes = dataset(name).classes[:MOST]
    with readable_errors():
        live_chart(
            cached_drawing(f"classes of {name}", lambda: _figure(name)),
            key=f"classes-{name}",
            alt=f"Test images of each class: {', '.join(classes)}.",
            filename=f"{name}-classes",
        )


def _figure(name: str) -> Figure:
    classes = dataset(name).classes[:MOST]
    squares = [StripImage(_square(name, label), title) for label, title in enumerate(classes)]
    return image_strip(squares, columns=COLUMNS, height=HEIGHT)


def _square(name: str, label: int) -> NDArray[np.uint8]:
    """The first images of a class, `SIDE` by `SIDE`."""
    split = load_test(name)
    chosen = np.flatnonzero(np.asarray(split.labels) == label)[: SIDE**2]
    pixels = np.asarray(split.pixels[chosen])
    gap = max(1, pixels.shape[1] // 16)
    apart = np.pad(pixels, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=GREY)
    rows = apart.reshape(SIDE, SIDE, *apart.shape[1:])
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])[:-gap, :-gap]
