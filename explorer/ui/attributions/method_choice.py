"""Fields for attribution methods and their parameters, made from the rows of `METHODS`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from explorer import glossary
from explorer.attribution.methods import METHODS
from explorer.attribution.rows import Method, Parameter, Parameters, Value
from explorer.ui.widgets.number_field import number_field

USUAL = ("saliency", "integrated_gradients", "grad_cam")
LAYERS = ("", "stage1", "stage2", "stage3", "stage4")  # offered; a block such as stage2.block1 can be typed


@dataclass(frozen=True, slots=True)
class Chosen:
    """A method and those of its parameters that differ from the defaults."""

    name: str
    parameters: Parameters = field(default_factory=dict)

    @property
    def row(self) -> Method:
        return METHODS[self.name]


def choose_methods() -> list[Chosen]:
    """A field for several methods, kept in the address as `methods`."""
    names = st.multiselect(
        "Methods",
        list(METHODS),
        default=list(USUAL),
        format_func=_title,
        key="methods",
        bind="query-params",
        placeholder="Choose attribution methods",
        wrap=True,
        width=280,  # beside the button its names would be cut
        help=glossary.explain("attribution"),
    )
    return _with_parameters(names)


def choose_method(offered: Sequence[str] = tuple(METHODS), *, key: str = "method", layered: bool = True) -> Chosen:
    """A field for one method, kept in the address under `key`; not `layered`: without a field for its layer."""
    names = list(offered)
    name = st.selectbox(
        "Method", names, index=names.index("grad_cam"), format_func=_title, key=key, bind="query-params", width=210
    )
    return _with_parameters([str(name)], layered=layered)[0]


def show_meaning(chosen: Sequence[Chosen]) -> None:
    """What the maps mean, their limits, and the source of each method."""
    for each in chosen:
        st.caption(f"**{each.row.title}.** {each.row.means} *But:* {each.row.limits} ({each.row.source})")


def _title(name: str) -> str:
    return METHODS[name].title


def _with_parameters(names: Sequence[str], *, layered: bool = True) -> list[Chosen]:
    """A button that opens the parameters of the named methods."""
    given = {}
    rows = {name: [each for each in METHODS[name].parameters if layered or each.name != "layer"] for name in names}
    with st.popover("Parameters", icon=":material/tune:"):
        for name, parameters in rows.items():
            st.markdown(f"**{_title(name)}**")
            if not parameters:
                st.caption("No parameters.")
            given[name] = {each.name: _widget(each, f"{name}-{each.name}") for each in parameters}
    return [
        Chosen(name, {each.name: given[name][each.name] for each in parameters if _unusual(each, given[name])})
        for name, parameters in rows.items()
    ]


def _unusual(parameter: Parameter, given: Parameters) -> bool:
    return given[parameter.name] != parameter.default


def _widget(parameter: Parameter, key: str) -> Value:
    """The field for one parameter."""
    if isinstance(parameter.default, bool):
        return st.toggle(parameter.title, parameter.default, help=parameter.help, key=key, bind="query-params")
    if parameter.name == "layer":
        return st.selectbox(
            parameter.title, LAYERS, format_func=lambda each: each or "last block", help=parameter.help, key=key,
            accept_new_options=True, bind="query-params",
        )  # fmt: skip
    if isinstance(parameter.default, str):
        choices = list(parameter.choices)
        return st.selectbox(
            parameter.title, choices, index=choices.index(parameter.default), help=parameter.help, key=key,
            bind="query-params",
        )  # fmt: skip
    whole = isinstance(parameter.default, int)
    low, high = (int(each) if whole else float(each) for each in (parameter.low or 0, parameter.high or 0))
    title, usual = parameter.title, parameter.default
    value: Value = number_field(title, low, high, usual, key=key, fraction=not whole, help=parameter.help)
    return value
