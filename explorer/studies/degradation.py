"""The degradation experiment: train networks of several depths under one recipe, and draw conclusions."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isnan

import pandas as pd

from explorer import figures, labels
from explorer.analysis.confounds import Comparison, Confound, confounds
from explorer.analysis.main_finding import MainFinding, main_finding
from explorer.analysis.verdict import (
    LOW_ERROR,
    Verdict,
    change_text,
    error_gaps,
    last_steps,
    low_error_steps,
    verdicts,
)
from explorer.cards import card, html_list, html_table
from explorer.data.catalogue import dataset
from explorer.errors import BadSettings, RunError
from explorer.figures import Figure
from explorer.numerals import listed, percent
from explorer.registry import lookup
from explorer.runs.experiments import Experiment, experiment, metrics_of
from explorer.runs.facts import RunFacts
from explorer.runs.store import Run
from explorer.studies.listing import final_errors
from explorer.training import launch
from explorer.training.plan import Plan
from explorer.training.presets import PRESETS, at_depths
from explorer.training.recipe import Recipe

MOST_NAMED = 8  # networks in a sentence
CURVE_POINTS = 500  # of a run, from which the steps to an error of 10 % are read


@dataclass(frozen=True, slots=True)
class Report:
    """Results of experiments on depth and shortcuts.

    Attributes:
        experiments: ids.
        ends: one row per run at the end of its schedule, the columns of `tables.ENDS`.
        unfinished: ids of the runs that are not there.
        not_counted: a sentence on those; empty if there are none.
        finding: the effect of depth on plain networks, weighed against that on residual ones.
        gaps: every comparison, the columns of `tables.GAPS`.
        degradation: deeper plain networks against the shallowest, and residual ones for comparison.
        shortcut: plain against residual networks of the same depth.
        confounds: what else could explain a difference.
        chance: error of random guessing.
    """

    experiments: tuple[str, ...]
    ends: pd.DataFrame
    unfinished: tuple[str, ...]
    not_counted: str
    finding: MainFinding
    gaps: pd.DataFrame
    degradation: Verdict
    shortcut: Verdict
    confounds: tuple[Confound, ...]
    chance: float

    def __repr__(self) -> str:
        """What was found, in sentences; the numbers are in `gaps` and `ends`."""
        parts = [str(self.finding), repr(self.degradation), repr(self.shortcut), self.not_counted, *self._limits()]
        return "\n\n".join(filter(None, parts))

    def _repr_html_(self) -> str:
        rows = [
            [
                row["network"],
                row["against"],
                f"{row['seeds']}",
                f"{percent(row['error'])} and {percent(row['against_error'])}",
                f"{change_text(row, 'gap')} points",
                "" if isnan(row["low"]) else f"{change_text(row, 'low')} to {change_text(row, 'high')}",
                str(row["outcome"]).replace("_", " "),
            ]
            for row in self.gaps.to_dict("records")
        ]
        heads = ["Network", "Against", "Seeds", "Training errors", "Difference", "95 % interval", "Outcome"]
        parts = [html_table(heads, rows) if rows else "", self.degradation._repr_html_(), self.shortcut._repr_html_()]
        limits = html_list(filter(None, [self.not_counted, *self._limits()]))
        return card(self.finding.main, {}, sentences=self.finding.notes, below="".join([*parts, limits]))

    def _limits(self) -> list[str]:
        return [f"What else could explain it: {each.reason}" for each in self.confounds]


def plan(
    preset: str = "one_minute",
    *,
    depths: Sequence[int] | None = None,
    seeds: Sequence[int] | None = None,
    steps: int | None = None,
) -> Plan:
    """A preset's plan, with changes; only an unchanged one keeps the preset's title.

    Args:
        preset: name in `training.presets.PRESETS`.
        depths: of the preset's kinds of networks, instead of its own depths.
        seeds, steps: instead of the preset's.

    Raises:
        UnknownName: no such preset.
        BadSettings: a depth is not 6n+2, or the changes do not fit together.
    """
    chosen = lookup(PRESETS, preset.replace("-", "_"), "preset").plan
    changes: dict[str, object] = {}
    if depths is not None:
        changes["networks"] = at_depths(chosen.networks, depths)
    if seeds is not None:
        changes["seeds"] = tuple(seeds)
    if steps is not None:
        changes["recipe"] = Recipe(**chosen.recipe.model_dump() | {"steps": steps})
    return Plan(**chosen.model_dump() | changes | {"title": ""}) if changes else chosen


def run(
    preset: str = "one_minute",
    *,
    depths: Sequence[int] | None = None,
    seeds: Sequence[int] | None = None,
    steps: int | None = None,
) -> str:
    """Start a degradation experiment in the background; `verdict` reports the results.

    Args and errors as for `plan`; also DataMissing: the data set is not on this machine.

    Returns:
        The experiment's id.
    """
    return launch.start(plan(preset, depths=depths, seeds=seeds, steps=steps))


def verdict(*experiment_ids: str) -> Report:
    """Conclusions of experiments on depth and shortcuts, from training errors at the end of the schedule.

    Args:
        experiment_ids: one, or several whose runs are compared with each other.

    Raises:
        RunError: there is no such experiment, none was named, or they are of different data sets.
    """
    return report([experiment(each) for each in experiment_ids])


def race(found: Report, *, dark: bool = False) -> Figure:
    """Training and test errors of the runs of a verdict against steps, up to the errors that it compares.

    Args:
        found: what `verdict` has given.
        dark: for a dark page.

    Raises:
        RunError: an experiment was deleted since.
    """
    experiments = [experiment(each) for each in found.experiments]
    steps = max(each.steps for each in experiments)
    rows = found.ends.to_dict("records")
    return figures.race(
        metrics_of([run for each in experiments for run in each.runs]),
        dark=dark,
        smoothing=last_steps(steps),
        steps=steps,
        ends={str(row["run"]): (row["train_error"], row["test_error"]) for row in rows},
    )


def report(found: Sequence[Experiment]) -> Report:
    """`verdict` of experiments that are already read."""
    if not found:
        raise RunError("Name at least one experiment. `python -m explorer runs list` shows them.")
    data = {each.data for each in found if each.data}
    if len(data) != 1:
        raise RunError(
            f"The experiments are of {len(data)} data sets ({', '.join(sorted(data))}); errors compare within one."
        )
    chance = 1 - 1 / len(dataset(data.pop()).classes)
    ends = pd.concat([_ends(each) for each in found], ignore_index=True)
    ended = set(ends["run"])
    unfinished = [run for each in found for run in each.runs if run.id not in ended]
    gaps = error_gaps(ends, chance=chance)
    degradation, shortcut = verdicts(gaps, chance=chance)
    return Report(
        experiments=tuple(each.id for each in found),
        ends=ends,
        unfinished=tuple(run.id for run in unfinished),
        not_counted=_not_counted(unfinished),
        finding=main_finding(gaps, chance=chance, steps=max(each.steps for each in found)),
        gaps=gaps,
        degradation=degradation,
        shortcut=shortcut,
        confounds=tuple(experiment_confounds(found)),
        chance=chance,
    )


def plan_confounds(planned: Plan) -> list[Confound]:
    """Confounds of a plan: what else could explain its result."""
    return _confounds(planned, [planned.recipe.model_dump()], planned.networks if planned.initial else ())


def experiment_confounds(found: Sequence[Experiment]) -> list[Confound]:
    """Confounds of trained experiments."""
    readable = _readable(found)
    if not readable:
        return []
    recipes: list[dict[str, object]] = []
    for _, recipe in readable:
        # an older run lacks newer settings; probes do not change the training
        settings = recipe.model_dump(exclude={"probe_every"})
        if settings not in recipes:
            recipes.append(settings)
    continued = dict.fromkeys(facts.network.name for facts, _ in readable if facts.initial)
    return _confounds(plan_of(found), recipes, tuple(continued))


def plan_of(found: Sequence[Experiment]) -> Plan:
    """The plan that would train all networks and seeds of these experiments under the first one's recipe.

    Raises:
        BadSettings: it would be too large for one experiment.
        RunError: all its runs are damaged, or have unknown settings.
    """
    readable = _readable(found)
    if not readable:
        raise RunError(
            "This experiment has no settings that this program knows, so it cannot be trained again. Start a new one."
        )
    first, recipe = readable[0]
    return Plan(
        networks=tuple(dict.fromkeys(facts.network.name for facts, _ in readable)),
        data=first.data,
        recipe=recipe,
        seeds=tuple(dict.fromkeys(facts.seed for facts, _ in readable)),
        title=first.title,
        initial=first.initial,
    )


def _readable(found: Sequence[Experiment]) -> list[tuple[RunFacts, Recipe]]:
    """Facts and recipes of the runs whose settings are known."""
    readable = []
    for run in (run for each in found for run in each.runs):
        with suppress(BadSettings):
            if run.facts is not None:
                readable.append((run.facts, Recipe(**run.facts.recipe)))
    return readable


def without(planned: Plan, confound: Confound) -> Plan:
    """The plan with a confound's remedy applied, without the preset's title."""
    changes = dict(confound.changes)
    recipe = Recipe(**planned.recipe.model_dump() | dict(changes.pop("recipe", {})))
    return Plan(**planned.model_dump() | changes | {"recipe": recipe, "title": ""})


def is_augmented(facts: RunFacts) -> bool:
    """Whether a run crops and mirrors its training images."""
    given = facts.recipe.get("augment")
    return dataset(facts.data).augment if given is None else bool(given)


def protocol(facts: RunFacts) -> dict[str, str]:
    """How a run was trained, in the items of `models.published.PROTOCOL`; raises BadSettings for an invalid recipe."""
    recipe, row = Recipe(**facts.recipe), dataset(facts.data)
    size = recipe.image_size or row.sizes[0]
    pixel = recipe.normalisation == "pixel"
    return {
        "Training images": f"{recipe.train_images or row.train_images:,} (none for validation)",
        "Steps": f"{recipe.steps:,}",
        "Batch size": f"{recipe.batch_size}",
        "Learning rate": f"{recipe.learning_rate:g}, {labels.value(recipe.schedule)}",
        "Crop and mirror": "yes" if is_augmented(facts) else "no",
        "Normalisation": "mean image subtracted" if pixel else "mean and deviation per channel",
        "Image size": f"{size}×{size}",
        "Test images": f"{min(recipe.last_images or row.test_images, row.test_images):,}, the original view",
    }


def _ends(found: Experiment) -> pd.DataFrame:
    """`final_errors`, with the steps after which they stay low."""
    ends = final_errors(found)
    below = set(ends.loc[ends["train_error"] < LOW_ERROR, "run"])
    low = low_error_steps(metrics_of([run for run in found.runs if run.id in below], points=CURVE_POINTS), found.steps)
    return ends.assign(low_error_step=ends["run"].map(low).astype(float))


def _not_counted(unfinished: Sequence[Run]) -> str:
    """How many runs, and of which networks: in a stopped experiment there may be hundreds."""
    if not unfinished:
        return ""
    names = dict.fromkeys(run.facts.network.name if run.facts else run.id for run in unfinished)
    named = listed(list(names), MOST_NAMED)
    runs = "1 run is" if len(unfinished) == 1 else f"{len(unfinished)} runs are"
    return f"Not counted: {runs} not at the end of the schedule ({named})."


def _confounds(planned: Plan, recipes: Sequence[dict[str, object]], trained_on: tuple[str, ...]) -> list[Confound]:
    return confounds(
        Comparison(
            networks=tuple(planned.network_configs()),
            recipes=tuple(recipes),
            seeds=planned.seeds,
            train_images=planned.recipe.train_images or planned.dataset.train_images,
            available_images=planned.dataset.train_images,
            trained_on=trained_on,
        )
    )
