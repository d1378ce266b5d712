"""The legend above and the note below have room on a narrow page."""

import pytest

from explorer.figures import captions


@pytest.mark.parametrize(
    ("letters", "columns"), [(8, 4), (18, 4), (30, 2), (200, 1)]
)  # fmt: skip
def test_long_names_take_more_rows_and_each_kind_begins_one(letters, columns):
    legend, height = captions.legend_by_kind(["plain"] * 4 + ["residual"] * 4, ["n" * letters] * 8)
    assert legend["entrywidth"] == pytest.approx(0.9 / columns)
    assert height == captions.LEGEND_ROW * 8 / columns


def test_a_note_is_wrapped_between_its_parts():
    parts = ["one " * 10, "two " * 10, "three " * 10]
    lines = captions.wrapped(parts).split("<br>")
    assert lines == [f"{parts[0]}\u2003{parts[1]}", parts[2]]
    assert captions.wrapped([]) == ""
