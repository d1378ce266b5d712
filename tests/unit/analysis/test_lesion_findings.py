"""Sentences about operated networks are computed from their tables."""

import pandas as pd
import pytest

from explorer.analysis.lesion_findings import (
    critical_finding,
    deletions_finding,
    lesion_finding,
    operated_finding,
    shuffle_finding,
    strength_finding,
)

PLAIN, RESIDUAL = {"reference": "p", "network": "plain8"}, {"reference": "r", "network": "resnet8"}


def table(*rows):
    return pd.DataFrame(rows)


def test_median_and_worst_block_of_each_network():
    rows = [
        {**network, "stage": 1, "block": number, "error": 0.5 if rise is not None else None, "rise": rise}
        for network, rises in ((PLAIN, (0.4, 0.6, None)), (RESIDUAL, (0.01, 0.02, 0.3)))
        for number, rise in enumerate(rises, start=1)
    ]
    assert lesion_finding(table(*rows)) == (
        "Without one block the error rises, in the median, by 50.0 points in plain8, at most 60.0 (block 1.2); "
        "2.0 points in resnet8, at most 30.0 (block 1.3)."
    )
    assert lesion_finding(table(*rows[2:3])) == ""


def test_before_and_after_on_the_same_images():
    rows = [{**network, "class": name, "images": 1000, "intact_error": 0.1, "error": after}
            for network, after in ((PLAIN, 0.9), (RESIDUAL, 0.125)) for name in ("", "cat")]  # fmt: skip
    assert operated_finding(table(*rows)) == (
        "On 1,000 test images the error changes: plain8 from 10.0 to 90.0 %; resnet8 from 10.0 to 12.5 %."
    )


def test_the_most_deleted_blocks_that_all_have():
    rows = [{**network, "deleted": deleted, "error": 0.1 * deleted, "intact_error": 0.05}
            for network, most in ((PLAIN, 2), (RESIDUAL, 3)) for deleted in range(most + 1)]  # fmt: skip
    assert deletions_finding(table(*rows)) == (
        "With 2 blocks deleted at random, the error is 20.0 % in plain8 (intact 5.0); 20.0 % in resnet8 (intact 5.0)."
    )
    assert "no blocks that could be deleted" in deletions_finding(table(*[row for row in rows if not row["deleted"]]))


def test_the_order_nearest_to_half_of_the_pairs():
    rows = [{**PLAIN, "distance": distance, "error": distance, "intact_error": 0.1} for distance in (0.0, 0.4, 1.0)]
    assert shuffle_finding(table(*rows)) == (
        "In an order with 40 % of the pairs reversed, the error is 40.0 % in plain8 (intact 10.0)."
    )


@pytest.mark.parametrize(("errors", "words"), [((0.1, 0.15, 0.3), "at alpha 0.8"), ((0.1, 0.1, 0.1), "not at all")])
def test_the_strength_at_which_the_error_doubles(errors, words):
    rows = [{**RESIDUAL, "alpha": alpha, "error": error, "intact_error": 0.1}
            for alpha, error in zip((1.0, 0.9, 0.8), errors, strict=True)]  # fmt: skip
    assert strength_finding(table(*rows)) == (
        f"With weaker shortcuts the error more than doubles {words} in resnet8 (from 10.0 %)."
    )


def test_blocks_that_can_be_set_back():
    rows = [{**PLAIN, "weights_step": step, "rise": rise}
            for step, rises in ((None, (0.9, 0.9)), (0, (0.04, 0.5)), (10, (0.0, 0.0))) for rise in rises]  # fmt: skip
    assert critical_finding(table(*rows)) == (
        "At a cost of at most 5 points of error each, one can set back 1 of 2 blocks of plain8 (weights of step 0)."
    )
    assert "0 of 2 blocks of plain8 (new weights)" in critical_finding(
        table(*rows[:2]).assign(weights_step=float("nan"))
    )
