"""Networks drawn block by block, with what each block is worth, and operated on by clicks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from explorer import progress, tables
from explorer.analysis.lesion_findings import lesion_finding, operated_finding
from explorer.compute.client import Call, compute
from explorer.compute.functions import blocks
from explorer.errors import BadSettings
from explorer.escaping import in_markdown, message_in_markdown
from explorer.export.views import View
from explorer.figures import BlockRow, lesion_bars
from explorer.models.operations import Arrangement, Operation, arrangement, intact, operations_text
from explorer.studies.shipped_lesions import shipped_lesions, unmeasured_lesions
from explorer.ui.blocks.after import show_after
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.operations import current_operations
from explorer.ui.blocks.tools import Tool, choose_tool, tool_in_hand
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK, Candidate
from explorer.ui.widgets.presenting import stage
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import finest, wait_for_finer

IMAGES = (250, 1000, 2000, 10_000)
FIRST_IMAGES = 1000  # also for the bars of networks that have none yet


@dataclass(frozen=True, slots=True)
class ShownNetwork:
    """A network in the picture.

    Attributes:
        reference: to its last weights.
        arranged: its blocks after the operations; as they are where these are not possible.
        refused: why the operations are not possible; empty if they are.
    """

    candidate: Candidate
    reference: str
    arranged: Arrangement
    refused: str = ""


def show_operating_table(choice: BlocksChoice) -> None:
    """The picture, the tools below it, then what the operations have changed."""
    with choice.fields:
        images = int(
            st.select_slider("Test images", IMAGES, value=FIRST_IMAGES, key="block-images", bind="query-params")
        )
    if not choice.networks:
        st.info(CHOOSE_NETWORK)
        return
    operations = current_operations()
    networks = [_shown(each, operations) for each in choice.networks]
    able = [each for each in networks if not each.refused]
    picture, below = st.container(), st.container()
    with below:
        tool = choose_tool(choice.networks, operations)
    errors, finer = finest(_asks_for_errors(choice, able, operations, images))
    lesions, finer_bars = _lesions(choice, networks)
    sentence = lesion_finding(lesions) if errors is None else operated_finding(errors)
    draw = partial(lesion_bars, lesions, rows={each.reference: _row(each, tool, errors) for each in networks})
    with picture, stage(in_markdown(sentence)):
        live_chart(
            draw(),
            key="operating-table",
            alt=sentence or "The blocks of the networks.",
            filename="blocks",
            on_click=lambda point: _click(point, tool_in_hand(choice.networks), networks),
        )
    with below:
        st.markdown(f"**{in_markdown(sentence)}**")
        for each in networks:
            if each.refused:
                st.warning(message_in_markdown(each.refused), icon=":material/block:")
        if errors is not None:
            show_after(choice, [each.candidate for each in able], operations_text(operations), errors)
        view = _view(choice, able if operations else networks, operations, lesions, images)
        take_along(
            replace(view, text=(in_markdown(sentence),)), lesions if errors is None else errors, draw, name="blocks",
            chart="operating-table",
        )  # fmt: skip
    with picture:
        wait_for_finer(finer, "Measuring the operated networks")
        wait_for_finer(finer_bars, "Deleting each block in turn")


def _shown(candidate: Candidate, operations: Sequence[Operation]) -> ShownNetwork:
    reference = candidate.reference(None)
    try:
        return ShownNetwork(candidate, reference, arrangement(candidate.config, operations))
    except BadSettings as error:
        return ShownNetwork(candidate, reference, intact(candidate.config), refused=str(error))


def _asks_for_errors(
    choice: BlocksChoice, able: Sequence[ShownNetwork], operations: Sequence[Operation], images: int
) -> list[partial[Call[pd.DataFrame]]]:
    if not operations or not able:
        return []
    ask = partial(compute.ask, blocks.operated, [each.reference for each in able], operations_text(operations))
    return [partial(ask, data=choice.given, images=size) for size in progress.sizes(images)]


def _lesions(choice: BlocksChoice, networks: Sequence[ShownNetwork]) -> tuple[pd.DataFrame, Call[pd.DataFrame] | None]:
    """`tables.LESION` as far as it is known, of shipped networks from a file, and the call that is computed next."""
    shipped = _shipped() if not choice.given else pd.DataFrame(columns=tables.LESION)
    found: list[pd.DataFrame] = []
    pending = None
    for each in networks:
        candidate = each.candidate
        known = shipped[shipped["reference"] == candidate.name]
        if len(known):
            found.append(known.assign(reference=each.reference))
            continue
        ask = partial(compute.ask, blocks.lesion, [each.reference], data=choice.data(candidate))
        asks = [partial(ask, images=size) for size in progress.sizes(FIRST_IMAGES)]
        table, finer = finest(asks if pending is None else [])
        pending = pending or finer
        config = candidate.config
        step = candidate.moment(None) if candidate.moments else 0
        keys = each.reference, config.name, config.kind, config.depth, step
        found.append(unmeasured_lesions(keys, config) if table is None else table)
    return pd.concat(found, ignore_index=True), pending


@st.cache_data(ttl=30, show_spinner=False)
def _shipped() -> pd.DataFrame:
    """`shipped_lesions`, read once for all readers."""
    return shipped_lesions()


def _row(network: ShownNetwork, tool: Tool, errors: pd.DataFrame | None) -> BlockRow:
    """The blocks; those that the tool cannot be used on are grey."""
    known = None
    if errors is not None and not network.refused:
        mine = errors[(errors["reference"] == network.reference) & (errors["class"] == "")].iloc[0]
        known = float(mine["intact_error"]), float(mine["error"])
    return BlockRow(network.arranged, tool.refused(network.candidate.config), tool.first_of_two, known)


def _click(point: Sequence[Any], tool: Tool, networks: Sequence[ShownNetwork]) -> None:
    """Use the tool on the block that was clicked, in the row or by its bar."""
    _, stage_number, block, reference, *_ = point
    clicked = int(stage_number), int(block)
    config = next(each.candidate.config for each in networks if each.reference == reference)
    if clicked not in tool.refused(config):
        tool.use(clicked)


def _view(
    choice: BlocksChoice,
    networks: Sequence[ShownNetwork],
    operations: Sequence[Operation],
    lesions: pd.DataFrame,
    images: int,
) -> View:
    references = tuple(each.reference for each in networks)
    if operations:
        settings = {"operations": operations_text(operations), "data": choice.given, "images": images}
        return View("operated", references, settings)
    measured = lesions["images"].max()  # none where no block is measured yet
    return View("lesion", references, {"data": choice.given, "images": int(measured or FIRST_IMAGES)})
