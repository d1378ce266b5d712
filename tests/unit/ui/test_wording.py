import pytest

from explorer.ui.wording import minus, percent


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-0.5", "−0.5"),
        ("your guess: -3 points. Measured: +1.2.", "your guess: −3 points. Measured: +1.2."),
        ("(-1.0 to -.5)", "(−1.0 to −.5)"),
        ("1e-05", "1e-05"),
        ("resnet20-4, 20260101-000000-1, arXiv 1-2, plain-20", "resnet20-4, 20260101-000000-1, arXiv 1-2, plain-20"),
        ("2x2 - 1, --steps", "2x2 - 1, --steps"),
    ],
)
def test_negative_numbers_have_a_minus_sign(text, shown):
    assert minus(text) == shown


def test_percent():
    assert [percent(0.084), percent(-0.01, 0), percent(None)] == ["8.4 %", "−1 %", "–"]
