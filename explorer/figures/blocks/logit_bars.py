"""What stem, blocks and biases add to the scores of an image, as bars."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from explorer.block_results import LogitParts
from explorer.escaping import in_figure
from explorer.figures import captions, theme
from explorer.figures.axes import y_axis
from explorer.figures.layer_axes import linear_span, zero_line

MARGIN = {"l": 84, "r": 16, "t": 84, "b": 92}
MOST_NAMED = 30  # parts with a name each on the axis; of more, the stages


def logit_bars(found: LogitParts, *, labels: tuple[int, ...] = (), dark: bool = False, height: int = 440) -> go.Figure:
    """A bar for each part and class: what it adds to the score; parts of a class sum to its score, in the legend.

    Args:
        found: of `studies.features.contributions`.
        labels: of up to three classes in `found.table`; empty takes the predicted one and the true one, or the second.
        dark: for a dark page.
        height: in pixels.
    """
    colours = theme.palette(dark=dark)
    chosen = list(labels) or _usual(found)
    parts = [rows for _, rows in found.table.groupby("name", sort=False)]
    names = [_name(rows.iloc[0]) for rows in parts]
    traces = [_bars(found, label, place, colours) for place, label in enumerate(chosen)]
    values = np.concatenate([trace["y"] for trace in traces] or [np.zeros(1)])
    axis = theme.axis(colours) | {"title": theme.axis_title("part"), "showgrid": False, "ticks": ""}
    axis |= {"tickvals": list(range(len(names))), "ticktext": names, "tickangle": 0, "range": [-0.6, len(names) - 0.4]}
    if len(names) > MOST_NAMED:
        axis |= _stage_ticks(parts)
    note = captions.wrapped(
        [
            "the parts of a class sum to its score: last norm at its running statistics, ReLU by its mask here",
            f"{in_figure(found.title)}",
            *(["hatched: the second class"] if len(chosen) > 1 else []),
        ]
    )
    layout = theme.layout(colours, height=height) | {
        "margin": MARGIN | {"b": MARGIN["b"] + 20 * note.count("<br>")},
        "barmode": "group",
        "bargap": 0.25,
        "legend": captions.legend() | {"x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        "annotations": [captions.note(note, colours), captions.heading(in_figure(found.network), 0)],
        "xaxis": axis,
        "yaxis": y_axis("added to the score", colours, linear_span(values, (-0.1, 0.1))) | zero_line(colours),
    }
    return go.Figure({"data": traces, "layout": layout})


def _usual(found: LogitParts) -> list[int]:
    labels = sorted(found.table["label"].unique())
    ranked = [int(labels[place]) for place in np.argsort(-found.scores, kind="stable")]
    other = found.label if found.label not in (None, found.prediction) else next(iter(ranked[1:]), None)
    return [found.prediction, *([] if other is None else [int(other)])]


def _name(part: pd.Series) -> str:
    return f"{part['stage']}.{part['block']}" if part["part"] == "block" else str(part["part"])


def _stage_ticks(parts: list[pd.DataFrame]) -> dict[str, Any]:
    """The stages at their middles, stem and bias at the ends."""
    firsts = pd.DataFrame([rows.iloc[0] for rows in parts]).reset_index(drop=True)
    inside = firsts[firsts["part"] == "block"]
    middles = {f"stage {stage}": float(rows.index.to_numpy().mean()) for stage, rows in inside.groupby("stage")}
    ends = {"stem": 0.0, "bias": float(len(firsts) - 1)}
    return {"tickvals": [*ends.values(), *middles.values()], "ticktext": [*ends, *middles]}


def _bars(found: LogitParts, label: int, place: int, colours: theme.Palette) -> dict[str, Any]:
    rows = found.table[found.table["label"] == label]
    name, score = in_figure(str(rows["class"].iloc[0])), float(rows["contribution"].sum())
    words = [
        word for word, there in (("predicted", label == found.prediction), ("true", label == found.label)) if there
    ]
    role = f" ({', '.join(words)})" if words else ""
    own = (colours.depth(32), colours.depth(20), colours.others[0])[place % 3]
    return {
        "type": "bar",
        "x": np.arange(len(rows)),
        "y": rows["contribution"].to_numpy(np.float32),
        "customdata": [_name(row) for _, row in rows.iterrows()],
        "name": f"{name}{role}: score {score:.2f}".replace("-", "−"),
        "marker": {
            "color": own,
            "pattern": {"shape": ("", "/", "x")[place % 3], "fillmode": "overlay", "fgcolor": colours.page},
        },
        "uid": f"class-{label}",
        "hovertemplate": f"%{{customdata}} adds %{{y:.3f}} to {name}<extra></extra>",
    }
