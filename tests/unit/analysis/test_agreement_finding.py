"""The sentence about agreement is computed from its table."""

import pandas as pd

from explorer.analysis.agreement_finding import agreement_finding


def table(values):
    rows = [(a, b, value) for (a, b), value in values.items()] + [(b, a, value) for (a, b), value in values.items()]
    return pd.DataFrame([*rows, ("x", "x", 1.0)], columns=["a", "b", "ssim"])


def test_most_and_least_alike():
    found = agreement_finding(table({("x", "y"): 0.5, ("x", "z"): 0.25, ("y", "z"): -0.125}), "ssim", "SSIM")
    assert found == "x and y agree most (SSIM 0.50), y and z least (-0.12)."
    assert agreement_finding(table({("x", "y"): 0.5}), "ssim", "SSIM") == "x and y: SSIM 0.50."
    assert agreement_finding(table({}), "ssim", "SSIM") == ""
