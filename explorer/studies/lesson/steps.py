"""The steps of the lesson: what each measures, its figure, its finding, and which guess was right."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from explorer.analysis import findings
from explorer.analysis.findings import Finding
from explorer.attribution.methods import METHODS
from explorer.attribution.question import Question
from explorer.data.catalogue import dataset
from explorer.figures import (
    attribution_grid,
    end_errors,
    error_by_depth,
    gradient_norms,
    ledger_entries,
    network_drawing,
    race,
    residual_block,
    response_levels,
)
from explorer.figures.maps.cells import MapCell
from explorer.figures.maps.pages import map_page, overview_page
from explorer.models.published import REIMPLEMENTATION, published
from explorer.models.size import layer_table
from explorer.studies.lesson.runs import LessonRuns
from explorer.studies.map_files import map_cells

if TYPE_CHECKING:
    from explorer.figures import Figure

HEIGHT = 430  # pixels of a figure, so that question and finding fit on a small screen with it
IMAGES = 100
TEST_IMAGES = 250  # for the error without each block
PICTURES = tuple(f"test:{number}" for number in (0, 1, 3, 4, 6, 12, 13, 25))  # of CIFAR-10: eight classes
COARSE = 16  # pixels a side, below which maps of the last block show nothing

Results = Sequence[Any]  # of a step's measurements, in their order


@dataclass(frozen=True, slots=True)
class Measurement:
    """A call of a function in a module of `explorer.studies` that needs PyTorch."""

    module: str
    function: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


def no_measurements(_runs: LessonRuns) -> list[Measurement]:
    """For steps that show what training has recorded."""
    return []


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: of its texts.
        right: the guess that an outcome makes right; other outcomes decide nothing.
        find: gives its finding.
        draw: gives its figure, with a height in pixels.
        measure: gives the measurements of which `find` and `draw` get the results.
        facts: more numbers for its question.
        draw_large: gives the figure for a room, with fewer parts; None where `draw` does.
        terms: ids in the glossary.
    """

    name: str
    right: Mapping[str, str]
    find: Callable[[LessonRuns, Results], Finding]
    draw: "Callable[[LessonRuns, Results, int], Figure]"
    measure: Callable[[LessonRuns], list[Measurement]] = no_measurements
    facts: Callable[[LessonRuns], dict[str, str]] = LessonRuns.facts
    draw_large: "Callable[[Results], Figure] | None" = None
    terms: tuple[str, ...] = ()


# 1: the argument


def _argument(runs: LessonRuns, _: Results) -> Finding:
    layers = runs.config(runs.deep).depth - runs.config(runs.shallow).depth
    return findings.shallow_solution(runs.report.ends, runs.shallow, runs.deep, layers)


def _argument_drawing(runs: LessonRuns, _: Results, _height: int) -> "Figure":
    """The deepest plain network, with frames around the layers that the shallowest one does not have."""
    deep, shallow = runs.config(runs.deep), runs.config(runs.shallow)
    layers = layer_table(deep)
    blocks = layer_table(shallow).groupby("stage")["block"].max()
    more = layers["block"] > layers["stage"].map(blocks).fillna(layers["block"])
    drawn = network_drawing(deep, marked=set(layers.loc[more, "layer"]))
    return drawn.for_each_trace(lambda trace: trace.update(name="passes its input on"), {"name": "differs"})


# 2 and 7: the races


def _race(runs: LessonRuns, _: Results, height: int) -> "Figure":
    table = runs.metrics()
    plain = table[table["network"].isin(runs.plain)]
    return race(
        plain, smoothing=runs.tail, steps=runs.experiment.steps, parts=("train",), height=height, ends=runs.ends
    )


def _residual_race(runs: LessonRuns, _: Results, height: int) -> "Figure":
    table = runs.metrics()
    both = table[table["network"].isin([*runs.plain, *runs.residual])]
    return race(both, smoothing=runs.tail, steps=runs.experiment.steps, height=height, ends=runs.ends)


# 3: training and test error


def _overfitting(runs: LessonRuns, _: Results) -> Finding:
    return findings.overfitting(runs.report.ends, runs.shallow, runs.deep)


def _errors(runs: LessonRuns, _: Results, height: int) -> "Figure":
    means = runs.report.ends.groupby("network")[["train_error", "test_error"]].mean()
    rows = [
        {"label": name, "depth": runs.config(name).depth, **means.loc[name].to_dict()}
        for name in runs.plain
        if name in means.index
    ]
    return end_errors(pd.DataFrame(rows, columns=["label", "depth", "train_error", "test_error"]), height=height)


# 4: gradients


