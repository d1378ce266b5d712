"""Widgets for the settings of a plan, kept in the URL, the plan they make."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer.errors import BadSettings
from explorer.settings import limits
from explorer.training.plan import Plan
from explorer.training.presets import Preset
from explorer.training.recipe import Recipe
from explorer.ui.address import bound_number


def plan_of(choices: dict[str, Any]) -> Plan:
    """The plan that was chosen.

    Raises:
        BadSettings: no network is chosen, or the choices do not fit together; the message says which.
    """
    if not choices["networks"]:
        raise BadSettings("No network is chosen. Pick at least one; a plain and a residual one make a comparison.")
    return Plan(**choices | {"recipe": Recipe(**choices["recipe"])})


@dataclass(frozen=True, slots=True)
class Fields:
    """The widgets of one preset: its plan gives their defaults, `name` stands before their keys in the URL."""

    name: str
    preset: Preset

    def bound(self, key: str) -> dict[str, Any]:
        return {"key": f"{self.name}_{key}", "bind": "query-params"}

    def whole(self, label: str, key: str, value: int, low: int, high: int, step: int, **options: Any) -> int:
        bound = bound_number(f"{self.name}_{key}", low, high)
        chosen: int | None = st.number_input(label, low, high, value, step, **bound, **options)
        return int(value if chosen is None else chosen)

    def setting(self, label: str, key: str, value: int, step: int, **options: Any) -> int:
        """A whole number of the recipe, within its limits there."""
        return self.whole(label, key, value, *limits(Recipe, key), step, **options)

    def maybe(self, label: str, key: str, value: int | None, placeholder: str) -> int | None:
        """The same, which may be left empty."""
        low, high = limits(Recipe, key)
        bound = bound_number(f"{self.name}_{key}", low, high)
        chosen: int | None = st.number_input(label, low, high, value, placeholder=placeholder, **bound)
        return chosen

    def decimal(self, label: str, key: str, value: float, step: float, *, high: float = 0, **options: Any) -> float:
        """A number of the recipe, from 0 to its limit there, or to `high`."""
        high = float(high or limits(Recipe, key)[1])
        bound = bound_number(f"{self.name}_{key}", 0, high, fraction=True)
        chosen: float | None = st.number_input(label, 0.0, high, float(value), step, "%g", **bound, **options)
        return float(value if chosen is None else chosen)

    def one_of(self, label: str, key: str, options: list[str], value: str, **more: Any) -> str:
        return str(st.selectbox(label, options, options.index(value), **self.bound(key), **more))
