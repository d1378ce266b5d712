"""What a click on a block does: the tools with their fields, undo and redo, and the same without a mouse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from explorer.models.config import NetworkConfig
from explorer.models.operations import Kind, Operation, Place, operations_text, possible
from explorer.ui.blocks.operations import (
    after_click,
    can_redo,
    can_undo,
    change,
    change_text,
    current_operations,
    redo,
    undo,
)
from explorer.ui.errors import readable_errors
from explorer.ui.widgets.network_choice import Candidate
from explorer.ui.widgets.presenting import ONE_BEAT, present

TOOLS: dict[Kind, str] = {
    "delete": "Delete",
    "swap": "Swap",
    "repeat": "Repeat",
    "reinit": "Re-initialise",
    "shortcut": "Shortcut ×",
    "branch": "Branch ×",
}
FACTORS: dict[Kind, float] = {"shortcut": 1.0, "branch": 2.0}  # the highest
FIRST_FACTOR = 0.5
NEW_WEIGHTS = "seed1"  # not 0, the seed of most trainings
FIRST_OF_TWO = "operations_first_of_two"  # in the session: block that the next click swaps
TYPED = "operations_typed"  # key of the text field


@dataclass(frozen=True, slots=True)
class Tool:
    """An operation without its block, see `models.operations.Operation`."""

    kind: Kind
    weights: str = ""
    factor: float = 1.0

    def refused(self, config: NetworkConfig) -> dict[Place, str]:
        """Why it is not possible, by block."""
        return {
            (each.stage, each.block): each.refused[self.kind] for each in possible(config) if self.kind in each.refused
        }

    @property
    def first_of_two(self) -> Place | None:
        """The block that the next click swaps."""
        return st.session_state.get(FIRST_OF_TWO) if self.kind == "swap" else None

    def use(self, block: Place | None) -> None:
        """Operate on a block, or on all; of a swap the first click only chooses the block."""
        operations = current_operations()
        if self.kind != "swap":
            change(after_click(operations, self.kind, block, weights=self.weights, factor=self.factor))
            return
        first = st.session_state.pop(FIRST_OF_TWO, None)
        if first is None:
            st.session_state[FIRST_OF_TWO] = block
        elif first != block:
            change((*operations, Operation("swap", first, other=block)))


def choose_tool(networks: Sequence[Candidate], operations: Sequence[Operation]) -> Tool:
    """The tools, their fields, and the buttons beside them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind: Kind = st.segmented_control(
            "A click on a block", list(TOOLS), format_func=TOOLS.__getitem__, default="delete", required=True,
            key="tool", bind="query-params",
        )  # fmt: skip
        if kind == "reinit":
            _weights(networks)
        if kind in FACTORS:
            _factor(kind)
        tool = tool_in_hand(networks)
        _button("Undo", "undo", undo, disabled=not can_undo())
        _button("Redo", "redo", redo, disabled=not can_redo())
        _button("Reset", "restart_alt", partial(change, ()), disabled=not operations)
        with st.popover("By name", icon=":material/keyboard:"):
            _by_name(networks, tool, operations)
        present(ONE_BEAT)
    if kind == "swap":
        first = tool.first_of_two
        st.caption(
            "Click two blocks of the same shape."
            if first is None
            else "Block {}.{} is chosen. Click the block that it changes places with.".format(*first)
        )
    return tool


def tool_in_hand(networks: Sequence[Candidate]) -> Tool:
    """The tool as its fields are now; a click may come before the page has been drawn with a tool just chosen."""
    kind: Kind = st.session_state.get("tool") or "delete"
    weights = st.session_state.get("reinit-weights") or next(iter(_weights_offered(networks)))
    factor = float(st.session_state.get(f"{kind}-factor", FIRST_FACTOR))
    return Tool(kind, weights if kind == "reinit" else "", factor if kind in FACTORS else 1.0)


def _button(label: str, icon: str, act: Callable[[], None], *, disabled: bool) -> None:
    st.button(
        label, icon=f":material/{icon}:", key=f"operations-{label}", on_click=act, disabled=disabled, type="tertiary"
    )  # fmt: skip


def _weights_offered(networks: Sequence[Candidate]) -> dict[str, str]:
    """Weights that a block can get, with their labels: of steps that all trained networks have, or new ones."""
    kept = [set(each.moments) for each in networks if each.moments]
    steps = sorted(set.intersection(*kept))[:-1] if kept else []  # the last one changes nothing
    return {**{str(step): f"of step {step:,}" for step in steps}, NEW_WEIGHTS: "new, at random"}


def _weights(networks: Sequence[Candidate]) -> None:
    options = _weights_offered(networks)
    st.selectbox(
        "Weights", list(options), format_func=options.__getitem__, key="reinit-weights", bind="query-params", width=170
    )


def _factor(kind: Kind) -> None:
    factors = [number / 20 for number in range(round(20 * FACTORS[kind]) + 1)]
    st.select_slider("Factor", factors, value=FIRST_FACTOR, key=f"{kind}-factor", bind="query-params", width=150)


def _by_name(networks: Sequence[Candidate], tool: Tool, operations: Sequence[Operation]) -> None:
    """The block from a menu, and the operations as a text."""
    blocks = {(each.stage, each.block) for network in networks for each in possible(network.config)
              if tool.kind not in each.refused}  # fmt: skip
    offered: list[Place | None] = [*([None] if tool.kind in ("shortcut", "branch") else []), *sorted(blocks)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        block = st.selectbox(
            "Block", offered, format_func=lambda place: "all" if place is None else "{}.{}".format(*place),
            key="block-menu", width=120,
        )  # fmt: skip
        st.button(TOOLS[tool.kind], key="block-apply", on_click=tool.use, args=(block,), disabled=not offered)
    st.session_state[TYPED] = operations_text(operations)
    st.text_input(
        "Operations",
        key=TYPED,
        on_change=_take_typed,
        help="For example delete:2.3, swap:1.2-1.4, repeat:3.1, reinit:2.1@0, shortcut:0.5, branch:2.3@0.5.",
    )


def _take_typed() -> None:
    with readable_errors():
        change_text(st.session_state[TYPED])
