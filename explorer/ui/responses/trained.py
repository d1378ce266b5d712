"""Studies of chosen networks at one moment: responses, residual ledger, gradients."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import glossary
from explorer.analysis.layer_findings import gradient_finding, ledger_finding
from explorer.analysis.response_claims import Claim, response_claims
from explorer.compute.client import Call, compute
from explorer.compute.functions import layers
from explorer.data.catalogue import DatasetRow, dataset, known_dataset, no_training_images
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import Figure, gradient_norms, ledger_entries, response_distribution, response_levels
from explorer.figures.layer_measures import BLOCK_MEASURES, GRADIENT_MEASURES, RESPONSE_MEASURES, LayerMeasure
from explorer.models.size import layer_table
from explorer.runs.checkpoint_facts import data_of_untrained
from explorer.ui.widgets.data_choice import AS_TRAINED, choose_data
from explorer.ui.widgets.drawing import LayerChoice, choose_layer, drawing, select
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK, Candidate
from explorer.ui.widgets.presenting import is_presenting, stage
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, combined

IMAGES = (50, 100, 250, 500, 1000)
FIRST_IMAGES = 100  # four networks then take two seconds on two cores
EXPLAINED = {
    "responses": "response",
    "ledger": "residual_ledger",
    "gradients": "gradient",
}  # study: term of its measures
CLAIM_ICONS = {
    "as_published": ":green[:material/check:]",
    "opposite": ":orange[:material/close:]",
    "no_difference": ":gray[:material/remove:]",
}


@dataclass(frozen=True, slots=True)
class Options:
    """How a study measures and draws.

    Attributes:
        measure: column of the study's table for the drawing's colours, and for a figure that shows one only.
        images: number of images to measure on.
        data: name of their data set; empty for the one that each network was trained on.
        statistics: "batch" or "running", for batch norm; empty where the study has no choice.
        relative: the x axis is relative depth.
        log_y: logarithmic axis.
    """

    measure: str
    images: int
    data: str
    statistics: str = ""
    relative: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Study:
    """One kind of measurement.

    Attributes:
        title: in the menu.
        function: in `studies.layers`.
        measures: of its table.
        question: what it answers.
        figure: from its table, at the selected layer.
        look: settings of the figure.
        finding: what its table says, the rest of a sentence; empty where it says nothing.
    """

    title: str
    function: Callable[..., pd.DataFrame]
    measures: Mapping[str, LayerMeasure]
    question: str
    figure: Callable[[pd.DataFrame, Options, LayerChoice], Figure]
    look: Callable[[Options], dict[str, Any]]
    finding: Callable[[pd.DataFrame], str]


def show_study(name: str, chosen: Sequence[Candidate], fields: DeltaGenerator) -> None:
    """A study of the chosen networks at the moment of the slider, with its options in `fields`."""
    found = STUDIES[name]
    with fields:
        options = _options(name, found)
    if not chosen:
        st.info(CHOOSE_NETWORK)
        return

    def show(step: int | None) -> None:
        at = {each.reference(step): each for each in chosen}
        table = combined(awaited([_ask(found.function, each, at, options) for each in at], "Measuring networks"))
        if table is not None:
            _show(name, table, at, options)

    at_moment(chosen, show, fields)


def _options(name: str, found: Study) -> Options:
    """The fields; those rarely changed are in a popover."""
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    with controls:
        measure = st.segmented_control(
            "Measure",
            list(found.measures),
            format_func=lambda each: found.measures[each].title,
            default=next(iter(found.measures)),
            required=True,
            key=f"{name}-measure",
            bind="query-params",
            wrap=True,
            help=glossary.explain(EXPLAINED[name]),
        )
    data = choose_data(controls, "study-data", AS_TRAINED)
    with controls, st.popover("Options", icon=":material/tune:"):
        images = st.select_slider("Images", IMAGES, value=FIRST_IMAGES, key=f"{name}-images", bind="query-params")
        if name == "gradients":
            return Options(str(measure), images, data)
        running = st.toggle(
            "Batch norm in evaluation mode",
            key=f"{name}-running",
            bind="query-params",
            help=glossary.explain("running_statistics", note="By default the statistics of the images are used."),
        )
        relative = st.toggle("Align stages", key=f"{name}-relative", bind="query-params")
        log_y = name == "responses" and st.toggle("Log y", key="responses-log", bind="query-params")
    return Options(str(measure), images, data, "running" if running else "batch", relative, log_y)


def _ask(
    function: Callable[..., pd.DataFrame],
    reference: str,
    at: Mapping[str, Candidate],
    options: Options,
    *arguments: Any,
) -> Call[pd.DataFrame]:
    """One network's table, a call of its own, so that it is found in the cache."""
    data = options.data if at[reference].data else data_of_untrained(at, options.data)
    given = {"statistics": options.statistics} if options.statistics else {}
    return compute.ask(function, (reference,), *arguments, data=data, images=options.images, **given)


