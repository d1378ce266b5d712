"""Findings of the lesson: from measured tables to the sentence that holds, and the numbers in it.

A finding names sentences by key; their words are in the lesson's texts, in each language. The first key is the outcome,
which says which guess was right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import pandas as pd

from explorer.analysis.verdict import ABOUT_ZERO, change_text, interval
from explorer.map_results import AttributionMap
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.published import REIMPLEMENTATION
from explorer.models.size import multiply_adds, parameter_count
from explorer.numerals import minus
from explorer.results import Construction

PAPER = "He et al. 2015"  # begins its sources
SAME_ERROR = 0.005  # half a point: smaller differences between single runs count as none
SAME_RATIO = 0.02  # relative difference of two means that counts as none, as in `response_claims`
VANISHED = 1e-3  # gradient of the first layer relative to the last convolution's
GROWING = 10.0


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a finding.

    Attributes:
        key: of its template in the lesson's texts.
        numbers: what stands at the placeholders of the template.
    """

    key: str
    numbers: Mapping[str, str]


Finding = tuple[Sentence, ...]
NOTHING: Finding = (Sentence("nothing", {}),)  # there are no networks to compare


def shallow_solution(ends: pd.DataFrame, shallow: str, deep: str, layers: int) -> Finding:
    """What a deeper network reaches that copies a trained shallower one.

    Args:
        ends: result of `verdict.end_errors`.
        layers: by which `deep` is deeper.
    """
    error = _mean(ends, shallow, "train_error")
    if not deep or isnan(error):
        return NOTHING
    return (Sentence("argument", {"shallow": shallow, "deep": deep, "error": percent(error), "layers": str(layers)}),)


def depth(gaps: pd.DataFrame, question: str) -> Finding:
    """How depth changes the training error of one kind of networks.

    Compares the deepest network that has started to train with the shallowest one. "one_higher", "one_lower" and
    "one_same" are for a single seed, which has no interval.

    Args:
        gaps: `tables.GAPS`.
        question: "degradation" or "residual_depth".
    """
    rows = gaps[gaps["question"] == question].sort_values("depth").to_dict("records")
    if not rows:
        return NOTHING
    stuck = [row for row in rows if row["outcome"] == "not_started"]
    started = [row for row in rows if row["outcome"] != "not_started"]
    found = [_compared((started or stuck)[-1], deep="network", shallow="against")]
    if started:
        found += [Sentence("stuck", _gap_numbers(row, deep="network", shallow="against")) for row in stuck]
    return tuple(found)


def residual_race(gaps: pd.DataFrame) -> Finding:
    """How depth changes residual networks, how that compares with plain ones, and the effect of shortcuts."""
    found = list(depth(gaps, "residual_depth"))
    if found == list(NOTHING):
        return NOTHING
    found += _both(gaps)
    twins = gaps[gaps["question"] == "shortcut"].sort_values("depth").to_dict("records")
    if twins:
        compared = _compared(twins[-1], deep="network", shallow="against")
        found.append(Sentence(f"shortcut_{compared.key}", compared.numbers))
    return tuple(found)


def _both(gaps: pd.DataFrame) -> list[Sentence]:
    """The changes of both kinds between the same two depths, the greatest at which the plain network trains."""
    kinds = {
        question: {
            (network_config(row["against"]).depth, row["depth"]): row["gap"]
            for row in gaps[(gaps["question"] == question) & (gaps["outcome"] != "not_started")].to_dict("records")
        }
        for question in ("degradation", "residual_depth")
    }
    plain, residual = kinds.values()
    common = sorted(set(plain) & set(residual))
    if not common:
        return []
    shallow, deep = common[-1]
    changes = {"plain": signed(plain[shallow, deep]), "residual": signed(residual[shallow, deep])}
    return [Sentence("both", changes | {"shallow": str(shallow), "deep": str(deep)})]


