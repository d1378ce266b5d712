"""Attribution maps as grids and files; importing this does not import torch."""

import io
import re
from collections.abc import Callable, Sequence
from itertools import chain, count

import numpy as np
import pandas as pd

from explorer import tables
from explorer.attribution.methods import METHODS
from explorer.attribution.question import Question
from explorer.data.pictures import Picture
from explorer.errors import BadSettings, ExplorerError
from explorer.figures.maps.cells import MapCell
from explorer.figures.maps.grid import attribution_grid
from explorer.figures.maps.pixels import grid_png
from explorer.figures.network_lines import moment
from explorer.figures.standalone import standalone_page
from explorer.map_results import AttributionMap, MissingMap
from explorer.models.config import NetworkConfig
from explorer.numerals import minus
from explorer.registry import lookup
from explorer.runs.checkpoint_facts import is_untrained

Map = AttributionMap | MissingMap

# Axes of a grid, with their titles.
AXES = {
    "network": "Network",
    "method": "Method",
    "target": "Explained class",
    "step": "Step of the training",
    "image": "Picture",
    "stage": "Stage",
    "block": "Block",
}
DISTINGUISHING = ("image", "network", "step", "method", "target", "stage", "block")  # tried in this order

WIDTH = 1100  # of a grid as a page, in pixels
_BLOCK = re.compile(r"stage(\d+)(?:\.block(\d+))?")
_NO_PIXELS = np.zeros((1, 1, 1), np.uint8)


def map_cells(maps: Sequence[Map], rows: str = "network", columns: str = "method") -> list[MapCell]:
    """The cells of a grid, in the order of the maps.

    Maps that would share a cell get rows of their own, whose headings say in what else they differ.

    Args:
        maps: of any networks, pictures, methods and classes.
        rows, columns: names in `AXES`; stage and block are those of the layer.

    Raises:
        UnknownName: there is no such axis.
        BadSettings: rows and columns are the same.
        ValueError: two maps do not differ in anything.
    """
    for axis in (rows, columns):
        lookup(AXES, axis, "axis of a grid")
    if rows == columns:
        raise BadSettings(f"Rows and columns are both {rows!r}. Choose two of {', '.join(AXES)}.")
    heading = _headings(maps, {rows, columns})
    keys = [rows]
    for extra in (each for each in DISTINGUISHING if each not in (rows, columns)):
        found: dict[tuple[str, ...], set[str]] = {}
        for each in maps:
            place = *(heading(each, key) for key in keys), heading(each, columns)
            found.setdefault(place, set()).add(heading(each, extra))
        if any(len(others) > 1 for others in found.values()):
            keys.append(extra)
    return [_cell(each, ", ".join(heading(each, key) for key in keys), heading(each, columns)) for each in maps]


def scores(maps: Sequence[Map]) -> pd.DataFrame:
    """Origin and sum of each map.

    Returns:
        The columns of `tables.ATTRIBUTION_SCORES`, one row per map.
    """
    table = pd.DataFrame([_score(each) for each in maps], columns=tables.ATTRIBUTION_SCORES)
    table["step"] = pd.Series([each.step for each in maps], dtype=object)  # keeps integers beside None
    return table


def npz(maps: Sequence[Map]) -> bytes:
    """The maps as an .npz file, which `numpy.load` reads.

    Three arrays each: REFERENCE__IMAGE__METHOD__values (C, h, w), as returned by the method; __map (H, W), one number
    per position; __pixels (H, W, C), the network's input. After the method come the layer, if one was given, and the
    explained class or a number, if names would not be unique.
    """
    found = [each for each in maps if isinstance(each, AttributionMap)]
    arrays = {
        f"{name}__{part}": getattr(each, part)
        for name, each in zip(_names(found), found, strict=True)
        for part in ("values", "map", "pixels")
    }
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def missing_map(
    reference: str,
    config: NetworkConfig,
    step: int | None,
    picture: Picture,
    question: Question,
    classes: tuple[str, ...],
    failure: ExplorerError,
) -> MissingMap:
    """A map that could not be computed, and why."""
    return MissingMap(
        reference=reference,
        network=config.name,
        kind=config.kind,
        depth=config.depth,
        step=step,
        image=picture.reference,
        title=picture.title,
        method=question.method,
        layer=question.layer,
        target=question.target,
        classes=classes,
        failure=str(failure),
    )


def png(
    maps: Sequence[Map], rows: str = "network", columns: str = "method", *, show: str = "overlay", scale: str = "column"
) -> bytes:
    """The grid as a PNG file; args and errors as for `map_cells` and `figures.maps.grid.attribution_grid`."""
    return grid_png(map_cells(maps, rows, columns), show=show, scale=scale)


