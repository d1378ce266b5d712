"""Findings inside of blocks, on arrays and tables whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.analysis.inside_blocks import (
    arithmetic_finding,
    arithmetic_table,
    contribution_finding,
    exciting_finding,
    filter_table,
    most_active,
    reason_not_additive,
)
from explorer.block_results import Arithmetic, ExcitingImages, LogitParts
from explorer.models.catalogue import network_config


def arithmetic(**changes):
    """Two channels of 2 x 2 positions: a quarter of the sum is negative."""
    x = np.full((2, 2, 2), 2, np.float32)
    branch = np.array([[[1, 1], [1, -3]], [[-1, -1], [-1, -3]]], np.float32)
    joined = x + branch
    facts = {"place": "stage1.block2", "module": "stages.0.1", "x": x, "branch": branch, "shortcut": x}
    facts |= {"joined": joined, "relu": np.maximum(joined, 0), "by": "sum", "before": 0, "shared_activation": False}
    return Arithmetic(**facts | changes)


def exciting(classes, value=1.0):
    rows = [(1, f"test:{each}", each, f"class {each}", value, 0, 0, 0.0, 0.0, 3) for each in classes]
    return ExcitingImages("stage2.block1", "conv2", 4, 8, pd.DataFrame(rows, columns=tables.EXCITING), tuple(classes))


def test_channels_come_from_the_most_active_on():
    assert most_active(arithmetic(), 1) == [0]
    assert most_active(arithmetic(relu=None, joined=np.array([[[1.0]], [[-9.0]], [[3.0]]])), 2) == [1, 2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "F(x) is 0.87 times as large as shortcut(x), and the ReLU sets 25 % of their sum to zero."),
        ({"relu": None}, "F(x) is 0.87 times as large as shortcut(x), and nothing changes their sum."),
        ({"shortcut": np.zeros((2, 2, 2))}, "shortcut(x) is zero, and the ReLU"),
        ({"shortcut": None, "by": "none"}, "no shortcut, so that all that goes on is F(x); the ReLU sets 25 % of"),
        ({"by": "concatenation", "relu": None}, "F(x) puts 2 new channels beside the 2 of x"),
    ],
)
def test_the_arithmetic_in_a_sentence(changes, said):
    found = arithmetic_finding(arithmetic(**changes), "resnet20")
    assert found.startswith("Stage 1, block 2 of resnet20: ")
    assert said in found


def test_the_table_has_a_row_for_each_value_of_the_chosen_channels():
    table = arithmetic_table(arithmetic(), [1])
    assert list(table.columns) == tables.ARITHMETIC
    assert list(table["part"].unique()) == ["x", "F(x)", "shortcut(x)", "sum", "ReLU"]
    (row,) = table[(table["part"] == "F(x)") & (table["row"] == 1) & (table["column"] == 1)].to_dict("records")
    assert (row["channel"], row["value"]) == (1, -3)


def test_the_table_of_filters_has_a_row_for_each_weight():
    weights = np.arange(2 * 3 * 1 * 1, dtype=np.float32).reshape(2, 3, 1, 1)
    table = filter_table(weights)
    assert list(table.columns) == tables.FILTERS
    assert table[(table["filter"] == 1) & (table["input"] == 2)]["weight"].to_list() == [5]


def test_the_most_frequent_class_of_exciting_images_beside_chance():
    said = exciting_finding(exciting((3, 3, 7)), "resnet20", 10)
    assert "Of the 3 images that excite channel 4 of stage 2, block 1 of resnet20 most, 2 are of class class 3" in said
    assert "of as many drawn at random, about 1 would be of the most frequent class" in said
    assert "about 4 would be" in exciting_finding(exciting(range(18)), "resnet20", 10)
    assert "nothing excites it" in exciting_finding(exciting((3, 7), value=0.0), "resnet20", 10)


def test_the_stage_and_block_that_add_most_to_the_predicted_score():
    rows = [
        ("stem", 0, 0, "stem", 1, "cat", 5.0),
        ("block", 1, 1, "stages.0.0", 1, "cat", 3.0),
        ("block", 2, 1, "stages.1.0", 1, "cat", 2.0),
        ("block", 2, 2, "stages.1.1", 1, "cat", 2.5),
        ("block", 2, 2, "stages.1.1", 0, "dog", 99.0),
        ("bias", 0, 0, "bias", 1, "cat", -20.0),
    ]
    table = pd.DataFrame(rows, columns=tables.LOGIT_PARTS)
    found = LogitParts("r", "preresnet20", "test:0", "", None, 1, np.zeros(2, np.float32), table)
    assert contribution_finding(found) == (
        "The blocks of stage 2 add 4.5 to the score of class cat, −7.5, in preresnet20; the block that adds most is "
        "1.1, with 3.0."
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [("preresnet20", ""), ("wrn-16-4", ""), ("plain20", "no shortcuts"), ("resnet20", "ReLU after every sum"),
     ("densenet-40-12", "side by side")],
)  # fmt: skip
def test_scores_are_sums_in_pre_activation_networks_only(name, reason):
    found = reason_not_additive(network_config(name))
    assert reason in found
    assert bool(reason) == bool(found)
