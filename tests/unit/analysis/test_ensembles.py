"""Several networks together, against loops over images."""

from itertools import combinations

import numpy as np
import pytest

from explorer import tables
from explorer.analysis.ensembles import joint_log_probabilities, member_pairs, shared_mistakes

LABELS = np.array([0, 1, 1, 2])
PREDICTIONS = {"a": np.array([0, 1, 0, 1]), "b": np.array([0, 0, 0, 1]), "c": np.array([1, 1, 1, 0])}


def test_probabilities_are_averaged_not_scores():
    """One sure network outweighs two unsure ones: mean 0.433 against 0.567, while the scores' mean says the first."""
    members = [np.log(np.array([row], np.float32)) for row in ([0.6, 0.4], [0.6, 0.4], [0.1, 0.9])]
    found = np.exp(joint_log_probabilities(members))
    np.testing.assert_allclose(found, [[1.3 / 3, 1.7 / 3]], rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_joint_prediction_is_what_a_loop_over_images_gives(count):
    generator = np.random.default_rng(0)
    members = generator.dirichlet(np.ones(4), (count, 30))
    found = np.exp(joint_log_probabilities([np.log(each).astype(np.float32) for each in members]))
    for image in range(30):
        np.testing.assert_allclose(found[image], sum(each[image] for each in members) / count, rtol=1e-5)


def test_a_class_that_one_member_rules_out_is_not_lost():
    sure, unsure = np.array([[0.0, -np.inf]], np.float32), np.log(np.array([[0.2, 0.8]], np.float32))
    np.testing.assert_allclose(np.exp(joint_log_probabilities([sure, unsure])), [[0.6, 0.4]], rtol=1e-6)


def test_how_many_have_an_image_wrong():
    found = shared_mistakes(PREDICTIONS, LABELS)
    assert list(found.columns) == tables.SHARED_MISTAKES
    counts = [sum(PREDICTIONS[name][image] != LABELS[image] for name in PREDICTIONS) for image in range(4)]
    assert counts == [1, 1, 2, 3]
    assert found["images"].tolist() == [0, 2, 1, 1]
    assert found["fraction"].tolist() == [0, 0.5, 0.25, 0.25]


def test_every_two_networks_are_compared_once():
    found = member_pairs(PREDICTIONS, LABELS)
    assert list(found.columns) == tables.MEMBER_PAIRS
    for row, (a, b) in zip(found.to_dict("records"), combinations("abc", 2), strict=True):
        answers = list(zip(PREDICTIONS[a], PREDICTIONS[b], LABELS, strict=True))
        assert (row["a"], row["b"]) == (a, b)
        assert row["same"] == sum(x == y for x, y, _ in answers) / 4
        assert row["both_wrong"] == sum(x != label != y for x, y, label in answers) / 4
        assert row["same_mistake"] == sum(x == y != label for x, y, label in answers) / 4
