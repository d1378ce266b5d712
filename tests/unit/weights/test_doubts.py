"""Errors that cannot be those of the network in a file are doubted, and what was not measured is named."""

import pytest

from explorer.models.catalogue import network_config
from explorer.results import Candidate
from explorer.weights.choices import alternatives
from explorer.weights.trained_on import doubts

RESNET20 = network_config("resnet20")


def candidates(*names):
    return [Candidate(name, "", "channel", 1.0, 0.5, 100, True) for name in names]


def test_a_plausible_error_is_not_doubted():
    assert doubts(RESNET20, 0.09, 500, [], {"acc": 91.5}) == []
    assert doubts(RESNET20, None, 0, [], {"acc": 91.5}) == []


def test_an_error_near_chance_names_the_networks_that_were_not_measured():
    first, second = doubts(RESNET20, 0.89, 500, candidates("resnet20", "plain20"), {})
    assert "An error of 89 % is hardly better than chance" in first
    assert "resnet20-a-end" in second
    assert "plain20" not in second
    assert "name one with `network`" in second


def test_where_all_were_measured_that_is_said():
    names = [other.name for other, _ in alternatives(RESNET20)]
    (_, second) = doubts(RESNET20, 0.89, 500, candidates("resnet20", *names), {})
    assert second == f"All {len(names) + 1} networks that are known to have the same weights were measured."


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"acc": 93.2}, "acc = 93.2"),
        ({"best_acc1": 0.932}, "best_acc1 = 0.932"),
        ({"best_prec1": 93.2, "epoch": 200.0}, "best_prec1 = 93.2"),
        ({"metrics.test_acc": 93.2}, "metrics.test_acc = 93.2"),
        ({"val_accuracy": 0.932}, "val_accuracy = 0.932"),
        ({"top1": 93.2}, "top1 = 93.2"),
    ],
)
def test_an_error_far_above_what_the_file_says_is_doubted(claims, said):
    first, *_ = doubts(RESNET20, 0.3, 500, [], claims)
    assert f"The file says {said}; the error measured here on 500 test images is 30.0 %" in first


@pytest.mark.parametrize(
    "claims", [{"epoch": 93.0}, {"acc": "93.2"}, {"acc": 0.0}, {"acc": 120.0}, {"accumulate": 4.0}, {"top5": 99.0}]
)
def test_other_numbers_are_no_accuracies(claims):
    assert doubts(RESNET20, 0.3, 500, [], claims) == []


def test_a_few_images_more_wrong_are_chance():
    assert doubts(RESNET20, 0.16, 100, [], {"acc": 93.2}) == []
    assert doubts(RESNET20, 0.16, 10_000, [], {"acc": 93.2})
