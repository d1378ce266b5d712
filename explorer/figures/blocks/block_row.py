"""A network drawn block by block in one row, with what was done to its blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from explorer.figures import theme
from explorer.figures.network_lines import NetworkLine
from explorer.models.operations import Arrangement, OperatedBlock, Place

WIDTH, HEIGHT = 0.62, 0.9  # of a block: of its place, and around the main path
TOP = 1.5  # of the arc of a shortcut, in the unit of HEIGHT
ARC = np.linspace(0, np.pi, 13)
PALE = 0.35  # opacity of a shortcut that is nearly zero
SIGN_SIZE = 15


@dataclass(frozen=True, slots=True)
class BlockRow:
    """What is drawn of one network.

    Attributes:
        arrangement: what stands in each place, see `models.operations`.
        refused: blocks that are grey, with the reason.
        chosen: block with a frame.
        errors: before and after, as fractions of the same images; None while they are not known.
    """

    arrangement: Arrangement
    refused: Mapping[Place, str] = field(default_factory=dict)
    chosen: Place | None = None
    errors: tuple[float, float] | None = None


def row_traces(line: NetworkLine, row: BlockRow, colours: theme.Palette) -> list[dict[str, Any]]:
    """Main path, shortcuts, blocks and signs; a block's customdata is [index, stage, block, reference, what it is]."""
    places = range(1, len(row.arrangement) + 1)
    ink = line.colour(colours)
    path = _trace(line, "path") | {
        "mode": "lines",
        "x": [0.4, len(places) + 0.6],
        "y": [0, 0],
        "line": {"color": colours.muted, "width": 2},
        "hoverinfo": "skip",
    }
    return [path, *_shortcuts(line, row, ink), _blocks(line, row, ink, colours), _signs(line, row, colours)]


def _shortcuts(line: NetworkLine, row: BlockRow, ink: str) -> list[dict[str, Any]]:
    """An arc over each block of a network with shortcuts, a trace for each factor."""
    if line.kind != "residual":
        return []
    traces = []
    for factor in sorted({each.shortcut for each in row.arrangement}):
        x, y = [], []
        for place, there in enumerate(row.arrangement, start=1):
            if there.shortcut == factor:
                x += [*(place - 0.45 * np.cos(ARC)), None]
                y += [*(TOP * np.sin(ARC)), None]
        strength = max(0.0, min(1.0, factor))
        width = 2 if factor else 1
        line_style = {"color": ink, "width": width, "dash": "solid" if factor else "dot"}
        style = {"mode": "lines", "hoverinfo": "skip", "opacity": PALE + (1 - PALE) * strength, "line": line_style}
        traces.append(_trace(line, f"shortcuts-{factor}") | style | {"x": x, "y": y})
    return traces


def _blocks(line: NetworkLine, row: BlockRow, ink: str, colours: theme.Palette) -> dict[str, Any]:
    blocks = row.arrangement
    grey = [each.block in row.refused for each in blocks]
    fill = [
        theme.CLEAR if each.deleted else colours.grid if refused else ink
        for each, refused in zip(blocks, grey, strict=True)
    ]
    edge = [
        colours.ink if each.block == row.chosen else colours.muted if each.deleted or refused else ink
        for each, refused in zip(blocks, grey, strict=True)
    ]
    width = [4 if each.block == row.chosen else 1.5 for each in blocks]
    meaning = [
        [index, *each.block, line.reference, _words(each, index, row)] for index, each in enumerate(blocks, start=1)
    ]
    return _trace(line, "blocks") | {
        "type": "bar",
        "x": list(range(1, len(blocks) + 1)),
        "y": [2 * HEIGHT] * len(blocks),
        "base": [-HEIGHT] * len(blocks),
        "width": WIDTH,
        "customdata": np.array(meaning, dtype=object),
        "marker": {
            "color": fill,
            "opacity": [0.25 + 0.75 * min(1.0, each.branch) for each in blocks],
            "line": {"color": edge, "width": width},
        },
        "hovertemplate": f"<b>{line.label}</b>, %{{customdata[4]}}<extra></extra>",
    }


def _signs(line: NetworkLine, row: BlockRow, colours: theme.Palette) -> dict[str, Any]:
    """A sign in each block that something was done to."""
    signs = {place: sign for place, each in enumerate(row.arrangement, start=1) if (sign := _sign(each, place, row))}
    return _trace(line, "signs") | {
        "mode": "text",
        "x": list(signs),
        "y": [0] * len(signs),
        "text": [f"<b>{sign}</b>" for sign in signs.values()],
        "textfont": {"size": SIGN_SIZE, "color": [
            colours.ink if row.arrangement[place - 1].deleted else colours.page for place in signs
        ]},
        "hoverinfo": "skip",
    }  # fmt: skip


def _sign(there: OperatedBlock, place: int, row: BlockRow) -> str:
    if there.deleted:
        return "×"
    if there.times > 1:
        return str(there.times)
    if there.weights:
        return "↺"
    return "⇄" if _moved(there, place, row) else ""


def _moved(there: OperatedBlock, place: int, row: BlockRow) -> bool:
    """Whether it stands in the place of another block."""
    return there.block != sorted(each.block for each in row.arrangement)[place - 1]


def _words(there: OperatedBlock, place: int, row: BlockRow) -> str:
    """What stands there."""
    parts = ["block {}.{}".format(*there.block)]
    parts += ["deleted"] if there.deleted else []
    parts += [f"{there.times} times"] if there.times > 1 else []
    parts += [f"weights of {weights_words(there.weights)}"] if there.weights else []
    parts += [f"shortcut × {there.shortcut:g}"] if there.shortcut != 1 else []
    parts += [f"branch × {there.branch:g}"] if there.branch != 1 else []
    parts += ["in another place"] if _moved(there, place, row) else []
    why = row.refused.get(there.block, "")
    return ", ".join(parts) + (f"<br>not possible here: {why}" if why else "")


def weights_words(weights: str) -> str:
    """ "step 3,000" of "3000", "seed 7" of "seed7"."""
    return f"seed {weights.removeprefix('seed')}" if weights.startswith("seed") else f"step {int(weights):,}"


def _trace(line: NetworkLine, name: str) -> dict[str, Any]:
    return {"type": "scatter", "uid": f"{line.uid}-{name}", "name": line.label, "showlegend": False}


def row_axis(domain: Sequence[float]) -> dict[str, Any]:
    """The y axis of a row, without ticks."""
    return {"domain": list(domain), "range": [-1.15, 1.7], "visible": False, "fixedrange": True}
