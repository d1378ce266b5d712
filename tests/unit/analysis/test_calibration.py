"""Calibration: bins, the expected calibration error, by hand and by a naive loop."""

import math

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.analysis.calibration import BINS, calibration, calibration_error


def answers(*rows):
    """A table of (probability, right)."""
    return pd.DataFrame({"label": 1, "prediction": 1 + (not right), "probability": p} for p, right in rows)


def test_the_error_of_two_bins_by_hand():
    """0.9 sure and right in one of two: 0.4 off; 0.55 sure and right in two of two: 0.45 off."""
    found = calibration(answers((0.9, True), (0.9, False), (0.55, True), (0.55, True)))
    assert calibration_error(found) == pytest.approx((2 * 0.4 + 2 * 0.45) / 4)


def test_a_network_that_is_right_as_often_as_it_says_has_no_error():
    table = answers(*[(0.75, number < 3) for number in range(4)])
    assert calibration_error(calibration(table)) == pytest.approx(0)


def test_bins_say_how_many_how_sure_and_how_often_right():
    found = calibration(answers((0.5, True), (0.52, False), (1.0, True)))
    assert list(found.columns) == tables.CALIBRATION
    assert len(found) == BINS == 15
    filled = found[found["images"] > 0]
    assert filled["images"].tolist() == [2, 1]
    assert filled["confidence"].tolist() == pytest.approx([0.51, 1.0])
    assert filled["accuracy"].tolist() == [0.5, 1.0]
    assert found["accuracy"].isna().sum() == 13


def test_a_bin_holds_its_upper_edge_and_not_its_lower_one():
    found = calibration(answers((0.2, True), (0.2000001, True)), bins=5)
    assert found["images"].tolist() == [1, 1, 0, 0, 0]


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_it_is_what_a_loop_over_the_definition_gives(bins):
    generator = np.random.default_rng(0)
    rows = [(p, generator.random() < p**2) for p in generator.uniform(0.1, 1.0, 300)]
    error = 0.0
    for number in range(bins):
        inside = [(p, right) for p, right in rows if math.ceil(p * bins) - 1 == number]
        if inside:
            confidence, accuracy = (sum(each[part] for each in inside) / len(inside) for part in (0, 1))
            error += len(inside) / len(rows) * abs(accuracy - confidence)
    assert calibration_error(calibration(answers(*rows), bins)) == pytest.approx(error)


def test_a_network_that_says_nothing_has_no_calibration():
    assert math.isnan(calibration_error(calibration(answers((math.nan, False)))))
