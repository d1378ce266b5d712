"""Sentences about layers are computed from their tables."""

import pandas as pd

from explorer.analysis.layer_findings import gradient_finding, ledger_finding


def test_what_a_block_adds_is_a_mean_over_blocks_that_keep_the_shape():
    rows = [
        ("resnet8", "residual", "identity", 0.5), ("resnet8", "residual", "identity", 1.0),
        ("resnet8", "residual", "pad", 9.0), ("plain8", "plain", "none", 2.0),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["network", "kind", "shortcut", "branch_ratio"])
    assert ledger_finding(table) == "on average a block adds 0.75 times its input in resnet8"
    assert ledger_finding(table[table["kind"] == "plain"]) == ""


def test_the_first_gradient_is_compared_with_that_of_the_last_convolution():
    rows = [("plain8", layer, norm) for layer, norm in ((1, 3.0), (2, 2.0), (3, 1.5), (4, 100.0))]  # 4: classifier
    table = pd.DataFrame(rows, columns=["network", "layer", "gradient_norm"])
    assert gradient_finding(table).endswith("is 2 times in plain8")
