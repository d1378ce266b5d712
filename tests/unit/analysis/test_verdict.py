"""Verdicts on made-up training errors, where the truth is known."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.analysis.verdict import end_errors, error_gaps, interval, last_steps, verdicts
from explorer.models.catalogue import network_config

CHANCE = 0.9


def ends(errors):
    """{network: [training error of seed 0, 1, ...]} as `end_errors` gives it."""
    return pd.DataFrame(
        [
            {
                "experiment": "made-up",
                "run": f"{name}-s{seed}",
                "network": name,
                "kind": network_config(name).kind,
                "depth": network_config(name).depth,
                "seed": seed,
                "train_error": error,
                "test_error": 0.5,  # must not matter
            }
            for name, values in errors.items()
            for seed, error in enumerate(values)
        ]
    )


def judged(errors):
    gaps = error_gaps(ends(errors), chance=CHANCE)
    return gaps, *verdicts(gaps, chance=CHANCE)


def test_a_known_effect_is_found_with_its_size():
    gaps, degradation, _ = judged({"plain20": [0.10, 0.12, 0.11], "plain32": [0.30, 0.33, 0.30]})
    (row,) = gaps.to_dict("records")
    assert row["outcome"] == degradation.outcome == "seen"
    assert (row["network"], row["against"], row["seeds"]) == ("plain32", "plain20", 3)
    assert row["gap"] == pytest.approx(0.20)
    # differences 20, 21, 19: deviation 1, t of two degrees of freedom 4.303, so 20 +- 4.303 / sqrt(3)
    assert (row["low"], row["high"]) == pytest.approx((0.20 - 0.02484, 0.20 + 0.02484), abs=1e-5)
    assert degradation.headline == "Depth hurts the plain networks"
    assert degradation.sentences == (
        "plain32 ends 20.0 points of training error above plain20 (95% interval +17.5 to +22.5, 3 seeds).",
    )


def test_an_effect_in_every_comparison_is_named_for_each():
    _, degradation, shortcut = judged(
        {"plain20": [0.1, 0.1, 0.1], "plain32": [0.3, 0.31, 0.32], "plain56": [0.5, 0.52, 0.51],
         "resnet20": [0.05, 0.05, 0.06], "resnet32": [0.04, 0.05, 0.04], "resnet56": [0.04, 0.04, 0.05]}
    )  # fmt: skip
    assert [s.split(" ends")[0] for s in degradation.sentences] == ["plain32", "plain56", "resnet32", "resnet56"]
    assert shortcut.outcome == "seen"
    assert len(shortcut.sentences) == 3


def test_no_effect_gives_cannot_tell():
    _, degradation, shortcut = judged({"plain20": [0.2, 0.2, 0.2], "plain32": [0.2, 0.2, 0.2], "resnet20": [0.2] * 3})
    assert degradation.outcome == shortcut.outcome == "cannot_tell"
    assert degradation.headline == "Degradation: this budget cannot tell"
    assert "0.0 points" in degradation.sentences[0]
    assert "the interval includes zero" in degradation.sentences[0]


@pytest.mark.thorough
def test_pure_noise_is_called_an_effect_about_as_seldom_as_the_interval_promises():
    noise = np.random.default_rng(0).normal(0.5, 0.05, size=(400, 2, 3))
    made = ends({"plain20": [0.0] * 3, "plain32": [0.0] * 3})
    gaps = [error_gaps(made.assign(train_error=errors.ravel()), chance=CHANCE) for errors in noise]
    outcomes = [each["outcome"].item() for each in gaps]
    assert set(outcomes) == {"cannot_tell", "seen", "reversed"}
    assert 0.02 < 1 - outcomes.count("cannot_tell") / len(outcomes) < 0.09


def test_one_seed_cannot_tell_however_large_the_gap():
    gaps, degradation, _ = judged({"plain20": [0.1], "plain32": [0.6]})
    assert np.isnan(gaps.loc[0, "low"])
    assert degradation.outcome == "cannot_tell"
    (sentence,) = degradation.sentences
    assert sentence == (
        "plain32 ends 50.0 points of training error above plain20 in one seed, which gives no interval: this budget "
        "cannot tell. Train at least three seeds."
    )


def test_a_network_at_chance_is_called_that_and_not_degradation():
    gaps, degradation, shortcut = judged(
        {"plain20": [0.1, 0.1, 0.1], "plain56": [0.90, 0.89, 0.90], "resnet56": [0.1, 0.1, 0.11]}
    )
    assert gaps.loc[gaps["question"] == "degradation", "outcome"].item() == "not_started"
    assert degradation.headline == "Not degradation yet: the deeper networks have not started to train"
    assert "plain56 has not started to train: at 89.7% it is where guessing is (90%)." in degradation.sentences[0]
    assert "both networks train" in degradation.sentences[0]
    assert shortcut.outcome == "seen", "that its twin trains is an effect of the shortcuts"
    assert "has not started to train" in shortcut.sentences[0]


def test_degradation_is_seen_where_the_middle_depth_trains_and_the_deepest_is_at_chance():
    _, degradation, _ = judged({"plain20": [0.1, 0.1, 0.1], "plain32": [0.4, 0.42, 0.41], "plain56": [0.9, 0.9, 0.9]})
    assert degradation.outcome == "seen"
    assert "has not started" not in degradation.sentences[0]
    assert "has not started" in degradation.sentences[1]


def test_two_networks_at_chance_tell_nothing_about_shortcuts():
    _, _, shortcut = judged({"plain56": [0.9, 0.9], "resnet56": [0.9, 0.89]})
    assert shortcut.outcome == "not_started"


def test_a_deeper_network_that_is_better_is_not_hidden():
    _, degradation, _ = judged({"plain20": [0.4, 0.41, 0.42], "plain32": [0.2, 0.21, 0.2]})
    assert degradation.outcome == "reversed"
    assert "below plain20" in degradation.sentences[0]


def test_residual_networks_are_compared_beside_the_degradation_without_deciding_it():
    _, degradation, _ = judged({"resnet20": [0.2, 0.2, 0.21], "resnet56": [0.3, 0.32, 0.3]})
    assert degradation.outcome is None
    assert degradation.headline == "Degradation: nothing to compare"
    assert degradation.sentences[0] == "Train plain networks of at least two depths to the end of the schedule."
    assert degradation.sentences[1].startswith("resnet56 ends 10.3 points of training error above resnet20")


def test_only_seeds_that_both_networks_have_are_compared():
    gaps, *_ = judged({"plain20": [0.1, 0.1, 0.1, 0.9], "plain32": [0.3, 0.3, 0.3]})
    assert (gaps.loc[0, "seeds"], gaps.loc[0, "gap"]) == (3, pytest.approx(0.2))


def test_networks_of_other_widths_and_options_are_families_of_their_own():
    gaps, *_ = judged({"resnet20": [0.1, 0.1], "resnet32-b": [0.1, 0.1], "resnet32": [0.2, 0.2]})
    assert gaps[["network", "against"]].to_numpy().tolist() == [["resnet32", "resnet20"]]


def test_networks_of_other_blocks_are_neither_deeper_nor_twins():
    names = [
        "resnet20", "resnet56", "preresnet56", "seresnet56", "resnet56-fixup", "resnet34", "resnet50",
        "resnet20-s2.3.4", "plain20", "plain18", "plain34", "densenet-40-12",
    ]  # fmt: skip
    gaps, *_ = judged({name: [0.1, 0.2] for name in names})
    found = set(gaps[["question", "network", "against"]].itertuples(index=False, name=None))
    assert found == {
        ("degradation", "plain34", "plain18"),
        ("residual_depth", "resnet56", "resnet20"),
        ("shortcut", "plain20", "resnet20"),
        ("shortcut", "plain34", "resnet34"),
    }


def test_nothing_trained_gives_nothing_to_compare():
    _, degradation, shortcut = judged({"plain20": [0.1]})
    assert degradation.outcome is shortcut.outcome is None


def test_the_end_is_the_mean_of_the_last_batches_of_runs_that_came_there():
    steps = 100
    rows = [
        {"experiment": "e", "run": run, "network": "plain20", "kind": "plain", "depth": 20, "seed": 0, "step": step,
         "batch_error": 1.0 if step <= steps - 20 else 0.2, "test_error": 0.4 if step == steps else np.nan,
         "train_error": 0.3 if step == steps else np.nan}
        for run, last in (("done", steps), ("paused", 90)) for step in range(1, last + 1)
    ]  # fmt: skip
    found = end_errors(pd.DataFrame(rows), steps)
    assert list(found.columns) == [*tables.RUN_KEYS, "train_error", "test_error"]
    assert found["run"].tolist() == ["done"]
    assert (found.loc[0, "train_error"], found.loc[0, "test_error"]) == pytest.approx((0.2, 0.4))


@pytest.mark.parametrize(("steps", "last"), [(5, 5), (60, 20), (3000, 300)])
def test_the_end_of_a_schedule_is_a_tenth_of_it_at_least_twenty_steps(steps, last):
    assert last_steps(steps) == last


def test_interval_of_two_values_by_hand():
    assert interval([0.1, 0.3]) == pytest.approx((0.2 - 12.7062 * 0.1, 0.2 + 12.7062 * 0.1), abs=1e-5)


def test_runs_that_have_not_finished_are_not_compared():
    keys = {"experiment": "e1", "run": "e1-plain20-s0", "network": "plain20", "kind": "plain", "depth": 20, "seed": 0}
    table = pd.DataFrame([keys | dict.fromkeys(tables.METRICS) | {"step": step} for step in range(5)])
    found = end_errors(table, steps=10)
    assert found.empty
    assert error_gaps(found, chance=CHANCE).empty
    assert error_gaps(end_errors(table.astype(dict.fromkeys(tables.RUN_KEYS, str)), steps=10), chance=CHANCE).empty
