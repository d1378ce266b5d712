"""Which classes are taken for which."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.analysis.confusion import class_errors, confused_pairs, confusion

NAMES = ("cat", "dog", "frog")
TABLE = pd.DataFrame([(0, 0), (0, 1), (0, 1), (0, 2), (1, 1), (1, 1), (1, 0), (2, 2)], columns=["label", "prediction"])


def test_every_pair_is_counted():
    found = confusion(TABLE)
    assert list(found.columns) == tables.CONFUSION
    assert found.values.tolist() == [
        [0, 0, 1, 1 / 4],
        [0, 1, 2, 2 / 4],
        [0, 2, 1, 1 / 4],
        [1, 0, 1, 1 / 3],
        [1, 1, 2, 2 / 3],
        [2, 2, 1, 1],
    ]


def test_counts_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    labels, predictions = generator.integers(0, 5, (2, 200))
    matrix = np.zeros((5, 5), int)
    for row in confusion(pd.DataFrame({"label": labels, "prediction": predictions})).to_dict("records"):
        matrix[row["label"], row["prediction"]] = row["images"]
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(labels, predictions))


def test_the_most_frequent_mistake_comes_first():
    assert confused_pairs(confusion(TABLE))[["label", "prediction"]].values.tolist() == [[0, 1], [0, 2], [1, 0]]


def test_the_error_of_each_class_and_what_it_is_taken_for():
    found = class_errors(confusion(TABLE), NAMES)
    assert list(found.columns) == tables.CLASS_ERRORS
    assert found.to_dict("records") == [
        {"label": 0, "class": "cat", "images": 4, "wrong": 3, "error": 0.75, "predicted": 2, "taken_for": "dog",
         "taken_for_images": 2},
        {"label": 1, "class": "dog", "images": 3, "wrong": 1, "error": 1 / 3, "predicted": 4, "taken_for": "cat",
         "taken_for_images": 1},
        {"label": 2, "class": "frog", "images": 1, "wrong": 0, "error": 0.0, "predicted": 2, "taken_for": "",
         "taken_for_images": 0},
    ]  # fmt: skip


def test_a_class_without_images_has_no_error():
    found = class_errors(confusion(TABLE[TABLE["label"] != 1]), NAMES)
    assert found["class"].tolist() == ["cat", "frog"]


def test_a_class_that_is_never_right_is_wrong_always():
    found = class_errors(confusion(pd.DataFrame({"label": [0, 0], "prediction": [1, 1]})), NAMES)
    assert found["error"].tolist() == [1.0]
    assert found["predicted"].tolist() == [0]
