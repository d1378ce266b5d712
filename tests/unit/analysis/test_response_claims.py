"""The two claims of figure 7 on tables whose means are known."""

import pandas as pd

from explorer.analysis.response_claims import response_claims


def responses(**means):
    """Three layers of a network each, the last the classifier, which does not count."""
    rows = []
    for name, mean in means.items():
        kind = "plain" if name.startswith("plain") else "residual"
        for layer, value in enumerate((mean - 0.1, mean + 0.1, 50.0), start=1):
            rows.append((name, kind, int(name.removeprefix("plain").removeprefix("resnet")), layer, value))
    table = pd.DataFrame(rows, columns=["network", "kind", "depth", "layer", "response_std"])
    return table.assign(layer=table["layer"].where(table["layer"] < 3, table["depth"]))


def test_both_claims_hold_where_the_means_say_so():
    found = response_claims(responses(plain20=1.0, resnet20=0.8, plain32=1.0, resnet32=0.7))
    assert [each.outcome for each in found] == ["as_published"] * 3
    assert found[0].sentence == "resnet20 0.8, plain20 1: as in figure 7, resnet20 responds less."
    assert found[2].sentence.startswith("resnet32 0.7, resnet20 0.8")


def test_the_opposite_is_said_plainly():
    (found,) = response_claims(responses(plain20=0.8, resnet20=1.0))
    assert found.outcome == "opposite"
    assert "not as in figure 7" in found.sentence


def test_a_small_difference_is_none():
    (found,) = response_claims(responses(plain20=1.0, resnet20=0.99))
    assert found.outcome == "no_difference"


def test_without_a_pair_there_is_nothing_to_say():
    assert response_claims(responses(plain20=1.0, plain32=0.9, resnet56=1.0)) == []
