"""The network drawing on a page; the selected layer and the closed stages are kept in the address."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from explorer.figures import network_drawing
from explorer.figures.layer_measures import LayerMeasure
from explorer.figures.network.stage_rows import LayerRow, layer_rows
from explorer.models.config import NetworkConfig
from explorer.models.size import layer_table
from explorer.ui.address import write_address
from explorer.ui.widgets.live_chart import live_chart


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """The selected layer.

    Attributes:
        layer: its number; None if none is selected.
        block: stage and number of its block; None for stem and classifier too.
    """

    layer: int | None = None
    block: tuple[int, int] | None = None


def choose_layer(config: NetworkConfig) -> LayerChoice:
    """A menu of the layers: the keyboard's way to what a click on the drawing does."""
    layers = _layers(config)
    choice = _choice(layers)
    names = {layer.layer: _name(layer) for layer in layers}
    key = "layer-menu"
    st.session_state[key] = choice.layer
    st.selectbox(
        "Layer",
        list(names),
        index=None,
        format_func=lambda number: names[number],
        placeholder="none selected",
        key=key,
        on_change=lambda: select(st.session_state[key]),
        width=340,
    )
    return choice


def drawing(
    config: NetworkConfig,
    *,
    values: pd.DataFrame | None = None,
    column: str = "",
    measure: LayerMeasure | None = None,
    image_size: int | None = None,
    marked: Collection[int] = (),
    key: str = "drawing",
) -> LayerChoice:
    """Draw a network; a click on a layer selects it and opens its block.

    The drawings of a page share the selection: the layer of that number in each.

    Args:
        config: of the network.
        values, column, measure: as in `figures.network_drawing`.
        image_size: pixels a side of the images; None takes the network's own.
        marked: numbers of layers that differ from those of another network.
        key: of the drawing on its page.
    """
    layers = _layers(config)
    choice = _choice(layers)
    stages = sorted({layer.stage for layer in layers if layer.block})
    closed = {stage for stage in stages if str(stage) in st.query_params.get_all("closed")}
    open_stages = f"{key}-stages"
    st.session_state[open_stages] = [stage for stage in stages if stage not in closed]
    st.pills(
        "Open stages",
        stages,
        selection_mode="multi",
        key=open_stages,
        on_change=lambda: _close(set(stages) - set(st.session_state[open_stages])),
    )
    colour = f", coloured by {measure.words}" if measure else ""
    live_chart(
        network_drawing(
            config,
            image_size=image_size,
            values=values,
            column=column,
            measure=measure,
            closed=closed,
            opened=choice.block,
            selected=choice.layer,
            marked=marked,
        ),
        key=key,
        alt=f"{config.name}: stem, stages of {_counted(config.stage_blocks)} blocks, classifier{colour}.",
        filename=config.name,
        on_click=lambda meaning: _clicked(meaning, layers, choice, closed),
        scales=f"{config.name} {column}",
    )
    st.caption(
        "Click a layer to select it and see its block in full; click it again to deselect it. Click the bar of a "
        "stage to close or open it."
    )
    return choice


def select(layer: int | None) -> None:
    """Select the layer of this number, or none, in all drawings of the page."""
    write_address("layer", None if layer is None else str(layer))


def _layers(config: NetworkConfig) -> list[LayerRow]:
    return layer_rows(layer_table(config))


def _choice(layers: Iterable[LayerRow]) -> LayerChoice:
    """The layer in the address, if this network has it."""
    asked = st.query_params.get("layer", "")
    for layer in layers:
        if str(layer.layer) == asked:
            return LayerChoice(layer.layer, (layer.stage, layer.block) if layer.block else None)
    return LayerChoice()


def _counted(blocks: Sequence[int]) -> str:
    """ "3, 4, 6 and 3"."""
    *others, last = map(str, blocks)
    return f"{', '.join(others)} and {last}" if others else last


def _name(layer: LayerRow) -> str:
    if not layer.block:
        return f"{layer.layer}: {layer.name.partition('.')[0]}"
    return f"{layer.layer}: stage {layer.stage}, block {layer.block}, {layer.width} channels"


def _clicked(meaning: list[Any], layers: Iterable[LayerRow], choice: LayerChoice, closed: set[int]) -> None:
    """Toggle what the customdata of the clicked cell stands for: a layer, a block or a stage."""
    kind, number, stage, block = meaning
    if kind == "stage":
        _close(closed ^ {stage})
    elif kind == "layer":
        select(None if number == choice.layer else number)
    elif (stage, block) == choice.block:
        select(None)
    else:
        select(next(layer.layer for layer in layers if (layer.stage, layer.block) == (stage, block)))


def _close(stages: Iterable[int]) -> None:
    write_address("closed", [str(stage) for stage in sorted(stages)])