def html(
    maps: Sequence[Map], rows: str = "network", columns: str = "method", *, show: str = "overlay", scale: str = "column"
) -> str:
    """The grid as a standalone HTML page; args and errors as for `png`."""
    figure = attribution_grid(map_cells(maps, rows, columns), show=show, scale=scale, width=WIDTH)
    return standalone_page(figure, ", ".join(dict.fromkeys(each.title for each in maps)), width=WIDTH)


def _headings(maps: Sequence[Map], axes: set[str]) -> Callable[[Map, str], str]:
    """Function that gives the heading of a map on an axis."""
    runs, pictures = _shared(maps, "network", _run), _shared(maps, "title", lambda each: each.image)

    def network(each: Map) -> str:
        name = _run(each) if each.network in runs else each.network
        if is_untrained(each.reference):
            return f"{name}, untrained"
        return f"{name}, {moment(each.step)}" if "@" in each.reference and "step" not in axes else name

    def method(each: Map) -> str:
        title = METHODS[each.method].title
        return f"{title}, {each.layer}" if each.layer and not axes & {"stage", "block"} else title

    def block(each: Map) -> str:
        found = _BLOCK.fullmatch(each.layer)
        return f"block {found[2]}" if found and found[2] else each.layer or "last block"

    known: dict[str, Callable[[Map], str]] = {
        "network": network,
        "method": method,
        "target": lambda each: "predicted class" if each.target is None else _class(each, each.target),
        "step": lambda each: moment(each.step),
        "image": lambda each: each.image if each.title in pictures else each.title,
        "stage": _stage,
        "block": block,
    }
    return lambda each, axis: known[axis](each)


def _shared(maps: Sequence[Map], key: str, identity: Callable[[Map], str]) -> set[str]:
    """Values of `key` that several things share."""
    found: dict[str, set[str]] = {}
    for each in maps:
        found.setdefault(getattr(each, key), set()).add(identity(each))
    return {name for name, things in found.items() if len(things) > 1}


def _stage(each: Map) -> str:
    """ "stage 2, 16×16"."""
    found = _BLOCK.fullmatch(each.layer)
    name = f"stage {found[1]}" if found else each.layer or "last stage"
    if isinstance(each, MissingMap):
        return name
    height, width = each.values.shape[-2:]  # noqa: PD011 an array
    return f"{name}, {height}×{width}"


def _cell(each: Map, row: str, column: str) -> MapCell:
    target = "" if each.target is None else _class(each, each.target)
    if isinstance(each, MissingMap):
        return MapCell(row, column, None, _NO_PIXELS, False, "", 0.0, target, 0.0, None, failure=each.failure)
    return MapCell(
        row=row,
        column=column,
        map=each.map,
        pixels=each.pixels,
        signed=each.signed,
        prediction=_class(each, each.prediction),
        probability=float(each.probabilities[each.prediction]),
        target=target,
        target_probability=float(each.probabilities[each.target]),
        right=None if each.label is None else each.prediction == each.label,
        note="" if each.delta is None else minus(f"delta {each.delta:.2g}"),
    )


def _score(each: Map) -> dict[str, object]:
    target = None if each.target is None else _class(each, each.target)
    known = {key: getattr(each, key) for key in (*tables.MEASURED_KEYS, "image", "method", "layer")} | {
        "target": target
    }
    if isinstance(each, MissingMap):
        return known | {"failure": each.failure}
    return known | {
        "prediction": _class(each, each.prediction),
        "probability": float(each.probabilities[each.prediction]),
        "target_probability": float(each.probabilities[each.target]),
        "label": None if each.label is None else _class(each, each.label),
        "score": each.score,
        "sum": float(each.values.sum(dtype=np.float64)),  # noqa: PD011 an array
        "delta": each.delta,
        "seconds": each.seconds,
        "failure": "",
    }


def _names(maps: Sequence[AttributionMap]) -> list[str]:
    """Unique names that are valid as file names."""
    found: list[str] = []
    for each in maps:
        parts = [each.reference, each.image, each.method, *filter(None, [each.layer])]
        shorter = "__".join(map(_safe, parts))
        longer = f"{shorter}__{_safe(_class(each, each.target))}"
        numbered = (f"{longer}__{number}" for number in count(2))
        found.append(next(name for name in chain((shorter, longer), numbered) if name not in found))
    return found


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9@._-]+", "-", text).strip("-.") or "-"


def _class(each: Map, number: int) -> str:
    """Name of a class, or its number without one."""
    return each.classes[number] if number < len(each.classes) else str(number)


def _run(each: Map) -> str:
    return each.reference.partition("@")[0]