def _gradient_measurements(runs: LessonRuns) -> list[Measurement]:
    references = runs.weights([runs.shallow, runs.deep], first=True)
    return [Measurement("layers", "gradient_profile", ((each,),), {"images": IMAGES}) for each in references]


def _gradients(_runs: LessonRuns, results: Results) -> Finding:
    return findings.gradients(_joined(results)) if results else findings.NOTHING


def _gradient_norms(_runs: LessonRuns, results: Results, height: int) -> "Figure":
    return gradient_norms(_joined(results), height=height)


# 5: the construction


def _construction_measurements(runs: LessonRuns) -> list[Measurement]:
    source = runs.trained(runs.shallow)
    return [Measurement("identity", "compared", (source, runs.config(runs.deep).depth))] if source else []


def _proof(runs: LessonRuns, results: Results) -> Finding:
    return findings.proof(results[0], runs.measured_errors(results[0].network)) if results else findings.NOTHING


def _proof_errors(runs: LessonRuns, results: Results, height: int) -> "Figure":
    made = results[0]
    rows: list[tuple[str, str, float, float]] = [
        (f"{made.source_network}, trained", made.source_network, made.source_train_error, made.source_test_error),
        (f"{made.network}, constructed", made.network, made.train_error, made.test_error),
    ]
    scratch = runs.measured_errors(made.network)
    if scratch:
        rows.append((f"{made.network}, from scratch", made.network, *scratch))
    table = pd.DataFrame(
        [(label, runs.config(network).depth, *errors) for label, network, *errors in rows],
        columns=["label", "depth", "train_error", "test_error"],
    )
    return end_errors(table, height=height)


# 6: the block


def _block(runs: LessonRuns, _: Results) -> Finding:
    residual = runs.config(runs.residual[-1])
    twins = [runs.config(name) for name in runs.plain if runs.config(name).depth == residual.depth]
    return findings.block_cost(twins[0] if twins else None, residual)


def _block_drawing(_runs: LessonRuns, _results: Results, height: int) -> "Figure":
    return residual_block(height=height)


def _block_facts(runs: LessonRuns) -> dict[str, str]:
    return runs.facts() | {"deep": runs.residual[-1]}


# 8 and 9: responses and ledger


def _response_measurements(runs: LessonRuns) -> list[Measurement]:
    names = [runs.shallow, runs.deep, runs.residual[0], runs.residual[-1]]
    return [_of_layers("response_std", each) for each in runs.weights(names)]


def _responses(runs: LessonRuns, results: Results) -> Finding:
    return findings.responses(_joined(results), runs.deep, runs.residual) if results else findings.NOTHING


def _response_levels(_runs: LessonRuns, results: Results, height: int) -> "Figure":
    return response_levels(_joined(results), height=height)


def _ledger_measurements(runs: LessonRuns) -> list[Measurement]:
    """The ledger of each network, then the error without each of its blocks."""
    references = runs.weights([runs.residual[0], runs.residual[-1]])
    lesions = [Measurement("blocks", "lesion", ([each],), {"data": "", "images": TEST_IMAGES}) for each in references]
    return [*(_of_layers("residual_ledger", each) for each in references), *lesions]


def _ledger_table(results: Results) -> pd.DataFrame:
    """`tables.LEDGER` with the column `rise`, see `figures.ledger_entries`."""
    half = len(results) // 2
    block = ["network", "stage", "block"]
    rises = _joined(results[half:])[[*block, "rise"]]
    return _joined(results[:half]).merge(rises.assign(rise=100 * rises["rise"]), on=block, how="left")


def _ledger(_runs: LessonRuns, results: Results) -> Finding:
    return findings.ledger(_ledger_table(results)) if results else findings.NOTHING


def _ledger_entries(_runs: LessonRuns, results: Results, height: int) -> "Figure":
    return ledger_entries(_ledger_table(results), measures=("branch_ratio", "rise"), height=height)


def _of_layers(function: str, reference: str) -> Measurement:
    """As the Responses page measures it, so that it is computed once."""
    return Measurement("layers", function, ((reference,),), {"data": "", "images": IMAGES, "statistics": "batch"})


# 10: maps


def _map_networks(runs: LessonRuns) -> list[str]:
    return [runs.shallow, runs.residual[-1], runs.deep]


def _map_method(runs: LessonRuns) -> str:
    return "grad_cam" if dataset(runs.experiment.data).sizes[0] >= COARSE else "integrated_gradients"


def _map_measurements(runs: LessonRuns) -> list[Measurement]:
    references = [reference for name in _map_networks(runs) if (reference := runs.trained(name))]
    question = Question(_map_method(runs))
    return [
        Measurement("attributions", "attribution_map", (reference, picture, question))
        for reference in references
        for picture in PICTURES
    ]


