"""The views of the Build page: one network, or two compared."""

from functools import partial
from typing import Any

import streamlit as st

from explorer import glossary
from explorer.figures import network_drawing
from explorer.figures.layer_measures import LayerMeasure
from explorer.models.catalogue import NETWORKS
from explorer.models.config import NetworkConfig
from explorer.models.description import Description, description, differences
from explorer.numerals import percent
from explorer.ui import wording
from explorer.ui.build.choice import BuildChoice
from explorer.ui.build.code import show_code
from explorer.ui.build.cost import show_cost
from explorer.ui.build.numbers import show_differences, show_numbers
from explorer.ui.navigation import page
from explorer.ui.widgets.drawing import choose_layer, drawing
from explorer.ui.widgets.take_along import chart_download
from explorer.ui.widgets.views import View

BATCH = 128  # images per step, as in He et al. 2015
NOTHING = "nothing"
MEASURES = {
    "parameters": LayerMeasure("parameters", log=True),
    "multiply_adds": LayerMeasure("multiply-adds", log=True),
    "receptive_field": LayerMeasure("receptive field, pixels"),
    "kept_values": LayerMeasure("values kept in training", log=True),
}


def summary(choice: BuildChoice) -> None:
    """Totals compared with the published ones, and links; one card per network."""
    for config in choice.configs:
        found = description(config, choice.image_size)
        row = NETWORKS.get(config.name)
        family = f" · {row.family}" if row else ""
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown(f"**{config.name}** · {config.kind}, {config.depth:,} layers{family}", width="content")
                _links(config)
            with st.container(horizontal=True):
                st.metric("Parameters", f"{found.parameters:,}", help=glossary.explain("parameters"))
                st.metric(
                    f"Multiply-adds, {choice.image_size} × {choice.image_size}", f"{found.multiply_adds:,}",
                    help=glossary.explain("multiply_adds"),
                )  # fmt: skip
                st.metric(
                    "Receptive field",
                    f"{found.receptive_field:,} pixels",
                    help=glossary.explain("receptive_field", note="Its side, at the last convolution."),
                )
                st.metric(
                    f"Tensors in training, {BATCH} images", f"{found.tensor_bytes(BATCH) / 1e9:.2f} GB",
                    help="fp32: weights, gradients, momentum, and what the backward pass needs of each image, computed "
                    "from the structure. *Memory and time* compares it with this machine's memory.",
                )  # fmt: skip
            if published := _published(config, found):
                st.caption(published)


def _published(config: NetworkConfig, found: Description) -> str:
    row = NETWORKS.get(config.name)
    if row is None or not row.source:
        return ""
    facts = [
        f"{total['published']:,.0f} {total['total'].replace('_', '-')} (here {total['ratio']:.3f} times as many)"
        for total in found.totals.to_dict("records")
        if total["published"]
    ]
    if row.published_error is not None:
        where = {"cifar10": "CIFAR-10", "imagenet": "ImageNet"}[row.published_data]
        facts.append(f"{percent(row.published_error, 2)} error on {where}")
    return f"Published: {', '.join(facts)}. {row.source}." if facts else ""


def _links(config: NetworkConfig) -> None:
    with st.container(horizontal=True, width="content"):
        st.page_link(page("train"), label="Train", icon=":material/play_circle:", query_params={"network": config.name})
        st.page_link(
            page("responses"), label="Initialisation", icon=":material/radiology:",
            query_params={"study": wording.AT_INITIALISATION, "xray-networks": config.name},
        )  # fmt: skip
        st.page_link(
            page("responses"), label="Responses", icon=":material/graphic_eq:", query_params={"networks": config.name}
        )


def _drawings(choice: BuildChoice) -> None:
    """One below the other, with frames around the layers that differ."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles = {NOTHING: NOTHING} | {name: measure.title for name, measure in MEASURES.items()}
        name = st.selectbox(
            "Colour by",
            list(titles),
            format_func=titles.__getitem__,
            key="build_colour",
            bind="query-params",
            width=260,
        )
        choose_layer(choice.config)
    for number, (config, marked) in enumerate(zip(choice.configs, _different(choice), strict=True)):
        with st.container(border=True):
            if choice.other:
                st.markdown(f"**{config.name}**")
            _drawing(config, choice.image_size, name, marked, key=f"drawing-{number}")


def _different(choice: BuildChoice) -> list[set[int]]:
    """Numbers of the layers of each network that differ from the other's."""
    if choice.other is None:
        return [set()]
    found = differences(choice.config, choice.other, choice.image_size).layers
    different = found[found["differs"]]
    return [set(map(int, different[f"layer_{side}"].dropna())) for side in "ab"]


def _drawing(config: NetworkConfig, image_size: int, name: str, marked: set[int], *, key: str) -> None:
    values = description(config, image_size).layers.dropna(subset="layer")
    measured: dict[str, Any] = {}
    if name != NOTHING:
        measured = {"values": values, "column": name, "measure": MEASURES[name]}
    drawing(config, image_size=image_size, marked=marked, key=key, **measured)
    draw = partial(network_drawing, config, image_size=image_size, marked=marked, **measured)
    chart_download(draw, title=config.name, file=f"{config.name}-{key}")


VIEWS: dict[str, View[BuildChoice]] = {
    "drawing": View("Drawing", _drawings),
    "numbers": View("Numbers", show_numbers),
    "differences": View("Differences", show_differences),
    "cost": View("Memory and time", show_cost),
    "code": View("Code", show_code),
}
