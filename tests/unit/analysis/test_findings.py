"""Findings of the lesson: which sentence holds for which numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.analysis import findings
from explorer.models.catalogue import network_config
from explorer.models.published import published
from explorer.results import Construction


def gaps(*rows):
    """Rows of (question, network, against, error, against_error, low, high, outcome)."""
    given = ["question", "network", "against", "error", "against_error", "low", "high", "outcome"]
    table = pd.DataFrame(rows, columns=given).assign(digits=1).reindex(columns=tables.GAPS)
    configs = [network_config(name) for name in table["network"]]
    return table.assign(
        kind=[config.kind for config in configs],
        depth=[config.depth for config in configs],
        seeds=3,
        gap=table["error"] - table["against_error"],
    )


def plain(error, base, low, high, outcome, network="plain56"):
    return ("degradation", network, "plain20", error, base, low, high, outcome)


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ("seen", plain(0.5, 0.2, 0.2, 0.4, "seen")),
        ("reversed", plain(0.1, 0.2, -0.15, -0.05, "reversed")),
        ("cannot_tell", plain(0.3, 0.2, -0.1, 0.3, "cannot_tell")),
        ("one_higher", plain(0.3, 0.2, np.nan, np.nan, "cannot_tell")),
        ("one_lower", plain(0.1, 0.2, np.nan, np.nan, "cannot_tell")),
        ("one_same", plain(0.202, 0.2, np.nan, np.nan, "cannot_tell")),
        ("both_zero", plain(0.0, 0.001, -0.002, 0.001, "cannot_tell")),
        ("not_started", plain(0.9, 0.2, 0.6, 0.8, "not_started")),
    ],
)
def test_every_outcome_of_a_race_has_its_sentence(key, row):
    assert findings.depth(gaps(row), "degradation")[0].key == key


def test_a_network_that_has_not_started_is_named_and_not_counted():
    table = gaps(plain(0.4, 0.2, 0.1, 0.3, "seen", "plain32"), plain(0.9, 0.2, 0.6, 0.8, "not_started"))
    first, stuck = findings.depth(table, "degradation")
    assert (first.key, first.numbers["deep"]) == ("seen", "plain32")
    assert (stuck.key, stuck.numbers["deep"], stuck.numbers["error"]) == ("stuck", "plain56", "90.0")


def test_both_kinds_are_compared_between_the_same_depths():
    table = gaps(
        plain(0.4, 0.2, 0.1, 0.3, "seen", "plain32"),
        plain(0.9, 0.2, 0.6, 0.8, "not_started"),
        ("residual_depth", "resnet32", "resnet20", 0.19, 0.2, -0.02, -0.005, "reversed"),
        ("residual_depth", "resnet56", "resnet20", 0.15, 0.2, -0.06, -0.04, "reversed"),
    )
    both = next(each for each in findings.residual_race(table) if each.key == "both")
    assert both.numbers == {"plain": "+20.0", "residual": "−1.0", "shallow": "20", "deep": "32"}


def test_nothing_to_compare_is_said():
    assert findings.depth(gaps(), "degradation") == findings.NOTHING
    assert findings.residual_race(gaps()) == findings.NOTHING


@pytest.mark.parametrize(
    ("key", "deep"),
    [
        ("not_overfitting", (0.4, 0.4)),
        ("overfitting", (0.1, 0.3)),
        ("better", (0.1, 0.15)),
        ("same", (0.2, 0.22)),
    ],
)
def test_overfitting_is_told_from_degradation(key, deep):
    ends = pd.DataFrame([("plain20", 0.2, 0.22), ("plain56", *deep)], columns=["network", "train_error", "test_error"])
    assert findings.overfitting(ends, "plain20", "plain56")[0].key == key


@pytest.mark.parametrize(("key", "first"), [("vanishing", 1e-4), ("healthy", 0.5), ("growing", 50.0)])
def test_a_gradient_vanishes_stays_or_grows(key, first):
    rows = [
        ("plain8", 8, step, layer, norm) for step in (0, 10) for layer, norm in enumerate((first, 1.0, 0.3), start=1)
    ]
    table = pd.DataFrame(rows, columns=["network", "depth", "step", "layer", "gradient_norm"])
    found = findings.gradients(table)
    assert found[0].key == key
    assert found[1].key == ("end_vanished" if key == "vanishing" else "end_alive")


def test_shortcuts_of_option_a_cost_nothing_and_projections_some():
    plain56, resnet56 = network_config("plain56"), network_config("resnet56")
    assert findings.block_cost(plain56, resnet56)[0].key == "none"
    assert findings.block_cost(plain56, resnet56)[0].numbers["parameters"] == "853,018"
    assert findings.block_cost(plain56, network_config("resnet56-c"))[0].key == "few"


@pytest.mark.parametrize(("key", "value"), [("weaker", 0.5), ("stronger", 2.0), ("same", 1.005)])
def test_responses_are_compared_without_the_classifier(key, value):
    rows = [(name, depth, layer, 1.0) for name, depth in (("plain8", 8), ("resnet8", 8)) for layer in (1, 2)]
    rows += [("resnet14", 14, layer, value) for layer in (1, 2)] + [("resnet14", 14, 14, 100.0)]
    table = pd.DataFrame(rows, columns=["network", "depth", "layer", "response_std"])
    first, deeper = findings.responses(table, "plain8", ["resnet8", "resnet14"])
    assert (first.key, deeper.key) == (key, f"deeper_{key}")


def test_the_ledger_leaves_out_blocks_that_change_the_shape():
    rows = [
        ("resnet8", "residual", 8, "identity", 0.9, 20.0), ("resnet8", "residual", 8, "pad", 9.0, 50.0),
        ("resnet14", "residual", 14, "identity", 0.4, 2.0), ("resnet14", "residual", 14, "identity", 1.2, 3.0),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["network", "kind", "depth", "shortcut", "branch_ratio", "rise"])
    first, without, part = findings.ledger(table)
    assert (without.numbers["rise"], without.numbers["shallow_rise"]) == ("2.5", "20.0")
    assert (first.key, first.numbers["ratio"], first.numbers["shallow_ratio"]) == ("less", "0.80", "0.90")
    assert (part.numbers["small"], part.numbers["blocks"]) == ("1", "2")


def test_the_deepest_published_network_is_not_the_best():
    found = findings.open_questions(published(), deep="resnet56", steps=3000, seeds=1)
    assert [each.key for each in found] == ["deepest_worse", "again_better", "here_one"]
    assert (found[0].numbers["deepest_error"], found[0].numbers["best_error"]) == ("7.93", "6.43")


def test_the_interval_of_a_clear_difference_is_not_printed_with_a_zero_at_its_end():
    row = ("degradation", "plain56", "plain20", 0.1007, 0.1, 0.0003, 0.0011, "seen")
    (found,) = findings.depth(gaps(row).assign(digits=2), "degradation")
    assert [found.numbers[name] for name in ("gap", "low", "high")] == ["0.07", "+0.03", "+0.11"]


@pytest.mark.parametrize(
    ("scratch", "key"),
    [((0.165, 0.2), "scratch_same"), ((0.3, 0.2), "scratch_worse"), ((0.1, 0.2), "scratch_better"), (None, None)],
)
def test_the_constructed_network_is_compared_with_the_one_trained_from_scratch(scratch, key):
    made = Construction(
        id="c", path=Path("c"), source="s", network="plain56", source_network="plain20", inserted_blocks=18, images=9,
        largest_difference=0.0, train_error=0.165, source_train_error=0.165, test_error=0.2, source_test_error=0.2,
    )  # fmt: skip
    proof, *rest = findings.proof(made, scratch)
    assert (proof.key, [each.key for each in rest]) == ("proof", [key] if key else [])
    assert all(each.numbers["scratch"] == f"{100 * scratch[0]:.1f}" for each in rest)
