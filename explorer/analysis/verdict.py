"""Verdicts on degradation and on shortcuts, from training errors at the end of the schedule.

The measure is the mean error of the batches of the last tenth of the schedule, as in figure 6 of He et al. 2015. It is
never the best of several evaluations and never the test error: they speak of degradation (section 1) if a deeper
network has the higher *training* error. In short runs it varies half as much from seed to seed as one evaluation of
the finished network, whose batch norms have not settled by then.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import isnan, nan
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from explorer import tables
from explorer.models.catalogue import network_config

Question = Literal["degradation", "residual_depth", "shortcut"]
Outcome = Literal["seen", "reversed", "cannot_tell", "not_started"]

CHANCE_MARGIN = 0.05  # within this margin of the error of guessing, a network has not started to train
CONFIDENCE = 0.95
FEWEST_LAST_STEPS = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one question.

    Attributes:
        outcome: "seen", "reversed", "cannot_tell", "not_started", or None if there is nothing to compare.
        headline: the answer in a few words.
        sentences: one per comparison, with its size in points and its interval.
    """

    question: Question
    outcome: Outcome | None
    headline: str
    sentences: tuple[str, ...]


def last_steps(steps: int) -> int:
    """The number of steps that count as the end of a schedule: a tenth, at least 20."""
    return min(steps, max(FEWEST_LAST_STEPS, steps // 10))


def end_errors(table: pd.DataFrame, steps: int) -> pd.DataFrame:
    """Training and test error of every run that has reached the end of its schedule.

    Args:
        table: `tables.RUN_KEYS` and `tables.METRICS`, with every step at the end of the schedule, or with one row for
            all of them, see `runs.experiments.end_metrics`.
        steps: of the schedule.

    Returns:
        One row per finished run: `tables.RUN_KEYS`, train_error (mean over the batches of the `last_steps`),
        test_error (of the last evaluation); both are fractions.
    """
    finished = table[table["run"].isin(table.loc[table["step"] == steps, "run"])]
    batches = finished[finished["step"] > steps - last_steps(steps)].groupby("run")["batch_error"].mean()
    ends = finished[finished["step"] == steps]
    ends = ends.assign(train_error=ends["run"].map(batches).astype(float))  # also if no run has finished
    return ends[[*tables.RUN_KEYS, "train_error", "test_error"]].reset_index(drop=True)


def error_gaps(ends: pd.DataFrame, *, chance: float) -> pd.DataFrame:
    """All comparisons of networks, each over the seeds that both have.

    Runs of one seed share data order and, for twins, initial weights, so the differences are paired by seed. Deeper
    networks are compared with the shallowest one of the same blocks, plain networks with every residual network that
    differs only in its shortcuts.

    Args:
        ends: result of `end_errors`.
        chance: the error of guessing, 1 - 1 / classes.

    Returns:
        The columns of `tables.GAPS`. low and high are the 95% interval of Student's t, NaN for one seed.
    """
    errors = ends.pivot_table(index="seed", columns="network", values="train_error")
    rows = [_gap(errors, question, network, against, chance) for question, network, against in _pairs(ends)]
    return pd.DataFrame([row for row in rows if row is not None], columns=tables.GAPS)


def verdicts(gaps: pd.DataFrame, *, chance: float) -> tuple[Verdict, Verdict]:
    """The verdicts on degradation and on the effect of shortcuts.

    Args:
        gaps: result of `error_gaps`; its residual_depth rows are listed with the degradation, as its counterpart.
        chance: the error of guessing.
    """
    plain, residual, shortcut = (gaps[gaps["question"] == each] for each in get_args(Question))
    return _verdict("degradation", plain, residual, chance), _verdict("shortcut", shortcut, shortcut.iloc[:0], chance)


def has_not_started(error: float, chance: float) -> bool:
    """Whether a training error is within 5 points of guessing."""
    return error >= chance - CHANCE_MARGIN


def interval(differences: Iterable[float]) -> tuple[float, float]:
    """The 95% interval of the mean by Student's t; NaN, NaN for fewer than two values."""
    values = np.array(list(differences), dtype=float)
    if len(values) < 2:
        return nan, nan
    quantile = stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2)
    half = float(quantile * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


_DEPTH_QUESTIONS: dict[str, Question] = {"plain": "degradation", "residual": "residual_depth"}


def _pairs(ends: pd.DataFrame) -> Iterator[tuple[Question, str, str]]:
    """Networks to compare: question, the network expected to have the higher error, the other one."""
    networks = ends.drop_duplicates("network").sort_values(["depth", "network"])
    for kind, question in _DEPTH_QUESTIONS.items():
        for _, family in networks[networks["kind"] == kind].groupby(networks["network"].map(_family), sort=False):
            shallowest, least = family[["network", "depth"]].iloc[0]
            for network in family.loc[family["depth"] > least, "network"]:
                yield question, network, shallowest
    for depth in networks["depth"].unique():
        same = networks[networks["depth"] == depth]
        for plain, residual in product(
            same.loc[same["kind"] == "plain", "network"], same.loc[same["kind"] == "residual", "network"]
        ):
            if _twin(plain) == _twin(residual):
                yield "shortcut", plain, residual


@cache
def _family(name: str) -> str:
    """A key shared by networks that differ only in depth."""
    return network_config(name).model_dump_json(exclude={"depth", "stages"})


@cache
def _twin(name: str) -> str:
    """A key shared by networks that differ only in their shortcuts."""
    config = network_config(name)
    return f"{config.stage_blocks} {config.model_dump_json(exclude={'shortcut'})}"


def _gap(
    table: pd.DataFrame, question: Question, network: str, against: str, chance: float
) -> dict[str, object] | None:
    """One row of `tables.GAPS` from the training errors of all seeds (rows) and networks (columns)."""
    errors = table[[network, against]].dropna()
    if errors.empty:
        return None
    differences = errors[network] - errors[against]
    low, high = interval(differences)
    config = network_config(network)
    error, against_error = float(errors[network].mean()), float(errors[against].mean())
    return {
        "question": question,
        "network": network,
        "against": against,
        "kind": config.kind,
        "depth": config.depth,
        "seeds": len(errors),
        "error": error,
        "against_error": against_error,
        "gap": float(differences.mean()),
        "low": low,
        "high": high,
        "outcome": _outcome(question, error, against_error, low, high, chance),
    }


def _outcome(question: Question, error: float, against_error: float, low: float, high: float, chance: float) -> Outcome:
    """A network at chance is no evidence about depth, but if its residual twin trains, it is for the shortcuts."""
    stuck, against_stuck = has_not_started(error, chance), has_not_started(against_error, chance)
    if stuck and (against_stuck or question != "shortcut"):
        return "not_started"
    if low > 0:
        return "seen"
    return "reversed" if high < 0 else "cannot_tell"


HEADLINES: dict[Question, dict[Outcome | None, str]] = {
    "degradation": {
        "seen": "Depth hurts the plain networks",
        "reversed": "Depth helps the plain networks here",
        "cannot_tell": "Degradation: this budget cannot tell",
        "not_started": "Not degradation yet: the deeper networks have not started to train",
        None: "Degradation: nothing to compare",
    },
    "shortcut": {
        "seen": "Shortcuts help",
        "reversed": "Shortcuts hurt here",
        "cannot_tell": "Shortcuts: this budget cannot tell",
        "not_started": "Shortcuts: neither network has started to train",
        None: "Shortcuts: nothing to compare",
    },
}
_NOTHING: dict[Question, str] = {
    "degradation": "Train plain networks of at least two depths to the end of the schedule.",
    "shortcut": "Train a plain and a residual network of one depth to the end of the schedule.",
}
_PRECEDENCE: tuple[Outcome, ...] = ("seen", "reversed", "cannot_tell", "not_started")


def _verdict(question: Question, gaps: pd.DataFrame, counterpart: pd.DataFrame, chance: float) -> Verdict:
    outcomes = set(gaps["outcome"])
    outcome = next((each for each in _PRECEDENCE if each in outcomes), None)
    sentences = [_sentence(row, chance) for row in pd.concat([gaps, counterpart]).to_dict("records")]
    if outcome is None:
        sentences.insert(0, _NOTHING[question])
    return Verdict(question, outcome, HEADLINES[question][outcome], tuple(sentences))


def _sentence(row: Mapping[Hashable, object], chance: float) -> str:
    """One comparison: its size, its interval, and its limits."""
    network, against, seeds = str(row["network"]), str(row["against"]), int(str(row["seeds"]))
    gap, low, high, error = (float(str(row[name])) for name in ("gap", "low", "high", "error"))
    text = f"{network} ends {_points(abs(gap))} of training error {'above' if gap >= 0 else 'below'} {against}"
    if isnan(low):
        text += " in one seed, which gives no interval: this budget cannot tell. Train at least three seeds."
    else:
        text += f" (95% interval {_signed(low)} to {_signed(high)}, {seeds} seeds)"
        text += ": the interval includes zero, this budget cannot tell." if low <= 0 <= high else "."
    if has_not_started(error, chance):
        text += f" {network} has not started to train: at {100 * error:.1f}% it is where guessing is"
        text += f" ({100 * chance:.0f}%)."
        if row["question"] != "shortcut":
            text += " In the paper's degradation both networks train and the deeper one ends higher."
    return text


def _signed(fraction: float) -> str:
    return f"{round(100 * fraction, 1) + 0.0:+.1f}"  # + 0.0: no minus before a zero


def _points(fraction: float) -> str:
    value = f"{100 * fraction:.1f}"
    return f"{value} point" if value == "1.0" else f"{value} points"