def _show(name: str, table: pd.DataFrame, at: Mapping[str, Candidate], options: Options) -> None:
    found = STUDIES[name]
    measured = [each for each in at if each in set(table["reference"])]
    chart = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        drawn = measured[-1]
        if len(measured) > 1:
            names = {at[each].name: each for each in measured}
            name_drawn = st.selectbox(
                "Network drawn below",
                list(names),
                index=len(names) - 1,
                format_func=lambda each: at[names[each]].label,
                key="drawn",
                width=340,
            )
            drawn = names[name_drawn]
        choice = choose_layer(at[drawn].config)
    draw = partial(found.figure, table, options, choice)
    with chart, stage(_sentence(name, table)):
        live_chart(
            draw(),
            key=f"study-{name}",
            alt=f"{found.title} of {', '.join(table['network'].unique())}, layer by layer.",
            filename=name,
            on_click=lambda point: _select_clicked(point, at),
            scales=repr((name, options, [each.name for each in at.values()])),
        )
    settings = {"data": options.data, "images": options.images, "statistics": options.statistics}
    view = View(name, tuple(at), settings, found.look(options), text=(found.question, _sentence(name, table)))
    with chart:
        take_along(view, table, draw, name=name, chart=f"study-{name}")
        _note_test_images(name, options)
        _note_photographs(name, [at[each] for each in measured], options)
        if name == "responses" and options.measure == "response_std":
            st.caption(
                "A batch norm brings its responses to a spread of about its own scale, γ, which is one before "
                "training: what differs here is how training has set the scales."
            )
            _claims(table)
    with st.container(border=True):
        drawing(
            at[drawn].config,
            values=table[table["reference"] == drawn],
            column=options.measure,
            measure=found.measures[options.measure],
            image_size=_side(at[drawn], dataset(data_of_untrained(at, options.data))),
        )
    if name == "responses" and choice.layer is not None:
        _distribution(choice.layer, at, options)


def _sentence(name: str, table: pd.DataFrame) -> str:
    """Of a presentation: the moment, and what was measured then."""
    steps = sorted({int(step) for step in table["step"].dropna()})
    moment = f"Step {steps[-1]:,}" if steps else STUDIES[name].title
    found = STUDIES[name].finding(table)
    return f"{moment}: {found}." if found else f"{moment}: {STUDIES[name].title.lower()} layer by layer"


def _first_claim(table: pd.DataFrame) -> str:
    return next((each.sentence.rstrip(".") for each in _found_claims(table)), "")


def _side(shown: Candidate, row: DatasetRow) -> int:
    """Image size that a network takes; pictures of any size are scaled to that of its training."""
    own = shown.config.image_size if row.any_size else row.sizes[0]
    return shown.image_size or own


def _note_test_images(name: str, options: Options) -> None:
    """A note where a study of training images has to take test images."""
    row = dataset(options.data) if options.data else None
    if name != "responses" and row is not None and not row.train_images:
        st.caption(f"Measured on test images: {in_markdown(no_training_images(row.title))}")


def _note_photographs(name: str, measured: Sequence[Candidate], options: Options) -> None:
    """A note where networks whose images are not known are shown photographs."""
    without = [each for each in measured if not options.data and each.data and not _has_images(each.data)]
    if name == "responses" and without:
        labels = ", ".join(in_markdown(each.label) for each in without)
        st.caption(
            f"Measured on crops of two photographs, since the images of these networks are not here: {labels}. Choose "
            "the data above to measure on others."
        )


def _has_images(data: str) -> bool:
    row = known_dataset(data)
    return row is not None and row.test_images > 0


