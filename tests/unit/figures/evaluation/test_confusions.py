"""The confusion matrix as colours and numbers."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.figures import confusion_matrix, theme
from explorer.figures.evaluation.confusions import MOST_CLASSES

NAMES = ("cat", "dog", "frog")


@pytest.fixture
def counts():
    """Cats are predicted as dogs in a quarter of the cases."""
    rows = [(0, 0, 1500, 0.75), (0, 1, 500, 0.25), (1, 1, 90, 0.9), (1, 2, 10, 0.1), (2, 2, 50, 1.0)]
    return pd.DataFrame(rows, columns=tables.CONFUSION)


def test_every_field_has_its_number(counts):
    (matrix,) = confusion_matrix(counts, NAMES).data
    assert [list(line) for line in matrix.text] == [["1,500", "500", ""], ["", "90", "10"], ["", "", "50"]]
    assert list(matrix.x) == list(matrix.y) == list(NAMES)


def test_right_ones_are_below_zero_and_the_most_frequent_mistake_has_the_full_colour(counts):
    (matrix,) = confusion_matrix(counts, NAMES).data
    np.testing.assert_allclose(matrix.z, [[-0.75, 1, 0], [0, -0.9, 0.4], [0, 0, -1]], atol=1e-6)
    assert (matrix.zmin, matrix.zmax) == (-1, 1)


def test_rare_mistakes_do_not_look_frequent(counts):
    rare = counts.assign(fraction=[0.999, 0.001, 1, 0, 1])
    assert np.max(confusion_matrix(rare, NAMES).data[0].z) == pytest.approx(0.02)


def test_a_click_on_a_field_with_images_means_label_and_prediction(counts):
    (matrix,) = confusion_matrix(counts, NAMES).data
    assert [list(line) for line in matrix.customdata] == [[[0, 0], [0, 1], None], [None, [1, 1], [1, 2]],
                                                          [None, None, [2, 2]]]  # fmt: skip


def test_pointing_says_what_is_taken_for_what(counts):
    (matrix,) = confusion_matrix(counts, NAMES).data
    assert matrix.hovertext[0][1] == "<b>cat</b> predicted as <b>dog</b><br>500 images, 25.0 % of this class"
    assert matrix.hovertext[0][0].startswith("<b>cat</b> correct<br>1,500")


def test_of_many_classes_those_with_the_most_mistakes_are_shown():
    rows = [(label, label, 100 - label, 1.0) for label in range(40)] + [(label, label + 1, label + 1, 0.1) for label in
                                                                      range(39)]  # fmt: skip
    figure = confusion_matrix(pd.DataFrame(rows, columns=tables.CONFUSION), [f"c{label}" for label in range(40)])
    (matrix,) = figure.data
    assert len(matrix.x) == MOST_CLASSES
    assert "c38" in matrix.x
    assert "c1" not in matrix.x
    assert figure.layout.annotations[0].text == "the 20 classes with the most mistakes of 40"


def test_nothing_gives_axes_to_wait_with(counts):
    assert not confusion_matrix(counts.iloc[:0], NAMES).data


def test_a_light_figure_turned_dark_is_the_dark_figure(counts):
    text = confusion_matrix(counts, NAMES).to_json()
    for light, dark in theme.light_to_dark().items():
        text = text.replace(light, dark)
    assert text == confusion_matrix(counts, NAMES, dark=True).to_json()
