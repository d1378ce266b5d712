"""One grammar of numbers: what people write in the digits 0 to 9, and nothing that Python reads besides."""

import pytest

from explorer.errors import BadSettings
from explorer.numerals import counted, listed, real, whole

# Python's int or float takes most of these
NEITHER = ["", " 1", "1 ", "1\n", "１２", "٣", "1_000", "0x10", "0b1", "1,000", "--1", "+-1", "1.2.3", "e5",
           "inf", "nan", "-Infinity", "1e", "1e+", "²", "1e1234",
           "1" * 20, "1" * 5000, "1\0", "−1", "True", "None", "."]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-3", -3), ("+7", 7), ("007", 7), ("9" * 19, 10**19 - 1)])
def test_whole_numbers_are_read(text, value):
    assert whole(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("-0.5", -0.5), (".5", 0.5), ("5.", 5.0), ("1e-4", 1e-4), ("2.5E+3", 2500.0), ("1e300", 1e300)],
)
def test_real_numbers_are_read(text, value):
    assert real(text) == value


@pytest.mark.parametrize("text", [*NEITHER, "1.0", "1e3"], ids=ascii)
def test_anything_else_is_no_whole_number(text):
    with pytest.raises(BadSettings, match="is not a whole number. Write it in the digits 0 to 9"):
        whole(text)


@pytest.mark.parametrize("text", [*NEITHER, "1e400", "0x1p3"], ids=ascii)
def test_anything_else_is_no_real_number(text):
    with pytest.raises(BadSettings, match="is not a number. Write it in the digits 0 to 9"):
        real(text)


def test_many_texts_are_listed_with_the_number_of_the_rest():
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listed([str(number) for number in range(1002)], 2, "; ") == "0; 1; and 1,000 more"
    assert listed([], 2) == ""


def test_things_are_counted():
    assert [counted(number, "run") for number in (0, 1, 2000)] == ["0 runs", "1 run", "2,000 runs"]
