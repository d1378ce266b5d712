"""The table of all experiments, with filters; the ones ticked are kept in the address."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from explorer import labels
from explorer.data.catalogue import known_dataset
from explorer.runs.experiments import Experiment
from explorer.runs.states import state_of_experiment
from explorer.studies.listing import experiment_row
from explorer.ui import cached, wording
from explorer.ui.address import write_address
from explorer.ui.widgets.table_height import table_height

MOST_COMPARED = 12  # experiments on one chart
HEIGHT = 420  # pixels at most
MOST_DATA = 6  # data sets to choose from; more are found by the search
SEARCHED = ["title", "networks", "data", "schedule", "state", "note"]


def choose(everything: Sequence[Experiment]) -> list[Experiment]:
    """Filters and table; returns the experiments ticked."""
    rows = [experiment_row(found, cached.errors(found)) | {"state": state_of_experiment(found)} for found in everything]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        matching = _filters(rows)
    shown = [(found, row) for found, row, fits in zip(everything, rows, matching, strict=True) if fits]
    st.caption(_summary(everything, len(shown)))  # also room for the table's toolbar, which covers what is above it
    if not shown:
        return []
    return _ticked([found for found, _ in shown], [row for _, row in shown])


def _filters(rows: Sequence[dict[str, Any]]) -> list[bool]:
    """Which rows the filters let pass."""
    words = st.text_input(
        "Search", key="find", bind="query-params", placeholder="Title, network, schedule, note ...", width=300
    )
    kinds = sorted({kind for row in rows for kind in row["kinds"]})
    kind = st.pills("Kind", kinds, key="kind", bind="query-params") if len(kinds) > 1 else None
    data = {row["data"]: _data(row["data"]) for row in rows}
    name = None
    if 1 < len(data) <= MOST_DATA:
        name = st.pills("Data", sorted(data), format_func=data.__getitem__, key="data", bind="query-params")
    wanted = (words or "").lower().split()

    def fits(row: dict[str, Any]) -> bool:
        text = " ".join(" ".join(row[key]) if isinstance(row[key], list) else str(row[key]) for key in SEARCHED)
        text += f" {_schedule(row['schedule'])}"  # as people write it too
        right = kind in (None, *row["kinds"]) and name in (None, row["data"])
        return right and all(word in text.lower() for word in wanted)

    return [fits(row) for row in rows]


def _schedule(name: object) -> str:
    return "" if name is None else labels.value(name)


def _data(name: str) -> str:
    row = known_dataset(name)
    return row.title if row else name


def _summary(everything: Sequence[Experiment], shown: int) -> str:
    own = [found for found in everything if found.state != "shipped"]
    count = f"{len(everything):,} experiments" if len(everything) > 1 else "One experiment"
    part = f"{shown:,} of {count}" if shown < len(everything) else count
    if not own:
        return f"{part}, shipped with the program."
    runs = sum(len(found.runs) for found in own)
    size = wording.size(sum(found.bytes for found in own))
    return f"{part}. Your own have {runs:,} {'run' if runs == 1 else 'runs'} and use {size} on the disk."


def _ticked(found: list[Experiment], rows: list[dict[str, Any]]) -> list[Experiment]:
    wanted = st.query_params.get_all("experiment")
    ids = [each.id for each in found]
    states = {row["state"]: wording.STATES[each.state][0] for each, row in zip(found, rows, strict=True)}
    table = st.dataframe(
        _table(found, rows),
        key=f"experiments-{hash(tuple(ids))}",
        hide_index=True,
        height=table_height(len(ids), HEIGHT),
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [ids.index(each) for each in wanted if each in ids]}},
        alt="All experiments",
        column_config=_columns(states),
    )
    chosen = [found[row] for row in table["selection"]["rows"] if row < len(found)]
    write_address("experiment", [each.id for each in chosen[:MOST_COMPARED]])  # of more it would become too long
    return chosen


def _table(found: Sequence[Experiment], rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    known = pd.DataFrame(rows)
    numbers = {name: pd.to_numeric(known[name], errors="coerce") for name in ("learning_rate", "batch_size")}
    errors = {name: 100 * known[name].astype(float) for name in ("test_error", "train_error")}
    return pd.DataFrame(
        {
            "Title": [wording.title(each) for each in found],
            "State": [[state] for state in known["state"]],
            "Progress": [each.step / each.steps if each.steps else 0.0 for each in found],
            "Test error": errors["test_error"],
            "Training error": errors["train_error"],
            "Best network": known["best"],
            "Size": known["bytes"] / 1e6,
            "Started": [each.created for each in found],
            "Note": known["note"],
            "Data": known["data"].map(_data),
            "Kind": known["kinds"].map(", ".join),
            "Depth": known["depths"].map(lambda depths: ", ".join(map(str, depths))),
            "Seeds": known["seeds"].map(len),
            "Schedule": known["schedule"].map(_schedule),
            "Learning rate": numbers["learning_rate"],
            "Batch size": numbers["batch_size"],
            "Steps": known["steps"],
            "Networks": known["networks"].map(", ".join),
        }
    )


def _columns(states: dict[str, Any]) -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    error = "Of the network with the lowest test error, mean over its seeds, at the end of its schedule or so far."
    return {
        "Title": text(width=320),
        "State": st.column_config.MultiselectColumn(options=list(states), color=list(states.values()), width=78),
        "Progress": st.column_config.ProgressColumn(format="percent", width=80, min_value=0.0, max_value=1.0),
        "Test error": number(format="%.1f %%", width=80, help=error),
        "Training error": number(format="%.1f %%", width=100, help=error),
        "Best network": text(width=95, help="With the lowest test error."),
        "Size": number(format="%.1f MB", width=75, help="On the disk."),
        "Started": st.column_config.DatetimeColumn(format="DD MMM, HH:mm", width=105),
        "Note": text(width=120),
        "Kind": text(width=110),
        "Depth": text(width=85),
        "Seeds": number(width=65),
        "Learning rate": number(width=105, help="The peak of its schedule."),
        "Batch size": number(width=85),
        "Steps": number(format="localized", width=75),
    }
