"""Verdicts on made-up training errors, where the truth is known."""

from math import isnan

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.analysis.verdict import end_errors, error_gaps, interval, last_steps, low_error_steps, verdicts
from explorer.models.catalogue import network_config

CHANCE = 0.9


def ends(errors, low_error_step=np.nan):
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
                "low_error_step": low_error_step,
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
        "plain32 ends 20.0 points of training error above plain20 (95 % interval +17.5 to +22.5, 3 seeds).",
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
    assert degradation.headline == "Degradation: not clear, the interval includes zero"
    assert "0.0 points" in degradation.sentences[0]
    assert "the interval includes zero" in degradation.sentences[0]


@pytest.mark.parametrize(
    ("plain32", "reason"),
    [
        ([0.3], "one_seed"),
        ([0.2, 0.21, 0.19], "includes_zero"),
        ([0.001, 0.0, 0.0], "both_zero"),
        ([0.001], "both_zero"),
        ([0.7, 0.71, 0.69], "few_steps"),
    ],
)
def test_what_cannot_be_told_has_its_true_reason(plain32, reason):
    gaps, degradation, _ = judged({"plain20": sorted(plain32), "plain32": plain32})
    assert gaps[["outcome", "reason"]].to_numpy().tolist() == [["cannot_tell", reason]]
    assert "budget" not in f"{degradation.headline} {degradation.sentences}"


def test_two_networks_at_zero_are_compared_by_their_steps_to_ten_percent():
    made = ends({"plain20": [0.0, 0.001, 0.0], "plain32": [0.0, 0.0, 0.002]})
    steps = {"plain20": 50, "plain32": 90}
    made["low_error_step"] = made["network"].map(steps) + 2.0 * made["seed"] * (made["network"] == "plain32")
    _, degradation, _ = (gaps := error_gaps(made, chance=CHANCE)), *verdicts(gaps, chance=CHANCE)
    (sentence,) = degradation.sentences
    assert sentence == (
        "plain32 and plain20 both end at about 0 % training error in 3 seeds: nothing is left to tell apart. Training "
        "error stays below 10 % from step 92 on in plain32, from step 50 on in plain20 (95 % interval of the "
        "difference +37 to +47 steps)."
    )


@pytest.mark.parametrize(
    ("points", "outcome", "text"),
    [
        (
            (0.02, 0.17, 0.32),
            "cannot_tell",
            "0.2 points of training error above plain20 (95 % interval −0.2 to +0.5",
        ),
        ((0.048, 0.1, 0.152), "cannot_tell", "0.10 points of training error above plain20 (95 % interval −0.03 to"),
        ((0.06, 0.07, 0.08), "seen", "0.07 points of training error above plain20 (95 % interval +0.05 to +0.09, 3"),
        ((0.0009, 0.001, 0.0013), "cannot_tell", "(95 % interval 0.0 to 0.0, 3 seeds): the interval includes zero"),
    ],
)
def test_no_number_contradicts_its_outcome(points, outcome, text):
    """Two digits where one would hide a sign; a difference below a hundredth of a point is none."""
    gaps, degradation, _ = judged({"plain20": [0.2] * 3, "plain32": [0.2 + each / 100 for each in points]})
    assert gaps.loc[0, "outcome"] == outcome
    assert text in degradation.sentences[0]


@pytest.mark.parametrize(("fall", "expected"), [(50, 69.0), (0, 1.0), (100, np.nan)])
def test_the_step_from_which_an_error_stays_below_ten_percent(fall, expected):
    """The error is 1 up to step `fall`, then 0; of the last 20 steps at most one may be before it."""
    errors = [np.nan] + [float(step <= fall) for step in range(1, 101)]
    rows = pd.DataFrame({"run": "r", "step": range(101), "batch_error": errors})
    assert low_error_steps(rows, 100)["r"] == pytest.approx(expected, nan_ok=True)


def test_an_error_that_rises_again_does_not_stay_below():
    errors = [1.0] * 30 + [0.0] * 40 + [1.0] * 30
    rows = pd.DataFrame({"run": "r", "step": range(1, 101), "batch_error": errors})
    assert isnan(low_error_steps(rows, 100)["r"])


@pytest.mark.slow
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
    assert sentence == ("plain32 ends 50.0 points of training error above plain20 (one seed, no interval).")
    assert degradation.headline == "Degradation: one seed gives no interval"


def test_a_network_at_chance_is_called_that_and_not_degradation():
    gaps, degradation, shortcut = judged(
        {"plain20": [0.1, 0.1, 0.1], "plain56": [0.90, 0.89, 0.90], "resnet56": [0.1, 0.1, 0.11]}
    )
    assert gaps.loc[gaps["question"] == "degradation", "outcome"].item() == "not_started"
    assert degradation.headline == "Not degradation yet: the deeper networks have not started to train"
    assert "plain56 has not started to train: at 89.7 % it is where guessing is (90 %)." in degradation.sentences[0]
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


def test_weaker_shortcuts_are_compared_with_the_strongest_of_their_kind():
    names = ["plain20", "resnet20", "resnet20-alpha0.9", "resnet20-alpha0.5", "resnet20-b", "resnet20-b-alpha0.5"]
    gaps, *_ = judged({name: [0.1, 0.2] for name in names})
    assert set(gaps[["question", "network", "against"]].itertuples(index=False, name=None)) == {
        ("shortcut", "plain20", "resnet20"),
        ("shortcut", "plain20", "resnet20-b"),
        ("shortcut", "resnet20-alpha0.9", "resnet20"),
        ("shortcut", "resnet20-alpha0.5", "resnet20"),
        ("shortcut", "resnet20-b-alpha0.5", "resnet20-b"),
    }
    gaps, *_ = judged({name: [0.1, 0.2] for name in ("plain20", "resnet20-alpha0.5", "resnet56-alpha0.9")})
    assert gaps[["network", "against"]].to_numpy().tolist() == [["plain20", "resnet20-alpha0.5"]]


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
    assert list(found.columns) == tables.ENDS
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
