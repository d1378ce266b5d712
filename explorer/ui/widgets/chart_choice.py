"""Options of a chart of training curves, kept in the address."""

from dataclasses import dataclass, fields
from typing import Any, Literal, cast

import streamlit as st

from explorer import glossary
from explorer.figures.curve_lines import MEASURES

MEASURE_LABELS = {
    "error": "Error",
    "train_error": "Training error, fixed sample",
    "loss": "Loss",
    "learning_rate": "Learning rate",
    "images_per_second": "Images per second",
}
SMOOTHINGS = (0, 1, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class ChartChoice:
    """Options of `figures.training_curves`, by the same names."""

    measure: str = "error"
    x: Literal["step", "seconds"] = "step"
    log_x: bool = False
    log_y: bool = False
    smoothing: int = 0  # 0 takes the steps that count as the end of the schedule
    panels: bool = True

    @property
    def as_race(self) -> bool:
        """Whether it is the chart of the Degradation page."""
        return self.measure == "error" and self.x == "step" and self.panels and not self.log_y

    def options(self) -> dict[str, Any]:
        """Those that are not as usual."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name)) != each.default}


def choose_chart() -> ChartChoice:
    """A row of controls above a chart."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        measure = st.selectbox(
            "Measure",
            list(MEASURES),
            format_func=lambda name: MEASURE_LABELS.get(name, name),
            key="show",
            bind="query-params",
            width=210,
            help=glossary.explain("training_error", "test_error", "loss"),
        )
        x = st.segmented_control(
            "x axis", ["step", "seconds"], default="step", required=True, key="against", bind="query-params"
        )
        smoothing = st.select_slider(
            "Smoothing, steps",
            SMOOTHINGS,
            value=0,
            format_func=lambda steps: str(steps or "a tenth"),
            key="smoothing",
            bind="query-params",
            width=180,
        )
        log_x = st.toggle("Log x", key="log_x", bind="query-params")
        log_y = st.toggle("Log y", key="log_y", bind="query-params")
        panels = st.toggle("Two panels", value=True, key="panels", bind="query-params")
    return ChartChoice(measure, cast(Literal["step", "seconds"], x), log_x, log_y, smoothing, panels)
