"""Operations after clicks, undo and redo."""

import pytest
import streamlit as st
from streamlit.runtime.state.query_params import QueryParams

from explorer.models.operations import operations_text, parsed
from explorer.ui.blocks import operations


@pytest.fixture(autouse=True)
def session(monkeypatch):
    monkeypatch.setattr(st, "session_state", {})
    monkeypatch.setattr(st, "query_params", QueryParams())


@pytest.mark.parametrize(
    ("before", "click", "after"),
    [
        ("", ("delete", (2, 3)), "delete:2.3"),
        ("delete:2.3,repeat:1.1", ("delete", (2, 3)), "repeat:1.1"),
        ("repeat:1.1", ("repeat", (1, 1)), "repeat:1.1,repeat:1.1"),
        ("reinit:1.1@0", ("reinit", (1, 1), {"weights": "seed1"}), "reinit:1.1@seed1"),
        ("reinit:1.1@0", ("reinit", (1, 1), {"weights": "0"}), ""),
        ("shortcut:1.1@0.5", ("shortcut", (1, 1), {"factor": 0.2}), "shortcut:1.1@0.2"),
        ("shortcut:1.1@0.5", ("shortcut", (1, 1), {"factor": 1.0}), ""),
        ("shortcut:1.1@0.5", ("shortcut", None, {"factor": 0.2}), "shortcut:1.1@0.5,shortcut:0.2"),
    ],
)
def test_a_click_adds_replaces_or_takes_back(before, click, after):
    kind, block, *given = click
    assert operations_text(operations.after_click(parsed(before), kind, block, **dict(*given))) == after


def test_undo_and_redo_lead_through_all_changes():
    for text in ("delete:1.1", "delete:1.1,repeat:1.2"):
        operations.change_text(text)
    operations.undo()
    assert operations_text(operations.current_operations()) == "delete:1.1"
    operations.undo()
    assert not operations.current_operations()
    assert not operations.can_undo()
    operations.redo()
    operations.redo()
    assert operations_text(operations.current_operations()) == "delete:1.1,repeat:1.2"
    assert not operations.can_redo()
    operations.undo()
    operations.change(())
    assert not operations.can_redo()  # what was undone before a change is gone


def test_a_link_with_other_words_is_read_without_operations(monkeypatch):
    shown = []
    monkeypatch.setattr(operations, "show_error", shown.append)
    st.query_params["operations"] = "remove:1.1"
    assert operations.current_operations() == ()
    assert shown[0].endswith("The link was read without its operations.")
    assert "remove" in shown[0]
