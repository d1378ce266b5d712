"""Data sets of which the classes alone are known: those of networks that were imported without naming their images.

Such a data set is enough for pictures of one's own. Its name holds all that is known of it, so that it can be passed to
other processes like the name of any data set.
"""

import json
from collections.abc import Sequence

UNKNOWN = "unknown"
NO_IMAGES = (
    "Which images this network was trained on is not known. Name images of its classes as `data`: a data set, or a "
    "folder with a subfolder for each class, folder:/absolute/path, which pages offer once it is added on the Data "
    "page. Maps of your own pictures need none."
)


def unknown_data(channels: int, classes: int, names: Sequence[str] = ()) -> str:
    """The name of a data set of `classes` classes; without names they are numbered."""
    return f"{UNKNOWN}:{json.dumps([channels, classes, list(names)], ensure_ascii=False)}"


def is_unknown(name: str) -> bool:
    """Whether it is the name of such a data set."""
    return name.startswith(f"{UNKNOWN}:")


def channels_and_classes(name: str) -> tuple[int, tuple[str, ...]]:
    """What such a name holds.

    Raises:
        ValueError: it was not made by `unknown_data`.
    """
    channels, count, names = json.loads(name.partition(":")[2])
    if not (isinstance(channels, int) and isinstance(count, int) and channels > 0 and 0 < count <= 1_000_000):
        raise ValueError(name)
    return channels, tuple(map(str, names)) or tuple(f"class {number}" for number in range(count))
