"""Errors, in total and per class, calibration, and the comparison of all checkpoints."""

from functools import partial

import pandas as pd
import streamlit as st

from explorer import glossary, tables
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import class_errors, reliability_diagram
from explorer.results import Evaluation, evaluation_table
from explorer.runs.checkpoint_facts import lacks_test_error, record_test_error
from explorer.runs.comparison import comparison
from explorer.ui.evaluate.choice import PERCENT, Evaluated, percent
from explorer.ui.navigation import page
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.network_choice import MOST
from explorer.ui.widgets.table_height import table_height
from explorer.ui.widgets.take_along import table_download, take_along

SURELY = 2.0  # standard errors: a smaller difference of confidence and accuracy is not called one


def show_errors(evaluated: Evaluated) -> None:
    """The error of each class, and below it a row for each network."""
    classes = evaluated.table("class_errors")
    draw = partial(class_errors, classes)
    names = ", ".join(evaluated.name(each) for each in evaluated.found)
    live_chart(draw(), key="class-errors", alt=f"Error of each class of {names}.", filename="class-errors")
    show_rows(evaluated)
    _offer_to_record(evaluated)
    networks = partial(table_download, evaluation_table(evaluated.found), "errors", "Networks (CSV)")
    view = evaluated.choice.view("class_errors", "class_errors")
    take_along(view, classes, draw, name="class-errors", chart="class-errors", more=networks)


def show_rows(evaluated: Evaluated) -> None:
    """A row for each network."""
    table = evaluation_table(evaluated.found)
    shown = pd.DataFrame(
        {
            "Network": [evaluated.name(each) for each in evaluated.found],
            "Error": 100 * table["error"],
            "±": 100 * table["standard_error"],
            "Top-5 error": 100 * table["top5_error"].astype(float),
            "Loss": table["loss"],
            "ECE": 100 * table["ece"],
            "Images": table["images"],
            "Seconds": table["seconds"],
        }
    )
    st.dataframe(
        shown,
        hide_index=True,
        column_config={
            "Error": st.column_config.NumberColumn(format=PERCENT, help="Fraction of misclassified images."),
            "±": st.column_config.NumberColumn(format=PERCENT, help="Standard error of the error."),
            "Top-5 error": st.column_config.NumberColumn(
                format=PERCENT, help="The true class is not among the five most probable ones."
            ),
            "Loss": st.column_config.NumberColumn(format="%.4f", help="Mean cross-entropy, in nats."),
            "ECE": st.column_config.NumberColumn(
                format=PERCENT,
                help=glossary.explain("calibration", note="Expected calibration error, in 15 bins."),
            ),
            "Seconds": st.column_config.NumberColumn(format="%.1f"),
        },
    )


def _offer_to_record(evaluated: Evaluated) -> None:
    """A button where this is the test error that imported checkpoints lack."""
    errors = {
        each.reference: each.error
        for each in evaluated.found
        if lacks_test_error(each.reference, data=each.data, images=each.images, crops=each.crops)
    }
    if errors and st.button(
        "Record test error",
        icon=":material/save:",
        key="record_test_error",
        help=f"Write it into the facts of {', '.join(map(in_markdown, errors))}, which have none yet.",
    ):
        for reference, error in errors.items():
            record_test_error(reference, error)
        _checkpoints.clear()
        st.rerun()


def show_calibration(evaluated: Evaluated) -> None:
    """Accuracy against confidence of all networks."""
    table = evaluated.table("calibration")
    draw = partial(reliability_diagram, table)
    live_chart(
        draw(),
        key="reliability",
        alt=f"Accuracy against confidence of {', '.join(evaluated.name(each) for each in evaluated.found)}.",
        filename="reliability",
    )
    st.markdown(
        "\n".join(f"- **{in_markdown(evaluated.name(each))}** {_calibration(each)}" for each in evaluated.found)
    )
    view = evaluated.choice.view("calibration", "calibration")
    take_along(view, table, draw, name="calibration", chart="reliability")


def _calibration(each: Evaluation) -> str:
    """Mean confidence compared with accuracy."""
    confidence, accuracy = float(each.predictions["probability"].mean()), 1 - each.error
    more = confidence - accuracy
    calibrated = abs(more) < SURELY * each.standard_error
    judged = "no difference within the error" if calibrated else "overconfident" if more > 0 else "underconfident"
    return (
        f"has a mean confidence of {percent(confidence)} and an accuracy of {percent(accuracy)}: {judged}. "
        f"ECE {percent(each.ece)}."
    )


def compare_checkpoints() -> None:
    """All checkpoints on this machine, compared with published errors."""
    table = _checkpoints()
    if table.empty:
        st.info("There are no checkpoints on this machine yet. Train a network on the Train page.")
        return
    shown = table.assign(
        **{column: 100 * table[column] for column in ("test_error", "published_error", "gap")},
        multiply_adds=table["multiply_adds"] / 1e6,
    )
    picked = st.dataframe(
        shown,
        hide_index=True,
        height=table_height(len(shown), 640),
        placeholder="–",
        column_order=[column for column in tables.COMPARISON if column not in ("kind", "source")] + ["source"],
        on_select="rerun",
        selection_mode="multi-row",
        key="checkpoints-picked",
        column_config={
            "reference": "Checkpoint",
            "network": "Network",
            "kind": "Kind",
            "depth": "Depth",
            "parameters": st.column_config.NumberColumn("Parameters", format="localized"),
            "multiply_adds": st.column_config.NumberColumn("Multiply-adds", format="%.1f M", help="For one image."),
            "data": "Trained on",
            "image_size": st.column_config.NumberColumn("Image size", format="%d px"),
            "step": st.column_config.NumberColumn("Steps", format="localized"),
            "test_error": st.column_config.NumberColumn(
                "Test error", format=PERCENT, help="On the whole test set, measured when it was saved or later."
            ),
            "published_error": st.column_config.NumberColumn("Published", format=PERCENT),
            "source": "Source",
            "gap": st.column_config.NumberColumn("Gap", format="%+.2f %%", help="Test error minus the published one."),
        },
    )
    chosen = [str(table["reference"].iloc[row]) for row in picked["selection"]["rows"]]
    if st.button(
        "Evaluate these",
        icon=":material/play_arrow:",
        disabled=not 0 < len(chosen) <= MOST,
        help=f"Select up to {MOST} checkpoints in the table.",
    ):
        st.switch_page(page("evaluate"), query_params={"networks": ",".join(chosen)})
    st.caption(
        "Where a test error is missing, evaluate the checkpoint on all test images with one crop, then record it. "
        "A published error is of the same network on the same data set at its usual image size, after 64,000 steps or "
        "more; the shipped networks were trained for far fewer."
    )
    take_along(View("checkpoints", ()), table, name="checkpoints")


@st.cache_data(ttl=2, show_spinner=False)
def _checkpoints() -> pd.DataFrame:
    return comparison()
