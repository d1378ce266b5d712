"""What follows from operations: the error of each class, and the responses of all layers, before and after."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer.compute.client import compute
from explorer.compute.functions import blocks
from explorer.figures import operated_classes, response_levels
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.network_choice import Candidate
from explorer.ui.widgets.waiting import awaited, combined

SHOWN = {"classes": "Error by class", "responses": "Responses"}


def show_after(choice: BlocksChoice, networks: Sequence[Candidate], operations: str, errors: pd.DataFrame) -> None:
    """One of the two, chosen in a field.

    Args:
        choice: of the page.
        networks: in which the operations are possible.
        operations: as text.
        errors: `tables.OPERATED` of these networks.
    """
    shown = st.segmented_control(
        "After the operations", list(SHOWN), format_func=SHOWN.__getitem__, default="classes", key="after",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    if shown == "classes":
        live_chart(
            operated_classes(errors),
            key="operated-classes",
            alt="Error of each class before and after the operations.",
            filename="operated-classes",
        )
    elif shown == "responses":
        asked = {
            text: [
                compute.ask(blocks.operated_responses, each.reference(None), text, data=choice.data(each))
                for each in networks
            ]
            for text in ("", operations)
        }
        awaited([call for calls in asked.values() for call in calls], "Measuring responses")
        measured = {text: combined(calls) for text, calls in asked.items()}
        found = [_named(table, text) for text, table in measured.items() if table is not None]
        if found:
            live_chart(
                response_levels(pd.concat(found, ignore_index=True)),
                key="operated-responses",
                alt="Responses of all layers before and after the operations.",
                filename="operated-responses",
            )


def _named(table: pd.DataFrame, operations: str) -> pd.DataFrame:
    """Under another name and reference after operations, so that figures tell the two apart."""
    if not operations:
        return table
    return table.assign(network=table["network"] + ", operated", reference="operated " + table["reference"])
