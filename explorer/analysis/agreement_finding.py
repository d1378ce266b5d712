"""Which maps agree most and least, in a sentence computed from the table; importing this does not import torch."""

import pandas as pd


def agreement_finding(table: pd.DataFrame, measure: str, title: str) -> str:
    """The pairs of different maps that are most and least alike; empty where there are none.

    Args:
        table: with the columns a, b, and `measure`.
        measure: higher values agree more.
        title: of the measure, for the sentence.
    """
    pairs = table[(table["a"] < table["b"]) & table[measure].notna()].sort_values(measure)
    if pairs.empty:
        return ""
    least, most = pairs.iloc[0], pairs.iloc[-1]
    best = f"{most['a']} and {most['b']} agree most ({title} {most[measure]:.2f})"
    if len(pairs) == 1:
        return f"{most['a']} and {most['b']}: {title} {most[measure]:.2f}."
    return f"{best}, {least['a']} and {least['b']} least ({least[measure]:.2f})."
