"""The main finding on made-up training errors, where it is known."""

import pandas as pd
import pytest

from explorer.analysis.main_finding import main_finding
from explorer.analysis.verdict import error_gaps
from explorer.models.catalogue import network_config

CHANCE = 0.9


def found(errors, steps=50):
    """The finding on {network: [training error of seed 0, 1, ...]}."""
    rows = [
        {"experiment": "e", "run": f"{name}-{seed}", "network": name, "kind": network_config(name).kind, "seed": seed}
        | {"depth": network_config(name).depth, "train_error": error, "test_error": 0.5, "low_error_step": 40.0 + seed}
        for name, values in errors.items()
        for seed, error in enumerate(values)
    ]
    return main_finding(error_gaps(pd.DataFrame(rows), chance=CHANCE), chance=CHANCE, steps=steps)


def near(error):
    """Three seeds around an error."""
    return [error - 0.002, error, error + 0.002]


def test_plain_and_residual_networks_are_weighed_against_each_other():
    said = found(
        {"plain20": [0.1] * 3, "plain56": near(0.4), "resnet20": [0.05] * 3, "resnet56": near(0.08)}, steps=64_000
    )
    assert str(said) == (
        "From 20 to 56 layers, the training error of plain networks rises by 30.0 points (95 % interval +29.5 to "
        "+30.5), while that of residual networks rises by 3.0 points (95 % interval +2.5 to +3.5): 10 times less."
    )


def test_a_rise_of_residual_networks_in_a_short_run_is_said_as_what_it_is():
    errors = {"plain20": [0.1] * 3, "plain56": near(0.4), "resnet20": [0.05] * 3, "resnet56": near(0.08)}
    (note,) = found(errors, steps=50).notes
    assert note == "Residual networks rise too in so short a run: 50 steps, where He et al. 2015 train for 64,000."


@pytest.mark.parametrize(
    ("resnet56", "words"),
    [
        (near(0.34), ": about as much."),
        ([0.049, 0.052, 0.05], "does not clearly change (95 % interval −0.3 to +0.4 includes zero, 3 seeds)."),
        (near(0.03), "while that of residual networks falls by 2.0 points (95 % interval −2.5 to −1.5)."),
        ([0.06], "while that of residual networks rises by 1.0 point."),
    ],
)
def test_a_ratio_stands_only_between_two_clear_rises(resnet56, words):
    said = found({"plain20": [0.1] * 3, "plain56": near(0.4), "resnet20": [0.05] * 3, "resnet56": resnet56})
    assert said.main.endswith(words)
    assert "times" not in said.main


def test_residual_networks_without_an_error_at_the_end_are_said_so():
    said = found({"plain20": [0.1] * 3, "plain56": near(0.4), "resnet20": [0.0] * 3, "resnet56": [0.001, 0, 0]})
    assert said.main.endswith("while that of residual networks ends at about 0 % at both depths.")


@pytest.mark.parametrize(
    ("plain56", "start", "words"),
    [
        (near(0.05), "No degradation here:", "the training error of plain networks falls by 5.0 points"),
        ([0.09, 0.11, 0.1], "No clear degradation here:", "of plain networks does not clearly change"),
        ([0.08], "No degradation in this run:", "the training error of plain networks falls by 2.0 points"),
    ],
)
def test_plain_networks_that_do_not_degrade_are_said_so(plain56, start, words):
    said = found({"plain20": [0.1] * 3, "plain56": plain56, "resnet20": near(0.1), "resnet56": near(0.05)})
    assert said.main.startswith(start)
    assert words in said.main
    assert "of residual networks falls by 5.0 points" in said.main


def test_where_all_end_at_zero_the_steps_are_compared():
    said = found({name: [0.0] * 3 for name in ("plain20", "plain56", "resnet20", "resnet56")})
    assert said.main.startswith("No degradation at the end of training:")
    assert said.notes[0].startswith("Training error stays below 10 % from step 41 on in plain56, from step 41 on")


def test_one_seed_is_described_as_one_runs_observation():
    said = found({"plain20": [0.1], "plain56": [0.4], "resnet20": [0.05], "resnet56": [0.03]})
    assert said.main == (
        "From 20 to 56 layers, in one run of each network, the training error of plain networks rises by 30.0 points, "
        "while that of residual networks falls by 2.0 points."
    )
    assert said.notes == ("One seed gives no interval: train at least three to learn whether this repeats.",)


def test_networks_that_have_not_started_are_named_and_the_deepest_that_have_are_weighed():
    said = found(
        {
            "plain20": [0.1] * 3, "plain32": near(0.4), "plain56": near(0.895),
            "resnet20": [0.1] * 3, "resnet32": near(0.1), "resnet56": near(0.2),
        }
    )  # fmt: skip
    assert said.main.startswith("From 20 to 32 layers, the training error of plain networks rises by 30.0 points")
    assert said.notes[:2] == (
        "plain56 has not started to train: at 89.5 % it is where guessing is (90 %), which is not degradation.",
        "resnet56 trains and ends 10.0 points above resnet20 (95 % interval +9.5 to +10.5).",
    )


def test_where_no_pair_has_started_there_is_no_degradation_yet():
    said = found({"plain20": [0.9] * 3, "plain56": [0.9] * 3, "resnet20": near(0.5), "resnet56": [0.9] * 3})
    assert said.main == "Not degradation yet: plain56 and resnet56 have not started to train in 50 steps."


def test_too_few_steps_are_the_reason_where_all_errors_are_still_high():
    said = found({"plain20": near(0.7), "plain56": [0.69, 0.7, 0.71], "resnet20": near(0.1), "resnet56": near(0.2)})
    assert "plain56 and plain20 still have more than half the error of guessing: too few steps to tell." in said.notes


@pytest.mark.parametrize(
    ("errors", "main"),
    [
        ({"plain20": near(0.1)}, "Nothing to weigh: no two networks of one kind and different depths"),
        ({"plain20": [0.1] * 3, "plain56": near(0.4)}, "From 20 to 56 layers, the training error of plain networks"),
        ({"resnet20": [0.1] * 3, "resnet56": near(0.4)}, "No plain networks to compare with: from 20 to 56 layers"),
    ],
)
def test_one_kind_alone_is_described(errors, main):
    assert found(errors).main.startswith(main)


def test_kinds_of_different_depths_are_described_one_by_one():
    said = found({"plain20": [0.1] * 3, "plain56": near(0.4), "resnet8": [0.1] * 3, "resnet56": near(0.4)})
    assert said.main.startswith("From 20 to 56 layers, the training error of plain networks rises")
    assert "8 to 56 layers, the training error of residual networks rises" in said.notes[0]


def test_networks_with_weaker_shortcuts_are_described_beside_it():
    errors = {"plain20": [0.1] * 3, "plain56": near(0.4), "resnet20": [0.05] * 3, "resnet56": near(0.05)}
    said = found(errors | {"resnet20-alpha0.5": [0.1] * 3, "resnet56-alpha0.5": near(0.3)})
    assert "that of residual networks does not clearly change" in said.main
    words = "resnet56-alpha0.5 trains and ends 20.0 points above resnet20-alpha0.5 (95 % interval +19.5 to +20.5)."
    assert said.notes == (words,)
