"""What class probabilities say about each image, and in sum."""

import numpy as np
import pytest

from explorer import tables
from explorer.analysis.evaluated import image_predictions, images_of, most_confident_mistakes, summary

PROBABILITIES = np.array(
    [
        [0.1, 0.2, 0.3, 0.15, 0.05, 0.2],  # label 2: right
        [0.5, 0.1, 0.1, 0.1, 0.15, 0.05],  # label 5: the last of six
        [0.05, 0.7, 0.1, 0.05, 0.05, 0.05],  # label 2: the second
        [0.5, 0.1, 0.1, 0.1, 0.15, 0.05],  # label 4: the second
    ]
)
LABELS = np.array([2, 5, 2, 4])


@pytest.fixture
def table():
    return image_predictions(np.log(PROBABILITIES).astype(np.float32), LABELS, np.array([3, 8, 10, 12]))


def test_each_image_has_its_answer(table):
    assert list(table.columns) == tables.EVALUATED
    assert table["index"].tolist() == [3, 8, 10, 12]
    assert table["prediction"].tolist() == [2, 0, 1, 0]
    assert table["label_rank"].tolist() == [1, 6, 2, 2]
    np.testing.assert_allclose(table["probability"], [0.3, 0.5, 0.7, 0.5], rtol=1e-6)
    np.testing.assert_allclose(table["label_probability"], [0.3, 0.05, 0.1, 0.15], rtol=1e-6)


def test_the_sum_of_all(table):
    found = summary(table, 6)
    assert found.error == 0.75
    assert found.top5_error == 0.25
    assert found.loss == pytest.approx(-np.log([0.3, 0.05, 0.1, 0.15]).mean())
    assert found.standard_error == pytest.approx(np.std([0, 1, 1, 1]) / 2)
    # 0.3 sure and right; 0.5 sure twice and wrong; 0.7 sure and wrong
    assert found.ece == pytest.approx((0.7 + 0.5 + 0.5 + 0.7) / 4)


def test_with_five_classes_there_is_no_top_five(table):
    assert summary(table, 5).top5_error is None


def test_the_surest_mistakes_come_first(table):
    assert most_confident_mistakes(table)["index"].tolist() == [10, 8, 12]
    assert most_confident_mistakes(table, most=1)["index"].tolist() == [10]


def test_the_images_of_a_cell_of_the_confusion(table):
    assert images_of(table, 2, 1)["index"].tolist() == [10]
    assert images_of(table, 2, 5).empty