def _select_clicked(point: Sequence[Any], at: Mapping[str, Candidate]) -> None:
    """Select the clicked layer; for a block its last one, whose output is added."""
    number, name, stage, block, reference, *_ = point
    layers = layer_table(at[reference].config)
    if name not in set(layers["name"]):
        number = layers.loc[(layers["stage"] == stage) & (layers["block"] == block), "layer"].max()
    select(int(number))


def _found_claims(table: pd.DataFrame) -> list[Claim]:
    return response_claims(table[table["step"].fillna(1) > 0].drop_duplicates(["network", "layer"]))


def _claims(table: pd.DataFrame) -> None:
    """The claims of figure 7, and whether they hold here."""
    found = _found_claims(table)
    if not found:
        return
    with st.expander("Does it agree with figure 7 of He et al. 2015?", icon=":material/fact_check:", expanded=True):
        lines = [f"- {CLAIM_ICONS[each.outcome]} {each.sentence}" for each in found]
        st.markdown("Mean response std over the layers:\n" + "\n".join(lines))
        if all(each.outcome == "no_difference" for each in found):
            st.caption("This training is too short to have changed the scales: it leaves the question open.")


def _distribution(layer: int, at: Mapping[str, Candidate], options: Options) -> None:
    """The response distribution of the selected layer, in every network that has it."""
    deep = [each for each in at if at[each].config.depth >= layer]
    answers = [_ask(layers.response_histogram, each, at, options, layer) for each in deep]
    table = combined(awaited(answers, "Computing histograms"))
    if table is not None:
        names = ", ".join(table["network"].unique())
        live_chart(
            response_distribution(table),
            key="distribution",
            alt=f"Distribution of the responses of layer {layer} of {names}.",
            filename=f"responses-layer-{layer}",
        )


def _responses(table: pd.DataFrame, options: Options, choice: LayerChoice) -> Figure:
    return response_levels(table, **_responses_look(options), selected=choice.layer)


def _responses_look(options: Options) -> dict[str, Any]:
    return {"measure": options.measure, "log_y": options.log_y, "x": "relative" if options.relative else "layer"}


def _ledger(table: pd.DataFrame, options: Options, choice: LayerChoice) -> Figure:
    return ledger_entries(table, **_ledger_look(options), selected=choice.block)


def _ledger_look(options: Options) -> dict[str, Any]:
    measures = [options.measure] if is_presenting() else [*STUDIES["ledger"].measures]  # one can be read from afar
    return {"measures": measures, "x": "relative" if options.relative else "block"}


def _gradients(table: pd.DataFrame, options: Options, choice: LayerChoice) -> Figure:
    return gradient_norms(table, **_gradients_look(options))


def _gradients_look(options: Options) -> dict[str, Any]:
    return {"measure": options.measure}


STUDIES: dict[str, Study] = {
    "responses": Study(
        title="Responses",
        function=layers.response_std,
        measures=RESPONSE_MEASURES,
        question="How strongly does each layer respond, after its batch norm and before the addition or the ReLU? In "
        "He et al. 2015, figure 7, residual networks respond less than plain ones, and deeper ones less per layer: "
        "each block changes its input little.",
        figure=_responses,
        look=_responses_look,
        finding=_first_claim,
    ),
    "ledger": Study(
        title="Residual ledger",
        function=layers.residual_ledger,
        measures={name: BLOCK_MEASURES[name] for name in ("branch_ratio", "cosine", "gamma", "shortcut_share")},
        question="What does each block add to its input: how much, |F(x)| compared with |x|, and in which direction? "
        "And does the gradient flow back through the shortcut or through the branch? Within a stage, blocks should add "
        "less and less (Greff et al. 2017, arXiv 1612.07771).",
        figure=_ledger,
        look=_ledger_look,
        finding=ledger_finding,
    ),
    "gradients": Study(
        title="Gradients",
        function=layers.gradient_profile,
        measures=GRADIENT_MEASURES,
        question="Does the training signal reach the first layers? The norm of the loss gradient of each layer's "
        "weights and responses, the median over five batches of training images. The axis spans at least six decades, "
        "so a flat profile looks flat.",
        figure=_gradients,
        look=_gradients_look,
        finding=gradient_finding,
    ),
}