def _compared(row: Mapping[Any, Any], *, deep: str, shallow: str) -> Sentence:
    numbers = _gap_numbers(row, deep=deep, shallow=shallow)
    if row["outcome"] == "not_started":
        return Sentence("not_started", numbers)
    if max(row["error"], row["against_error"]) < ABOUT_ZERO:
        return Sentence("both_zero", numbers)
    if not isnan(row["low"]):
        return Sentence(str(row["outcome"]), numbers)
    if abs(row["gap"]) < SAME_ERROR:
        return Sentence("one_same", numbers)
    return Sentence("one_higher" if row["gap"] > 0 else "one_lower", numbers)


def _gap_numbers(row: Mapping[Any, Any], *, deep: str, shallow: str) -> dict[str, str]:
    return {
        "deep": str(row[deep]),
        "shallow": str(row[shallow]),
        "error": percent(row["error"]),
        "shallow_error": percent(row["against_error"]),
        "gap": change_text(row, "gap", "").removeprefix("−"),
        "change": change_text(row, "gap"),
        "low": change_text(row, "low"),
        "high": change_text(row, "high"),
        "seeds": str(row["seeds"]),
    }


def overfitting(ends: pd.DataFrame, shallow: str, deep: str) -> Finding:
    """Whether a deeper network fits its training images better and test images worse."""
    train, base_train = _mean(ends, deep, "train_error"), _mean(ends, shallow, "train_error")
    test, base_test = _mean(ends, deep, "test_error"), _mean(ends, shallow, "test_error")
    if any(map(isnan, (train, base_train, test, base_test))):
        return NOTHING
    higher, lower = train - base_train > SAME_ERROR, base_train - train > SAME_ERROR
    worse = test - base_test > SAME_ERROR
    key = "not_overfitting" if higher else "overfitting" if lower and worse else "better" if lower else "same"
    if key == "same" and worse:
        key = "overfitting"
    return (
        Sentence(
            key,
            {
                "deep": deep,
                "shallow": shallow,
                "train": percent(train),
                "shallow_train": percent(base_train),
                "test": percent(test),
                "shallow_test": percent(base_test),
            },
        ),
    )


def gradients(table: pd.DataFrame) -> Finding:
    """Whether the gradient of the deepest plain network vanishes on its way to the first layer.

    Args:
        table: `tables.GRADIENTS` after `tables.MEASURED_KEYS`, of plain networks before and after training.
    """
    if table.empty:
        return NOTHING
    rows = table[table["depth"] == table["depth"].max()]
    ratios = {step: first_to_last(layers) for step, layers in rows.groupby("step")}
    steps = sorted(ratios)
    first, last = ratios[steps[0]], ratios[steps[-1]]
    numbers = {
        "deep": str(rows["network"].iloc[0]),
        "first": _ratio(first),
        "last": _ratio(last),
        "steps": f"{steps[-1]:,.0f}",
    }
    if isnan(first):
        return NOTHING
    key = "vanishing" if first < VANISHED else "growing" if first > GROWING else "healthy"
    if len(steps) == 1 or isnan(last):
        return (Sentence(key, numbers),)
    return Sentence(key, numbers), Sentence("end_vanished" if last < VANISHED else "end_alive", numbers)


def first_to_last(layers: pd.DataFrame) -> float:
    """Gradient of the first layer relative to that of the last convolution, before the classifier.

    Args:
        layers: layer and gradient_norm of one network.
    """
    norms = layers.sort_values("layer")["gradient_norm"]
    return float(norms.iloc[0] / norms.iloc[-2])


def proof(made: Construction, scratch: tuple[float, float] | None) -> Finding:
    """Whether a constructed deeper network has the errors of its source, and whether training found one as good.

    Args:
        scratch: training and test error of a network of its depth trained from scratch, measured on the same images.
    """
    numbers = {
        "deep": made.network,
        "shallow": made.source_network,
        "blocks": str(made.inserted_blocks),
        "layers": str(2 * made.inserted_blocks),
        "error": percent(made.train_error),
        "shallow_error": percent(made.source_train_error),
        "difference": f"{made.largest_difference:.1e}",
        "images": f"{made.images:,}",
        "scratch": percent(scratch[0]) if scratch else "",
    }
    same = abs(made.train_error - made.source_train_error) < SAME_ERROR
    found = [Sentence("proof" if same else "differs", numbers)]
    if scratch:
        gap = scratch[0] - made.train_error
        found.append(
            Sentence(
                "scratch_same" if abs(gap) < SAME_ERROR else "scratch_worse" if gap > 0 else "scratch_better", numbers
            )
        )
    return tuple(found)


