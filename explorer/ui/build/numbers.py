"""Parameters and multiply-adds of each stage, block or layer, and the differences of two networks."""

from functools import partial
from typing import Any, Literal

import pandas as pd
import streamlit as st

from explorer import labels, tables
from explorer.export.views import View
from explorer.figures import layer_sizes
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.description import differences, sizes
from explorer.ui.build.choice import BuildChoice
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.take_along import take_along

PARTS: dict[str, Literal["stage", "block", "layer"]] = {"stages": "stage", "blocks": "block", "layers": "layer"}
HIDDEN = ("stage", "block", "depth", "image_size")  # the name of a part, layer or network says them
COUNTS = ("parameters", "multiply_adds", "kept_values")
ROW, MOST_HEIGHT = 38, 460  # pixels


def show_numbers(choice: BuildChoice) -> None:
    """Tables of both networks in one, and a figure of their layers."""
    by = str(
        st.segmented_control(
            "Summed over", list(PARTS), format_func=str.capitalize, default="stages", required=True, key="build_by",
            bind="query-params",
        )
    )  # fmt: skip
    part = PARTS[by]
    table = sizes(choice.configs, by=part, image_size=choice.image_size)
    hidden = [*HIDDEN, *([] if choice.other else ["network"]), *(["kind"] if part == "layer" else [])]
    _dataframe(table.drop(columns=hidden, errors="ignore"), COUNTS)
    draw = partial(layer_sizes, sizes(choice.configs, by="layer", image_size=choice.image_size))
    names = " and ".join(config.name for config in choice.configs)
    live_chart(
        draw(), key="sizes", alt=f"Parameters, multiply-adds and receptive field of the layers of {names}.",
        filename="layers",
    )  # fmt: skip
    settings = {"by": part, "image_size": choice.image_size, "classes": _classes(choice.config)}
    view = View("sizes", tuple(each.name for each in choice.configs), settings)
    take_along(view, table, draw, name=f"{choice.config.name}-{by}", chart="sizes")


def show_differences(choice: BuildChoice) -> None:
    """The settings and the layers that differ; layers at the same place of the same block share a row."""
    assert choice.other is not None
    found = differences(choice.config, choice.other, choice.image_size)
    a, b = choice.config.name, choice.other.name
    names = {"a": a, "b": b if a != b else f"{b} again"}
    settings = found.settings[found.settings["differs"]]
    layers = found.layers[found.layers["differs"]]
    st.markdown(f"##### {len(settings)} settings, {len(layers)} of {len(found.layers)} layers differ")
    st.caption(
        "A layer is compared with the one at the same place of the same block; its parameters include those of its "
        "norm."
    )
    if len(settings):
        settings = settings.assign(setting=settings["setting"].map(labels.label)).drop(columns="differs")
        _dataframe(settings.astype(str).rename(columns=names))
    if len(layers):
        counts = {
            f"{count}_{side}": f"{labels.heading(count)}, {names[side]}"
            for count in ("parameters", "multiply_adds")
            for side in "ab"
        }
        compared = layers.drop(columns=["differs", "layer_a", "layer_b"]).astype(dict.fromkeys(counts, "Int64"))
        _dataframe(compared.rename(columns=names | counts), tuple(counts.values()))
    classes = _classes(choice.config)
    given = {
        "image_size": choice.image_size,
        "classes": classes,
        "other_classes": None if classes is None else choice.other.classes,
    }
    table = found.layers[found.layers["differs"]].reset_index(drop=True)
    take_along(View("differences", (a, b), given), table, name=f"{a}-{b}")


def _classes(config: NetworkConfig) -> int | None:
    """The number of classes, where it is not the usual one of this name."""
    return config.classes if config.classes != network_config(config.name).classes else None


def _dataframe(table: pd.DataFrame, counts: tuple[str, ...] = ()) -> None:
    """A table with readable column names and separated thousands."""
    shapes: dict[str, Any] = {
        name: st.column_config.NumberColumn(labels.heading(name), format="localized") for name in counts
    }
    known = {"network", *tables.DESCRIBED_LAYERS, *tables.DIFFERENT_SETTINGS}
    others = {name: labels.heading(name) for name in table if name not in shapes and name in known}
    height = min(MOST_HEIGHT, ROW * (len(table) + 1))
    st.dataframe(table, hide_index=True, height=height, column_config=shapes | others)
