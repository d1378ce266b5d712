"""Networks, test images and crops that the Evaluate page evaluates, and the evaluations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from explorer import glossary
from explorer.compute.client import Call, compute
from explorer.compute.functions import evaluations
from explorer.data.catalogue import data_status, dataset, ten_crops_caveat
from explorer.errors import ExplorerError
from explorer.escaping import in_markdown, message_in_markdown
from explorer.export.views import View
from explorer.results import Evaluation, Part, part_table
from explorer.runs.checkpoint_facts import data_of_untrained
from explorer.ui import wording
from explorer.ui.address import forget_unless_offered
from explorer.ui.navigation import page
from explorer.ui.widgets.data_choice import AS_TRAINED, choose_data
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK, Candidate, choose_networks
from explorer.ui.widgets.waiting import awaited, show_failure

IMAGES = {200: "200", 500: "500", 1000: "1,000", 2000: "2,000", 5000: "5,000", 0: "All"}
FIRST_IMAGES = 1000  # with 20 layers on CIFAR-10 this takes a second or two on two cores
PERCENT = "%.2f %%"  # of columns
CROPS = {1: "1 crop", 10: "10 crops"}
percent = partial(wording.percent, digits=2)  # the precision that ten thousand images allow


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationChoice:
    """What is evaluated.

    Attributes:
        chosen: networks by reference, each at its last step.
        data: name of the data set for all; empty for the one that each was trained on.
        images: number of test images; None for the whole test set.
        crops: per image, 1 or 10.
        data_of_untrained: name of the data set for untrained networks.
    """

    chosen: dict[str, Candidate]
    data: str
    images: int | None
    crops: int
    data_of_untrained: str

    def data_for(self, candidate: Candidate) -> str:
        """Data set of a network's images; empty for the one it was trained on."""
        return self.data if candidate.data else self.data_of_untrained

    @property
    def names(self) -> dict[str, str]:
        """Names for the page; labels where several networks have the same name."""
        short = [each.config.name for each in self.chosen.values()]
        return {
            reference: each.config.name if short.count(each.config.name) == 1 else each.label
            for reference, each in self.chosen.items()
        }

    def view(self, kind: str, part: Part, *references: str, **look: object) -> View:
        """A table of all these networks, or only of some.

        Args:
            kind: in `export.computations`; part: of the evaluations, see `studies.evaluations.table`.
            look: settings of the figure.
        """
        crops = self.crops if self.crops > 1 else None
        settings = {"part": part, "data": self.data, "images": self.images, "crops": crops}
        return View(kind, references or tuple(self.chosen), settings, look)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """The evaluations of a choice.

    Attributes:
        found: one for each network that could be evaluated.
    """

    choice: EvaluationChoice
    found: tuple[Evaluation, ...]

    def table(self, part: Part) -> pd.DataFrame:
        """A part of all evaluations as a table, such as "class_errors", after `tables.MEASURED_KEYS`."""
        return part_table(self.found, part)

    def of(self, each: Evaluation, part: Part) -> pd.DataFrame:
        """The same of one evaluation."""
        return part_table([each], part)

    def name(self, each: Evaluation) -> str:
        """The network's name for the page."""
        return self.choice.names[each.reference]


def evaluate(choice: EvaluationChoice, show_some: Callable[[Evaluated], None] | None = None) -> Evaluated | None:
    """The evaluations of a choice; None where there are none, for the reason shown.

    Args:
        choice: what to evaluate.
        show_some: draws the first evaluations while the others are computed.
    """
    if not _available(choice):
        return None

    def show_ended(calls: Sequence[Call[Evaluation]]) -> None:
        if show_some is not None and (found := tuple(each.value for each in calls if each.failure is None)):
            show_some(Evaluated(choice, found))

    calls = awaited(
        [
            compute.ask(
                evaluations.evaluation, reference, data=choice.data_for(each), images=choice.images, crops=choice.crops
            )
            for reference, each in choice.chosen.items()
        ],
        "Evaluating networks",
        show_ended,
    )
    found = tuple(call.value for call in calls if not show_failure(call))
    return Evaluated(choice, found) if found else None


def choose_evaluation() -> EvaluationChoice | None:
    """Fields for the choice; None where no network is chosen, which is said."""
    chosen = {each.reference(None): each for each in choose_networks()}
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    data = choose_data(controls, "data", AS_TRAINED)
    with controls:
        images = int(
            st.selectbox(
                "Test images", list(IMAGES), format_func=IMAGES.__getitem__, index=list(IMAGES).index(FIRST_IMAGES),
                key="images", bind="query-params", width=120, help="Class-balanced, always the same images.",
            )
        )  # fmt: skip
        crops = st.segmented_control(
            "Crops per image", list(CROPS), format_func=CROPS.__getitem__, default=1, required=True, key="crops",
            bind="query-params",
            help=glossary.explain("ten_crops", note="10 crops take ten times as long."),
        )  # fmt: skip
    if not chosen:
        st.info(CHOOSE_NETWORK)
        return None
    return EvaluationChoice(chosen, data, images or None, int(crops or 1), data_of_untrained(chosen, data))


def _available(choice: EvaluationChoice) -> bool:
    """Whether there are images for any of the networks; else shows what to do."""
    needed = dict.fromkeys(choice.data_for(each) or each.data for each in choice.chosen.values())
    details = []
    for name in needed:
        try:
            status = data_status(name)
        except ExplorerError as error:
            details.append(str(error))
        else:
            details += [] if status.available else [status.detail]
    if len(details) < len(needed):
        return True
    for detail in details:
        st.info(message_in_markdown(detail))
    st.page_link(page("data"), label="To the Data page", icon=":material/arrow_forward:")
    return False


def show_what_is_measured(evaluated: Evaluated) -> None:
    """The images that are measured on, and what ± means."""
    texts = []
    for name in dict.fromkeys(each.data for each in evaluated.found):
        row = dataset(name)
        images = next(each.images for each in evaluated.found if each.data == name)
        whole = images == row.test_images
        title = in_markdown(row.title)
        texts.append(
            f"{'all ' if whole else ''}{images:,}{'' if whole else f' of {row.test_images:,}'} test images of "
            f"{ten_crops_caveat(title) if evaluated.choice.crops > 1 and not row.augment else title}"
        )
    st.caption(
        f"Measured on {'; '.join(texts)}. ± is the standard error: the error of another sample of this size would "
        "differ by about this much."
    )


def choose_one(evaluated: Evaluated) -> Evaluation:
    """A field for one of the evaluated networks, kept in the address as `network`."""
    names = {evaluated.choice.chosen[each.reference].name: each for each in evaluated.found}
    forget_unless_offered("network", names)
    name = st.selectbox(
        "Network", list(names), format_func=lambda each: evaluated.name(names[each]), key="network",
        bind="query-params", width=330,
    )  # fmt: skip
    return names[str(name)]
