"""The results in a report: finding, race, errors at the end, verdicts with their caveats."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isnan

import pandas as pd

from explorer.analysis.verdict import Verdict, interval, last_steps
from explorer.data.catalogue import known_dataset
from explorer.errors import BadSettings, ExplorerError
from explorer.export.reports.content import Block, Grid, Picture, Points, Section, Sentences
from explorer.figures import Figure, gaps, race, training_curves
from explorer.models.published import published
from explorer.numerals import duration, listed, percent
from explorer.runs.experiments import Experiment, is_sampled, metrics_of
from explorer.runs.facts import State
from explorer.runs.states import state_of_run
from explorer.runs.store import Run
from explorer.studies import degradation
from explorer.studies.degradation import is_augmented
from explorer.studies.listing import Errors, run_errors
from explorer.training.recipe import Recipe

CURVE_POINTS, FEWEST_POINTS, MOST_POINTS = 9000, 150, 1500  # of all runs together, and of one
MOST_ROWS = 12  # of runs, before their table is folded
MOST_NAMED = 4  # runs in a sentence
MOST_LETTERS = 60  # of a title in tables and figures
NO_CONFOUND = "None of the confounds that this program checks for applies."
QUESTIONS = {"degradation": ("degradation", "residual_depth"), "shortcut": ("shortcut",)}

# How a run that has not ended is announced, in this order
STATES: dict[State, str] = {
    "running": "Still training when this report was made",
    "starting": "Just starting when this report was made",
    "queued": "Not yet trained when this report was made",
    "crashed": "Crashed before the end",
    "failed": "Failed before the end",
    "paused": "Paused before the end",
    "stopped": "Stopped before the end",
    "damaged": "Damaged",
}
GO_ON = ("crashed", "paused", "stopped")


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """What the experiments of a report show.

    Attributes:
        errors: training and test error by run.
        verdicts: on depth and shortcuts; None where there are none.
        why_none: the reason, in a sentence.
    """

    found: tuple[Experiment, ...]
    errors: dict[str, Errors]
    verdicts: degradation.Report | None
    why_none: str

    @property
    def runs(self) -> list[tuple[Experiment, Run]]:
        return [(each, run) for each in self.found for run in each.runs]

    @property
    def ended(self) -> list[Run]:
        """The runs at the end of their schedule."""
        return [run for _, run in self.runs if run.facts and run.state != "damaged" and run.progress.step == run.steps]


def results(found: Sequence[Experiment]) -> Results:
    """The results of experiments, with verdicts if they can be compared."""
    errors = {run_id: pair for each in found for run_id, pair in run_errors(each).items()}
    try:
        return Results(tuple(found), errors, degradation.report(found), "")
    except ExplorerError as error:
        return Results(tuple(found), errors, None, str(error))


def beginning(shown: Results) -> Section:
    """The finding and the race, before anything else."""
    blocks: list[Block] = [Sentences(text, "warning") for text in unfinished(shown)]
    report = shown.verdicts
    if report is not None and len(report.gaps):
        blocks.append(Sentences(report.finding.main, "lead"))
        if report.finding.notes:
            blocks.append(Sentences(" ".join(report.finding.notes), "note"))
    else:
        blocks.append(Sentences(_best(shown), "lead"))
    drawn = any(run.progress.step for run in (run for _, run in shown.runs) if run.state != "damaged")
    if drawn:
        networks = ", ".join(dict.fromkeys(name for each in shown.found for name in each.networks))
        blocks.append(Picture("curves", curves(shown), f"Training and test error of {networks} against steps."))
    blocks.append(Sentences(_measure(shown), "note"))
    return Section("", tuple(blocks))


def unfinished(shown: Results) -> list[str]:
    """A sentence for each state of runs that are not at their end, with what can be done."""
    sentences = []
    for state, words in STATES.items():
        runs = [(each, run) for each, run in shown.runs if run.state == state]
        if not runs:
            continue
        named = listed([_where(run) for _, run in runs], MOST_NAMED, "; ")
        text = f"{words}: {len(runs)} of {len(shown.runs)} runs ({named})."
        reason = next((run.damage or run.reason for _, run in runs if run.damage or run.reason), "")
        text += f" {reason.rstrip('.')}." if reason else ""
        if state in GO_ON:
            text += f" `python -m explorer runs resume {runs[0][0].id}` goes on."
        sentences.append(text)
    return sentences


def curves(shown: Results) -> Figure:
    """The race of one experiment, or the curves of several."""
    runs = [run for _, run in shown.runs]
    share = max(FEWEST_POINTS, min(MOST_POINTS, CURVE_POINTS // max(1, len(runs))))
    table, steps = metrics_of(runs, points=share), max(each.steps for each in shown.found)
    smoothing = last_steps(steps) or 1
    ends = {
        run.id: (train, test)
        for run in shown.ended
        for train, test in [shown.errors[run.id]]
        if train is not None and test is not None
    }
    if len(shown.found) > 1:
        return training_curves(table, steps=steps, smoothing=smoothing, titles=_names(shown.found), ends=ends)
    data = shown.found[0].data
    known = published() if data == "cifar10" else None
    if known is not None:
        known = known[known["depth"].isin({run.facts.network.depth for run in runs if run.facts})]
    return race(table, steps=steps, smoothing=smoothing, published=known, ends=ends)


def errors_section(shown: Results) -> Section:
    """The errors of each network over its seeds, and of each run."""
    blocks: list[Block] = []
    if shown.ended:
        blocks.append(_by_network(shown))
        blocks.append(
            Sentences(
                "Means over runs; in brackets 95 % intervals of the mean by Student's t, which one run does not give.",
                "note",
            )
        )
    else:
        blocks.append(Sentences("No run is at the end of its schedule yet, so there are no final errors."))
    several = len(shown.found) > 1
    columns = ("Network", "Seed", "State", "Step", "Training error", "Test error", "Training time")
    names = _names(shown.found)
    rows = [(*((names[each.id],) if several else ()), *_run_row(run, shown.errors)) for each, run in shown.runs]
    numbers = frozenset({"Seed", "Step", "Training error", "Test error", "Training time"})
    folded = f"All {len(rows)} runs" if len(rows) > MOST_ROWS else ""
    blocks.append(Grid((*(("Experiment",) if several else ()), *columns), tuple(rows), numbers, folded))
    return Section("Errors at the end", tuple(blocks))


def verdict_sections(shown: Results) -> list[Section]:
    """The verdicts on depth and on shortcuts, then what else could explain them."""
    report = shown.verdicts
    if report is None:
        return [Section("Verdicts", (Sentences(f"There are no verdicts on these runs. {shown.why_none}"),))]
    sections = [_verdict(answer, report.gaps) for answer in (report.degradation, report.shortcut)]
    caveats = tuple(
        f"{each.reason} Source: {each.source}. Remedy: {each.remedy[:1].lower()}{each.remedy[1:]}."
        for each in report.confounds
    )
    blocks: list[Block] = [Points(caveats)] if caveats else [Sentences(NO_CONFOUND)]
    if report.not_counted:
        blocks.append(Sentences(report.not_counted, "note"))
    return [*sections, Section("What else could explain this", tuple(blocks))]


def _verdict(answer: Verdict, table: pd.DataFrame) -> Section:
    blocks: list[Block] = []
    rows = table[table["question"].isin(QUESTIONS[answer.question])]
    if len(rows):
        blocks.append(
            Picture(f"verdict-{answer.question}", gaps(rows), "Differences in training error with their intervals.")
        )
    return Section(answer.headline, (*blocks, Points(answer.sentences)))


def _best(shown: Results) -> str:
    """The network with the lowest test error, on each data set, where no two can be compared."""
    ends = _ends(shown)
    if ends.empty:
        return "No network has reached the end of its schedule, so there is no result yet."
    several = len(set(ends["data"])) > 1
    sentences = []
    for data, rows in ends.groupby("data", sort=False):
        means = rows.groupby("network", sort=False)["test_error"].mean()
        name = str(means.idxmin())
        best = rows[rows["network"] == name]
        train, test = percent(best["train_error"].mean()), percent(best["test_error"].mean())
        runs = "one run" if len(best) == 1 else f"mean of {len(best)} runs"
        of = "" if len(means) == 1 else f", the lowest test error of {len(means)} networks"
        where = f"On {_title(str(data))}, " if several else ""
        sentences.append(f"{where}{name} ends at {train} training error and {test} test error ({runs}){of}.")
    return " ".join(sentences)


def _title(data: str) -> str:
    row = known_dataset(data)
    return row.title if row else data


def _ends(shown: Results) -> pd.DataFrame:
    names = _names(shown.found)
    rows = [
        (names[each.id], each.data, run.facts.network.name, run.facts.seed, *shown.errors[run.id])
        for each, run in shown.runs
        if run.facts and run in shown.ended and None not in shown.errors[run.id]
    ]
    return pd.DataFrame(rows, columns=["experiment", "data", "network", "seed", "train_error", "test_error"])


def _by_network(shown: Results) -> Grid:
    """A row for each network; for each of an experiment where several have recipes of their own."""
    recipes = {json.dumps(each.recipe, sort_keys=True) for each in shown.found}
    apart = len(recipes) > 1
    ends = _ends(shown) if apart else _ends(shown).assign(experiment="")
    rows = []
    for (experiment, network), members in ends.groupby(["experiment", "network"], sort=False):
        seeds = ", ".join(dict.fromkeys(str(seed) for seed in members["seed"]))
        cells = [_mean(members[part]) for part in ("train_error", "test_error")]
        rows.append((*((experiment,) if apart else ()), network, str(len(members)), seeds, *cells))
    columns = (*(("Experiment",) if apart else ()), "Network", "Runs", "Seeds", "Training error", "Test error")
    return Grid(columns, tuple(rows), frozenset({"Runs", "Training error", "Test error"}))


def _mean(errors: pd.Series) -> str:
    """ "8.4 % [7.9, 8.9]"."""
    low, high = interval(errors)
    ends = f" [{100 * max(low, 0.0):.1f}, {100 * min(high, 1.0):.1f}]"  # no error is below 0 or above 100 %
    return percent(errors.mean()) + ("" if isnan(low) else ends)


def _run_row(run: Run, errors: dict[str, Errors]) -> tuple[str, ...]:
    train, test = errors[run.id]
    return (
        run.facts.network.name if run.facts else run.id,
        str(run.facts.seed) if run.facts else "–",
        state_of_run(run),
        f"{run.progress.step:,} of {run.steps:,}",
        percent(train),
        percent(test),
        duration(run.progress.seconds) if run.progress.seconds else "–",
    )


def _where(run: Run) -> str:
    """ "plain20, seed 0, step 30 of 400"."""
    if run.facts is None or run.state == "damaged":
        return run.id
    return f"{run.facts.network.name}, seed {run.facts.seed}, step {run.progress.step:,} of {run.steps:,}"


def _names(found: Sequence[Experiment]) -> dict[str, str]:
    """Short titles by id; those that are alike have the id too."""
    titles = {
        each.id: f"{each.title[:MOST_LETTERS]}…" if len(each.title) > MOST_LETTERS else each.title or each.id
        for each in found
    }
    shared = Counter(titles.values())
    return {
        name: f"{title} ({name})" if shared[title] > 1 and title != name else title for name, title in titles.items()
    }


def _measure(shown: Results) -> str:
    """What the errors are measured on."""
    facts = [run.facts for _, run in shown.runs if run.facts]
    tails = sorted({last_steps(each.steps) for each in shown.found})
    augmented = False
    with suppress(ExplorerError):
        augmented = any(is_augmented(each) for each in facts)
    recipes = []
    for each in facts:
        with suppress(BadSettings):
            recipes.append(Recipe(**each.recipe))
    lasts = sorted({recipe.last_images or 0 for recipe in recipes})
    tests = " or ".join(f"{count:,} test images" if count else "the whole test set" for count in lasts)
    text = f"Training error: mean over the batches of the last {' or '.join(f'{tail:,}' for tail in tails)} steps"
    text += ", cropped and mirrored as in training" if augmented else ""
    text += ", at the end of the schedule; never the best epoch."
    text += f" Test error: on {tests or 'test images'}, at the end." if recipes else ""
    if is_sampled([run for _, run in shown.runs]):
        text += " The curves are drawn from evenly spaced steps of each run."
    return text
