"""The main finding: what depth does to plain networks, weighed against what it does to residual ones."""

from dataclasses import dataclass

import pandas as pd

from explorer.analysis.verdict import GapRow, interval_text, low_error_text, not_started_text, points_text
from explorer.models.catalogue import network_config

LEAST_RATIO = 1.5  # of two rises; closer ones are called about the same
PAPER_STEPS = 64_000  # He et al. 2015, section 4.2
SHORT_STEPS = PAPER_STEPS // 10

_NO_RISE = {  # outcome or reason of the plain networks
    "reversed": "No degradation here: from",
    "includes_zero": "No clear degradation here: from",
    "few_steps": "No clear degradation here: from",
    "both_zero": "No degradation at the end of training: from",
}


@dataclass(frozen=True, slots=True)
class MainFinding:
    """What training errors say about depth.

    Attributes:
        main: one sentence.
        notes: sentences on what limits it.
    """

    main: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.main, *self.notes])


def main_finding(gaps: pd.DataFrame, *, chance: float, steps: int) -> MainFinding:
    """The effect of depth on both kinds of networks, between the shallowest and the deepest depth that both have.

    Where a network of the deepest pair has not started to train, the deepest pair that has is weighed.

    Args:
        gaps: result of `verdict.error_gaps`.
        chance: the error of guessing.
        steps: of the schedule.
    """
    kinds = {kind: _by_depths(gaps, question) for kind, question in _QUESTIONS.items()}
    kinds = {kind: rows for kind, rows in kinds.items() if rows}
    if not kinds:
        return MainFinding("Nothing to weigh: no two networks of one kind and different depths have been trained.")
    shared = [depths for depths in next(iter(kinds.values())) if all(depths in rows for rows in kinds.values())]
    if not shared:  # each kind has depths of its own
        alone = [main_finding(gaps[gaps["question"] == _QUESTIONS[kind]], chance=chance, steps=steps) for kind in kinds]
        return MainFinding(str(alone[0]), tuple(map(str, alone[1:])))
    pairs = [{kind: rows[depths] for kind, rows in kinds.items()} for depths in shared]
    pair = next((each for each in pairs if not _not_started(each)), pairs[0])
    notes = [_beside(row, chance) for row in pairs[0].values()] if pair is not pairs[0] else []
    if stuck := _not_started(pair):
        names = " and ".join(row["network"] for row in stuck)
        has = "has" if len(stuck) == 1 else "have"
        main = f"Not degradation yet: {names} {has} not started to train in {steps:,} steps."
        return MainFinding(main, tuple(_beside(row, chance) for row in pair.values()))
    notes += [_beside(row, chance) for row in _further(gaps, pair)]
    return MainFinding(_weighed(pair), (*notes, *_limits(pair, steps)))


_QUESTIONS = {"plain": "degradation", "residual": "residual_depth"}


def _by_depths(gaps: pd.DataFrame, question: str) -> dict[tuple[int, int], GapRow]:
    """Rows by the two depths, the deepest first; of several families, the first."""
    rows = gaps[gaps["question"] == question].sort_values("depth", ascending=False, kind="stable").to_dict("records")
    found: dict[tuple[int, int], GapRow] = {}
    for row in rows:
        found.setdefault((network_config(row["against"]).depth, row["depth"]), row)
    return found


def _further(gaps: pd.DataFrame, pair: dict[str, GapRow]) -> list[GapRow]:
    """Rows of the other families between the same depths."""
    shown = {row["network"] for row in pair.values()}
    depths = {(network_config(row["against"]).depth, row["depth"]) for row in pair.values()}
    rows = gaps[gaps["question"].isin(_QUESTIONS.values())].to_dict("records")
    return [
        row
        for row in rows
        if row["network"] not in shown and (network_config(row["against"]).depth, row["depth"]) in depths
    ]


def _not_started(pair: dict[str, GapRow]) -> list[GapRow]:
    return [row for row in pair.values() if row["outcome"] == "not_started"]


def _weighed(pair: dict[str, GapRow]) -> str:
    """The main sentence on the rows of one pair of depths, by kind."""
    row, *others = pair.values()
    plain = pair.get("plain")
    start = "From"
    if plain is None:
        start = "No plain networks to compare with: from"
    elif plain["reason"] == "one_seed":
        start = "From" if plain["gap"] > 0 else "No degradation in this run: from"
    else:
        start = _NO_RISE.get(plain["reason"] or plain["outcome"], start)
    text = f"{start} {network_config(row['against']).depth} to {row['depth']} layers"
    text += ", in one run of each network" if row["seeds"] == 1 else ""
    text += f", the training error of {next(iter(pair))} networks {_change(row)}"
    for other in others:
        text += f", while that of residual networks {_change(other)}{_ratio(row, other)}"
    return f"{text}."


def _change(row: GapRow) -> str:
    size, reason = points_text(abs(row["gap"]), row["digits"]), row["reason"]
    if reason == "both_zero":
        return "ends at about 0 % at both depths"
    if reason in ("includes_zero", "few_steps"):
        return f"does not clearly change ({interval_text(row)} includes zero, {row['seeds']} seeds)"
    change = f"{'rises' if row['gap'] > 0 else 'falls'} by {size}"
    return change if reason == "one_seed" else f"{change} ({interval_text(row)})"


def _ratio(plain: GapRow, residual: GapRow) -> str:
    """How many times less; empty unless both rises are clear of zero."""
    if (plain["outcome"], residual["outcome"]) != ("seen", "seen"):
        return ""
    times = plain["gap"] / residual["gap"]
    if 1 / LEAST_RATIO < times < LEAST_RATIO:
        return ": about as much"
    larger = max(times, 1 / times)
    return f": {larger:.{0 if larger >= 10 else 1}f} times {'less' if times > 1 else 'more'}"


def _beside(row: GapRow, chance: float) -> str:
    """A sentence on a row that is not weighed."""
    if row["outcome"] == "not_started":
        text = not_started_text(row, chance)
        return f"{text[:-1]}, which is not degradation." if row["kind"] == "plain" else text
    size = points_text(abs(row["gap"]), row["digits"])
    text = f"{row['network']} trains and ends {size} {'above' if row['gap'] >= 0 else 'below'} {row['against']}"
    return f"{text}." if row["seeds"] == 1 else f"{text} ({interval_text(row)})."


def _limits(pair: dict[str, GapRow], steps: int) -> list[str]:
    notes = []
    residual = pair.get("residual")
    if residual is not None and residual["outcome"] == "seen" and steps < SHORT_STEPS:
        notes.append(
            f"Residual networks rise too in so short a run: {steps:,} steps, where He et al. 2015 train for "
            f"{PAPER_STEPS:,}."
        )
    for row in pair.values():
        if row["reason"] == "few_steps":
            networks = f"{row['network']} and {row['against']}"
            notes.append(f"{networks} still have more than half the error of guessing: too few steps to tell.")
        if row["reason"] == "both_zero" and pair.get("plain", row)["reason"] == "both_zero":
            notes.append(low_error_text(row))
    if any(row["reason"] == "one_seed" for row in pair.values()):
        notes.append("One seed gives no interval: train at least three to learn whether this repeats.")
    return [note for note in notes if note]