def block_cost(plain: NetworkConfig | None, residual: NetworkConfig | None) -> Finding:
    """Parameters and multiply-adds that shortcuts add to a plain network of the same depth."""
    if plain is None or residual is None:
        return NOTHING
    own, twin = parameter_count(residual), parameter_count(plain)
    numbers = {
        "plain": plain.name,
        "residual": residual.name,
        "parameters": f"{own:,}",
        "plain_parameters": f"{twin:,}",
        "more": f"{own - twin:,}",
        "operations": f"{multiply_adds(residual) / 1e6:,.1f}",
        "plain_operations": f"{multiply_adds(plain) / 1e6:,.1f}",
    }
    return (Sentence("none" if own == twin else "few" if own < 1.2 * twin else "many", numbers),)


def responses(table: pd.DataFrame, deep_plain: str, residual: Sequence[str]) -> Finding:
    """Whether residual networks respond less than plain ones, and deeper residual ones less still.

    Args:
        table: `tables.RESPONSES` after `tables.MEASURED_KEYS`.
        deep_plain: the deepest plain network.
        residual: the residual networks, the shallowest first; the first and the last one are compared.
    """
    layers = table[table["layer"] < table["depth"]]  # without the classifier, as in figure 7
    means = layers.groupby("network")["response_std"].mean()
    shallow, deep = residual[0], residual[-1]
    if not {deep_plain, shallow, deep} <= set(means.index):
        return NOTHING
    numbers = {
        "plain": deep_plain,
        "residual": deep,
        "shallow": shallow,
        "plain_std": f"{means[deep_plain]:.2g}",
        "residual_std": f"{means[deep]:.2g}",
        "shallow_std": f"{means[shallow]:.2g}",
    }
    found = [Sentence(_change(means[deep_plain], means[deep], "weaker", "stronger", "same"), numbers)]
    if deep != shallow:
        words = ("deeper_weaker", "deeper_stronger", "deeper_same")
        found.append(Sentence(_change(means[shallow], means[deep], *words), numbers))
    return tuple(found)


def ledger(table: pd.DataFrame) -> Finding:
    """Whether the blocks of a deeper residual network add less to their inputs than those of a shallower one.

    Args:
        table: `tables.LEDGER` after `tables.MEASURED_KEYS`, of two residual networks, and `rise`, of the error without
            the block, in points. Blocks that change the shape are left out.
    """
    kept = table[(table["kind"] == "residual") & (table["shortcut"] == "identity")]
    means = kept.groupby(["depth", "network"])["branch_ratio"].mean()
    if len(means) < 2:
        return NOTHING
    (_, shallow), (_, deep) = means.index[0], means.index[-1]
    of_deep = kept.loc[kept["network"] == deep, "branch_ratio"]
    numbers = {
        "deep": deep,
        "shallow": shallow,
        "ratio": f"{means.iloc[-1]:.2f}",
        "shallow_ratio": f"{means.iloc[0]:.2f}",
        "small": str(int((of_deep < 1).sum())),
        "blocks": str(len(of_deep)),
        "rise": f"{kept.loc[kept['network'] == deep, 'rise'].median():.1f}",
        "shallow_rise": f"{kept.loc[kept['network'] == shallow, 'rise'].median():.1f}",
    }
    compared = _change(means.iloc[0], means.iloc[-1], "less", "more", "same")
    return Sentence(compared, numbers), Sentence("without", numbers), Sentence("part", numbers)