def _maps(runs: LessonRuns, results: Results) -> Finding:
    return findings.maps(results, _map_networks(runs))


def _map_grid(_runs: LessonRuns, results: Results, height: int) -> "Figure":
    return attribution_grid(_map_cells(results), scale="row", height=height)


def _few_maps(results: Results) -> "Figure":
    return map_page(overview_page(_map_cells(results)))


def _map_cells(results: Results) -> list[MapCell]:
    """A row for each network; columns are named after the true classes, if these differ."""
    cells = map_cells(results, "network", "image")
    classes = {cell.column: each.classes[each.label] for cell, each in zip(cells, results, strict=True)}
    if len(set(classes.values())) == len(classes):
        cells = [replace(cell, column=classes[cell.column]) for cell in cells]
    return cells


def _map_facts(runs: LessonRuns) -> dict[str, str]:
    return runs.facts() | {"method": METHODS[_map_method(runs)].title, "pictures": str(len(PICTURES))}


# 11: open questions


def _open(runs: LessonRuns, _: Results) -> Finding:
    seeds = int(runs.report.ends.groupby("network")["seed"].nunique().max())
    return findings.open_questions(published(), deep=runs.residual[-1], steps=runs.experiment.steps, seeds=seeds)


def _by_depth(runs: LessonRuns, _: Results, height: int) -> "Figure":
    """Published test errors of the residual networks of He et al. 2015, and those here if they are of CIFAR-10."""
    table = published()
    rows = table[table["source"].str.startswith((findings.PAPER, REIMPLEMENTATION)) & table["test_error"].notna()]
    rows = rows[["source", "network", "depth", "test_error"]]
    if runs.experiment.data == "cifar10":
        ends = runs.report.ends[runs.report.ends["network"].isin(runs.residual)]
        here = ends.groupby(["network", "depth"], as_index=False)["test_error"].mean()
        rows = pd.concat([rows, here.assign(source="here")], ignore_index=True)
    return error_by_depth(rows, height=height)


def _joined(results: Results) -> pd.DataFrame:
    return pd.concat(results, ignore_index=True)


_LOWER_IS_DEEP = {"reversed": "a", "one_lower": "a", "seen": "b", "one_higher": "b", "one_same": "c", "both_zero": "c"}

_RACE_TERMS = ("plain_network", "degradation", "training_error", "seed", "confidence_interval")

STEPS: tuple[Step, ...] = (
    Step("01-argument", {"argument": "a"}, _argument, _argument_drawing, terms=("plain_network", "depth")),
    Step(
        "02-race",
        _LOWER_IS_DEEP,
        lambda runs, _: findings.depth(runs.report.gaps, "degradation"),
        _race,
        terms=_RACE_TERMS,
    ),
    Step(
        "03-training-error",
        {"overfitting": "a", "not_overfitting": "b", "better": "c"},
        _overfitting,
        _errors,
        terms=("training_error", "test_error", "overfitting"),
    ),
    Step(
        "04-gradients",
        {"vanishing": "a", "healthy": "b", "growing": "c"},
        _gradients,
        _gradient_norms,
        _gradient_measurements,
        terms=("gradient", "vanishing_gradient", "batch_norm"),
    ),
    Step(
        "05-construction",
        {"proof": "a"},
        _proof,
        _proof_errors,
        _construction_measurements,
        terms=("training_error", "test_error"),
    ),
    Step(
        "06-block",
        {"none": "a", "few": "b", "many": "c"},
        _block,
        _block_drawing,
        facts=_block_facts,
        terms=("residual_block", "shortcut", "downsampling", "parameters"),
    ),
    Step(
        "07-residual-race",
        _LOWER_IS_DEEP,
        lambda runs, _: findings.residual_race(runs.report.gaps),
        _residual_race,
        terms=("residual_network", *_RACE_TERMS[1:]),
    ),
    Step(
        "08-responses",
        {"weaker": "a", "stronger": "b", "same": "c"},
        _responses,
        _response_levels,
        _response_measurements,
        terms=("response", "batch_norm"),
    ),
    Step(
        "09-ledger",
        {"more": "a", "less": "b", "same": "c"},
        _ledger,
        _ledger_entries,
        _ledger_measurements,
        terms=("residual_ledger", "residual_block"),
    ),
    Step(
        "10-maps",
        {"apart": "a", "closer": "b", "cannot_tell": "c"},
        _maps,
        _map_grid,
        _map_measurements,
        _map_facts,
        _few_maps,
        terms=("attribution", "grad_cam", "integrated_gradients"),
    ),
    Step(
        "11-open",
        {"deepest_best": "a", "deepest_worse": "b"},
        _open,
        _by_depth,
        terms=("overfitting", "stochastic_depth", "pre_activation"),
    ),
)
