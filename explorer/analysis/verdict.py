"""Verdicts on degradation and on shortcuts, from training errors at the end of the schedule.

The measure is the mean error of the batches of the last tenth of the schedule, as in figure 6 of He et al. 2015. It is
never the best of several evaluations and never the test error: they speak of degradation (section 1) if a deeper
network has the higher *training* error. In short runs it varies half as much from seed to seed as one evaluation of
the finished network, whose batch norms have not settled by then.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from math import isnan, nan
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer import tables
from explorer.cards import card, html_list
from explorer.models.catalogue import network_config
from explorer.numerals import minus

Question = Literal["degradation", "residual_depth", "shortcut"]
Outcome = Literal["seen", "reversed", "cannot_tell", "not_started"]
Reason = Literal["one_seed", "few_steps", "includes_zero", "both_zero"]  # why a comparison cannot tell
GapRow = Mapping[Hashable, Any]  # of `tables.GAPS`

CHANCE_MARGIN = 0.05  # within this margin of the error of guessing, a network has not started to train
ABOUT_ZERO = 0.005  # two networks with less than this leave nothing to tell apart
LOW_ERROR = 0.1  # such networks are compared by the steps until they stay below this
ROUNDING = 1e-12  # of sums of errors
CONFIDENCE = 0.95
FEWEST_LAST_STEPS = 20
MOST_DIGITS = 2  # decimals of a point that count


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

    def __repr__(self) -> str:
        return "\n".join([self.headline, *(f"- {each}" for each in self.sentences)])

    def _repr_html_(self) -> str:
        return card(self.headline, {}, below=html_list(self.sentences), heading="h5")


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
        One row per finished run: the columns of `tables.ENDS`; low_error_step is empty, see `low_error_steps`.
    """
    finished = table[table["run"].isin(table.loc[table["step"] == steps, "run"])]
    batches = finished[finished["step"] > steps - last_steps(steps)].groupby("run")["batch_error"].mean()
    ends = finished[finished["step"] == steps]
    ends = ends.assign(train_error=ends["run"].map(batches).astype(float))  # also if no run has finished
    return ends.assign(low_error_step=nan)[tables.ENDS].reset_index(drop=True)


def low_error_steps(table: pd.DataFrame, steps: int) -> dict[str, float]:
    """The first step from which the training error of a run stays below 10 %; NaN if it does not.

    Args:
        table: `tables.RUN_KEYS` and `tables.METRICS`, every step or evenly spaced means of several, the rows of a run
            one after the other.
        steps: of the schedule; the error is the mean over its `last_steps`, as at its end.

    Returns:
        By the id of the run.
    """
    trained = table[table["batch_error"].notna()]
    runs, reached, errors = (trained[column].to_numpy() for column in ("run", "step", "batch_error"))
    edges = [0, *np.flatnonzero(runs[1:] != runs[:-1]) + 1, len(runs)]  # a group a run would take pandas a second
    return {
        str(runs[start]): _low_error_step(reached[start:end], errors[start:end], steps)
        for start, end in pairwise(edges)
        if end > start
    }


def _low_error_step(reached: NDArray[np.int64], errors: NDArray[np.float64], steps: int) -> float:
    """The first step from which the mean of the last rows stays low, of the steps and errors of one run."""
    window = max(1, round(len(errors) * last_steps(steps) / steps))
    sums = np.concatenate([[0.0], np.cumsum(errors)])
    ends = np.arange(1, len(sums))
    starts = np.maximum(0, ends - window)
    high = np.flatnonzero((sums[ends] - sums[starts]) / (ends - starts) >= LOW_ERROR - ROUNDING)
    first = high[-1] + 1 if len(high) else 0
    return float(reached[first]) if first < len(reached) else nan


def error_gaps(ends: pd.DataFrame, *, chance: float) -> pd.DataFrame:
    """All comparisons of networks, each over the seeds that both have.

    Runs of one seed share data order and, for twins, initial weights, so the differences are paired by seed. Deeper
    networks are compared with the shallowest one of the same blocks, networks with no shortcuts or weaker ones with
    those that differ only in having them at full strength.

    Args:
        ends: result of `end_errors`.
        chance: the error of guessing, 1 - 1 / classes.

    Returns:
        The columns of `tables.GAPS`. low and high are the 95 % interval of Student's t, NaN for one seed. An outcome is
        decided by hundredths of a point, so that no number printed with `digits` contradicts it.
    """
    values = ["train_error", "low_error_step"]
    by_seed = ends.pivot_table(index="seed", columns="network", values=values, dropna=False)
    rows = [_gap(by_seed, question, network, against, chance) for question, network, against in _pairs(ends)]
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
    """The 95 % interval of the mean by Student's t; NaN, NaN for fewer than two values."""
    values = np.array(list(differences), dtype=float)
    if len(values) < 2:
        return nan, nan
    from scipy.special import stdtrit  # not needed to list experiments

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
    for _, same in networks.groupby("depth"):
        for _, twins in same.groupby(same["network"].map(_twin), sort=False):
            yield from (("shortcut", network, against) for network, against in _weaker(list(twins["network"])))