def maps(found: Iterable[AttributionMap], networks: Sequence[str]) -> Finding:
    """Whether the maps of a deep plain network are less like a shallow one's than those of a residual network.

    Args:
        found: maps of the same pictures for each network.
        networks: shallow plain, deep residual, deep plain.
    """
    by_network: dict[str, list[AttributionMap]] = {}
    for each in found:
        by_network.setdefault(each.network, []).append(each)
    if len(networks) < 3 or any(name not in by_network for name in networks):
        return NOTHING
    shallow, residual, deep = (by_network[name] for name in networks)
    near, far = _rank_correlations(shallow, residual), _rank_correlations(shallow, deep)
    numbers = dict(zip(("shallow", "residual", "deep"), networks, strict=True))
    numbers |= {"near": f"{near.mean():.2f}", "far": f"{far.mean():.2f}", "pictures": str(len(shallow))}
    for name, shown in zip(("shallow", "residual", "deep"), (shallow, residual, deep), strict=True):
        numbers[f"{name}_right"] = str(sum(each.prediction == each.label for each in shown))
    low, high = interval(near - far)
    key = "flat" if isnan(low) else "apart" if low > 0 else "closer" if high < 0 else "cannot_tell"
    return Sentence(key, numbers), Sentence("right", numbers)


def _rank_correlations(some: Sequence[AttributionMap], others: Sequence[AttributionMap]) -> pd.Series:
    """Spearman's rank correlation for each picture; NaN if a map is constant."""
    ranks = [[pd.Series(each.map.ravel()).rank() for each in maps] for maps in (some, others)]
    return pd.Series([a.corr(b) for a, b in zip(*ranks, strict=True)], dtype=float)


def open_questions(published: pd.DataFrame, *, deep: str, steps: int, seeds: int) -> Finding:
    """Whether the deepest published network is the best one, and how far the runs shown here go.

    Args:
        published: `tables.PUBLISHED`.
        deep: the deepest network here, of `steps` steps and `seeds` seeds.
    """
    rows = published[published["source"].str.startswith(PAPER) & published["test_error"].notna()]
    rows = rows[rows["kind"] == "residual"].sort_values("depth")
    deepest, best = rows.iloc[-1], rows.sort_values("test_error").iloc[0]
    numbers = {
        "deepest": str(deepest["network"]),
        "best": str(best["network"]),
        "deepest_error": f"{100 * deepest['test_error']:.2f}",
        "best_error": f"{100 * best['test_error']:.2f}",
        "deep": deep,
        "steps": f"{steps:,}",
        "seeds": str(seeds),
    }
    found = [Sentence("deepest_best" if deepest["network"] == best["network"] else "deepest_worse", numbers)]
    others = published[published["source"] == REIMPLEMENTATION].set_index("network")["test_error"]
    again = [float(others.get(str(row["network"]), nan)) for row in (deepest, best)]
    if not any(map(isnan, again)):
        more = {"again_deepest": f"{100 * again[0]:.2f}", "again_best": f"{100 * again[1]:.2f}"}
        found.append(Sentence("again_better" if again[0] < again[1] else "again_worse", numbers | more))
    return *found, Sentence("here_one" if seeds == 1 else "here", numbers)


def percent(fraction: float) -> str:
    """A fraction in percent, or a difference in points, without sign or unit."""
    return f"{100 * fraction + 0.0:.1f}"


def signed(fraction: float) -> str:
    """A difference in points with its sign, "0.0" for none."""
    text = minus(f"{round(100 * fraction, 1) + 0.0:+.1f}")
    return text.removeprefix("+") if text == "+0.0" else text


def _ratio(value: float) -> str:
    return "–" if isnan(value) else f"{float(f'{value:.1g}'):,.0f}" if value >= 10 else f"{value:.2g}"


def _change(before: float, after: float, less: str, more: str, same: str) -> str:
    if abs(after - before) < SAME_RATIO * max(abs(before), abs(after)):
        return same
    return less if after < before else more


def _mean(ends: pd.DataFrame, network: str, column: str) -> float:
    """Mean over the seeds of a network; NaN without it."""
    return float(ends.loc[ends["network"] == network, column].mean())
