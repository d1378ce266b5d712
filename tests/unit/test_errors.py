"""How messages show values: whatever somebody gave, in one short line that a terminal and a page can show."""

import pytest

from explorer.errors import escaped, one_line, quoted


@pytest.mark.parametrize(
    ("value", "shown"),
    [("resnet20", "'resnet20'"), (3, "3"), ("a\nb", r"'a\nb'"), ("\ud800\x1b", r"'\ud800\x1b'"), ("größe", "'größe'")],
    ids=ascii,
)
def test_a_value_is_shown_as_python_writes_it(value, shown):
    assert quoted(value) == shown


@pytest.mark.parametrize("value", ["x" * 10_000, "\0" * 10_000, ["a b"] * 500, 10**4000])
def test_a_long_value_is_shown_by_its_beginning_and_end(value):
    assert len(quoted(value)) < 100
    assert quoted(value)[:10] == repr(value)[:10]
    assert "..." in quoted(value)


def test_a_number_that_python_does_not_write_is_told_in_words():
    assert quoted(10**5000) == "a number of more than 4,300 digits"


def test_an_error_becomes_one_line_without_control_characters():
    assert one_line("a\nb\tc\x1b[31m \udcff") == "a b c\\x1b[31m \\udcff"
    assert escaped("a\nb") == "a\\nb"


def test_an_error_with_a_word_without_end_is_short():
    assert len(one_line(f"There is no file {'x' * 10_000}. Give another.")) < 150
    assert len(one_line("a b " * 10_000)) < 5000