def _weaker(twins: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of twins: one without shortcuts, or with weaker ones of the same kind, and one with the strongest."""
    configs = {name: network_config(name) for name in twins}
    strengths = {name: each.shortcut_scale if each.kind == "residual" else 0 for name, each in configs.items()}
    strongest = max(strengths.values())
    for network, against in product(twins, twins):
        same = configs[network].shortcut in ("none", configs[against].shortcut)
        if strengths[network] < strongest == strengths[against] and same:
            yield network, against


@cache
def _family(name: str) -> str:
    """A key shared by networks that differ only in depth."""
    return network_config(name).model_dump_json(exclude={"depth", "stages"})


@cache
def _twin(name: str) -> str:
    """A key shared by networks that differ only in their shortcuts."""
    config = network_config(name)
    return f"{config.stage_blocks} {config.model_dump_json(exclude={'shortcut', 'shortcut_scale'})}"


def _paired(
    by_seed: pd.DataFrame, column: str, network: str, against: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values of two networks, of the seeds that both have."""
    one, other = by_seed[column, network].to_numpy(), by_seed[column, against].to_numpy()
    both = ~(np.isnan(one) | np.isnan(other))
    return one[both], other[both]


def _gap(
    by_seed: pd.DataFrame, question: Question, network: str, against: str, chance: float
) -> dict[str, object] | None:
    """One row of `tables.GAPS`, from train_error and low_error_step of all seeds (rows) and networks (columns)."""
    errors, others = _paired(by_seed, "train_error", network, against)
    if not len(errors):
        return None
    steps, other_steps = _paired(by_seed, "low_error_step", network, against)
    low, high = interval(errors - others)
    later_low, later_high = interval(steps - other_steps)
    config = network_config(network)
    error, against_error = float(errors.mean()), float(others.mean())
    outcome = _outcome(question, error, against_error, low, high, chance)
    return {
        "question": question,
        "network": network,
        "against": against,
        "kind": config.kind,
        "depth": config.depth,
        "seeds": len(errors),
        "error": error,
        "against_error": against_error,
        "gap": error - against_error,
        "low": low,
        "high": high,
        "digits": _digits([error - against_error] if isnan(low) else [low, high]),
        "outcome": outcome,
        "reason": _reason(error, against_error, low, chance) if outcome == "cannot_tell" else "",
        "low_error_step": float(steps.mean()) if len(steps) else nan,
        "against_low_error_step": float(other_steps.mean()) if len(steps) else nan,
        "later_low": later_low,
        "later_high": later_high,
    }


def _outcome(question: Question, error: float, against_error: float, low: float, high: float, chance: float) -> Outcome:
    """A network at chance is no evidence about depth, but if its residual twin trains, it is for the shortcuts."""
    stuck, against_stuck = has_not_started(error, chance), has_not_started(against_error, chance)
    if stuck and (against_stuck or question != "shortcut"):
        return "not_started"
    if _points(low) > 0:
        return "seen"
    return "reversed" if _points(high) < 0 else "cannot_tell"


def _reason(error: float, against_error: float, low: float, chance: float) -> Reason:
    if max(error, against_error) < ABOUT_ZERO:
        return "both_zero"
    if isnan(low):
        return "one_seed"
    return "few_steps" if min(error, against_error) > chance / 2 else "includes_zero"


def _points(fraction: float, digits: int = MOST_DIGITS) -> float:
    """A fraction in points, rounded."""
    return round(100 * fraction, digits) + 0.0  # + 0.0: no minus before a zero


def _digits(fractions: Iterable[float]) -> int:
    """Decimals with which none of these is printed as zero, unless it is zero to a hundredth of a point."""
    return 1 if all(_points(each, 1) or not _points(each) for each in fractions) else MOST_DIGITS


HEADLINES: dict[Question, dict[Outcome | Reason | None, str]] = {
    "degradation": {
        "seen": "Depth hurts the plain networks",
        "reversed": "Depth helps the plain networks here",
        "one_seed": "Degradation: one seed gives no interval",
        "few_steps": "Degradation: too few steps to tell",
        "includes_zero": "Degradation: not clear, the interval includes zero",
        "both_zero": "Degradation: all end at about 0 %, nothing is left to tell apart",
        "not_started": "Not degradation yet: the deeper networks have not started to train",
        None: "Degradation: nothing to compare",
    },
    "shortcut": {
        "seen": "Shortcuts help",
        "reversed": "Shortcuts hurt here",
        "one_seed": "Shortcuts: one seed gives no interval",
        "few_steps": "Shortcuts: too few steps to tell",
        "includes_zero": "Shortcuts: not clear, the interval includes zero",
        "both_zero": "Shortcuts: all end at about 0 %, nothing is left to tell apart",
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
    outcomes, reasons = set(gaps["outcome"]), set(gaps["reason"])
    outcome = next((each for each in _PRECEDENCE if each in outcomes), None)
    reason = next((each for each in get_args(Reason) if each in reasons), None)
    sentences = [_sentence(row, chance) for row in pd.concat([gaps, counterpart]).to_dict("records")]
    if outcome is None:
        sentences.insert(0, _NOTHING[question])
    headline = HEADLINES[question][reason if outcome == "cannot_tell" else outcome]
    return Verdict(question, outcome, headline, tuple(sentences))


def _sentence(row: GapRow, chance: float) -> str:
    """One comparison: its size, its interval, and its limits."""
    network, against, reason = row["network"], row["against"], row["reason"]
    if reason == "both_zero":
        seeds = "in one seed" if row["seeds"] == 1 else f"in {row['seeds']} seeds"
        text = f"{network} and {against} both end at about 0 % training error {seeds}: nothing is left to tell apart."
        return f"{text} {low_error_text(row)}".rstrip()
    text = f"{network} ends {points_text(abs(row['gap']), row['digits'])} of training error "
    text += f"{'above' if row['gap'] >= 0 else 'below'} {against}"
    text += " (one seed, no interval)" if isnan(row["low"]) else f" ({interval_text(row)}, {row['seeds']} seeds)"
    if reason == "includes_zero":
        text += ": the interval includes zero"
    if reason == "few_steps":
        text += ": too few steps to tell, both still have more than half the error of guessing"
    text += "."
    if has_not_started(row["error"], chance):
        text += f" {not_started_text(row, chance)}"
        if row["question"] != "shortcut":
            text += " In the paper's degradation both networks train and the deeper one ends higher."
    return text


def points_text(fraction: float, digits: int) -> str:
    """ "20.0 points"."""
    value = f"{_points(fraction, digits):.{digits}f}"
    return f"{value} point" if float(value) == 1 else f"{value} points"


def change_text(row: GapRow, name: str, sign: str = "+") -> str:
    """ "−1.2", "0.0": a fraction of a row of `tables.GAPS` in points, with as many digits as its outcome needs."""
    points = _points(row[name], int(row["digits"]))
    return minus(f"{points:{sign if points else ''}.{int(row['digits'])}f}")


def interval_text(row: GapRow) -> str:
    """ "95 % interval −1.2 to +3.4" of a row of `tables.GAPS` with several seeds."""
    low, high = (change_text(row, end) for end in ("low", "high"))
    return f"95 % interval {low} to {high}"


def not_started_text(row: GapRow, chance: float) -> str:
    """That the network of a row of `tables.GAPS` is at the error of guessing."""
    network, error = row["network"], row["error"]
    return f"{network} has not started to train: at {100 * error:.1f} % it is where guessing is ({100 * chance:.0f} %)."


def low_error_text(row: GapRow) -> str:
    """From which steps two networks stay below 10 % training error; empty where that is not known."""
    own, other = row["low_error_step"], row["against_low_error_step"]
    if isnan(own) or isnan(other):
        return ""
    text = f"Training error stays below {100 * LOW_ERROR:.0f} % from step {own:,.0f} on in {row['network']}, "
    text += f"from step {other:,.0f} on in {row['against']}"
    if not isnan(row["later_low"]):
        low, high = (minus(f"{row[end]:+,.0f}") for end in ("later_low", "later_high"))
        text += f" (95 % interval of the difference {low} to {high} steps)"
    return f"{text}."
