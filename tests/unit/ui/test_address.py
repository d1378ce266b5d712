"""Anybody may have written the address: what is a number in it is read in one place, within its bounds."""

import ast
from pathlib import Path

import pytest

from explorer.ui.address import number_in

ROOT = Path(__file__).parents[3]
SOURCES = sorted([*ROOT.glob("explorer/ui/**/*.py"), *ROOT.glob("pages/*.py")])


@pytest.mark.parametrize("text", ["00000001099999999999", "1000001", "-1", "１０", "1e3", "inf", " 5", "", "9" * 400])
def test_a_number_out_of_bounds_or_of_another_grammar_is_none(text):
    assert number_in(text, 0, 1_000_000) is None


def test_a_number_is_used_as_it_was_checked():
    assert number_in("000000000000000007", 0, 9) == 7


def test_no_field_takes_a_number_from_the_address_unchecked():
    """Streamlit reads whatever Python's `float` does; `bound_number` gives the key of a field that is bound."""
    unchecked = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if call.func.attr in ("number_input", "slider") and any(each.arg == "bind" for each in call.keywords)
    ]
    assert unchecked == []


def test_no_number_field_has_bounds_in_the_browser():
    """It keeps a value outside of them to itself, and a button would use the one before."""
    bounded = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "number_input"
        if len(call.args) > 1 or {"min_value", "max_value"} & {each.arg for each in call.keywords}
    ]
    assert bounded == []


def test_no_page_reads_a_number_by_itself():
    reads = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("int", "float")
        if "query_params" in ast.unparse(call)
    ]
    assert reads == []
