"""The operations on the Blocks page: kept in the address, changed by clicks, with undo and redo."""

from collections.abc import Sequence

import streamlit as st

from explorer.errors import BadSettings, UnknownName
from explorer.models.operations import Kind, Operation, Place, operations_text, parsed
from explorer.ui.address import write_address
from explorer.ui.errors import show_error

KEY = "operations"  # in the address
PAST, FUTURE = "operations_past", "operations_future"  # in the session: texts
MOST_KEPT = 200
ONE_EACH = ("delete", "reinit", "shortcut", "branch")  # a second one on the same block replaces the first


def current_operations() -> tuple[Operation, ...]:
    """Those in the address; none, with the reason shown, if they cannot be read."""
    try:
        return parsed(st.query_params.get(KEY, ""))
    except (BadSettings, UnknownName) as error:
        show_error(f"{error} The link was read without its operations.")
        return ()


def after_click(
    operations: Sequence[Operation], kind: Kind, block: Place | None, *, weights: str = "", factor: float = 1.0
) -> tuple[Operation, ...]:
    """The operations after one more on a block, or on all for None; the same one again takes it back.

    Repeating a block again repeats it once more, and a factor of 1 changes nothing.
    """
    new = Operation(kind, block, weights=weights, factor=factor)
    if kind not in ONE_EACH:
        return *operations, new
    others = [each for each in operations if (each.kind, each.block) != (kind, block)]
    undone = new in operations or (kind in ("shortcut", "branch") and new.factor == 1)
    return tuple(others) if undone else (*others, new)


def change(operations: Sequence[Operation]) -> None:
    """Make these the current ones; undo leads back."""
    _remember(PAST, st.query_params.get(KEY, ""))
    st.session_state[FUTURE] = []
    _write(operations_text(operations))


def change_text(text: str) -> None:
    """The same for operations that the reader has typed; raises as `parsed`."""
    change(parsed(text))


def undo() -> None:
    """Go back to the operations before the last change."""
    _step(PAST, FUTURE)


def redo() -> None:
    """Take back `undo`."""
    _step(FUTURE, PAST)


def can_undo() -> bool:
    """Whether there is a change to undo."""
    return bool(st.session_state.get(PAST))


def can_redo() -> bool:
    """Whether there is a change to redo."""
    return bool(st.session_state.get(FUTURE))


def _step(source: str, target: str) -> None:
    if texts := st.session_state.get(source):
        _remember(target, st.query_params.get(KEY, ""))
        _write(texts.pop())


def _remember(where: str, text: str) -> None:
    texts = st.session_state.setdefault(where, [])
    texts.append(text)
    del texts[:-MOST_KEPT]


def _write(text: str) -> None:
    write_address(KEY, text or None)
