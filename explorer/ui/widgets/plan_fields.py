"""Fields for the settings of a plan, kept in the address, and the plan they make."""

from dataclasses import dataclass, field
from typing import Any, get_args

import streamlit as st

from explorer import glossary, labels
from explorer.errors import BadSettings
from explorer.settings import limits
from explorer.training.plan import Plan
from explorer.training.presets import Preset
from explorer.training.recipe import Recipe
from explorer.ui.address import rename_in_address
from explorer.ui.widgets.number_field import number_field

# The terms that the help of a setting explains
EXPLAINED: dict[str, tuple[str, ...]] = {
    "steps": ("step",),
    "batch_size": ("batch",),
    "learning_rate": ("learning_rate",),
    "schedule": ("schedule", "one_cycle"),
    "warmup_steps": ("warm_up",),
    "momentum": ("momentum",),
    "weight_decay": ("weight_decay",),
    "augment": ("augmentation",),
    "stochastic_depth": ("stochastic_depth",),
}


def help_on(name: str) -> str:
    """The help of a setting of the recipe: what it is here, then its terms."""
    note = "" if name == "schedule" else Recipe.model_fields[name].description or ""  # which has a shell's names
    return glossary.explain(*EXPLAINED.get(name, ()), note=note)


def plan_of(choices: dict[str, Any]) -> Plan:
    """The chosen plan.

    Raises:
        BadSettings: no network is chosen, or the choices are inconsistent; the message says which.
    """
    if choices.get("problems"):
        raise BadSettings(" ".join(choices["problems"]))
    if not choices["networks"]:
        raise BadSettings("No network is chosen. Pick at least one; a plain and a residual one make a comparison.")
    given = {name: value for name, value in choices.items() if name != "problems"}
    return Plan(**given | {"recipe": Recipe(**choices["recipe"])})


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one preset, with defaults from its plan; `name` is the prefix of their keys in the address.

    Attributes:
        problems: of values that a field does not take, in sentences.
    """

    name: str
    preset: Preset
    problems: list[str] = field(default_factory=list)

    def bound(self, key: str) -> dict[str, Any]:
        return {"key": f"{self.name}_{key}", "bind": "query-params"}

    def whole(self, label: str, key: str, value: int, low: int, high: int, **options: Any) -> int:
        return int(self.number(label, key, value, low, high, **options))

    def number(self, label: str, key: str, usual: Any, low: Any, high: Any, **options: Any) -> Any:
        """The number in a field; the usual one where it is out of bounds, with the problem noted."""
        try:
            return number_field(label, low, high, usual, key=f"{self.name}_{key}", **options)
        except BadSettings as error:
            self.problems.append(str(error))
            return usual

    def settings(self, *names: str) -> dict[str, Any]:
        """Fields for settings of the recipe, made from their descriptions."""
        return {name: self.setting(name, getattr(self.preset.plan.recipe, name)) for name in names}

    def setting(self, name: str, usual: Any) -> Any:
        """The field for one setting, with its default."""
        known = Recipe.model_fields[name]
        extra: dict[str, Any] = known.json_schema_extra if isinstance(known.json_schema_extra, dict) else {}
        title, of_type = labels.heading(name), get_args(known.annotation)
        choices: dict[str, Any] = extra.get("choices") or {each: each for each in of_type if isinstance(each, str)}
        if choices:
            rename_in_address(f"{self.name}_{name}", {str(stored): shown for shown, stored in choices.items()})
            index = list(choices.values()).index(usual)
            return choices[str(st.selectbox(title, list(choices), index, help=help_on(name), **self.bound(name)))]
        kind: Any = float if known.annotation is float else int
        low, high = map(kind, limits(Recipe, name))
        options = {"step": extra["step"]} if "step" in extra else {}
        return self.number(
            title, name, None if usual is None else kind(usual), low, high, fraction=kind is float,
            placeholder=extra.get("empty"), help=help_on(name), **options,
        )  # fmt: skip
