"""Studies of many operations: blocks deleted at random, shuffled, shortcuts weakened, blocks set back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from explorer import progress
from explorer.analysis.lesion_findings import critical_finding, deletions_finding, shuffle_finding, strength_finding
from explorer.compute.client import Call, compute
from explorer.compute.functions import blocks
from explorer.export.views import View
from explorer.figures import Figure, critical_blocks, operated_errors
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.shown import names_of, show_found, show_study
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK
from explorer.ui.widgets.presenting import ONE_BEAT, present

IMAGES = (100, 250, 500, 1000)


@dataclass(frozen=True, slots=True)
class BlockStudy:
    """One study of the error of operated networks.

    Attributes:
        title: in the menu.
        function: in `studies.blocks`.
        images: test images at first.
        figure: from its table; look: its settings.
        finding: what the table says, as a sentence.
        source: what it is, and who did it first.
    """

    title: str
    function: Callable[..., pd.DataFrame]
    images: int
    figure: Callable[..., Figure]
    look: Mapping[str, str]
    finding: Callable[[pd.DataFrame], str]
    source: str


def show_studies(choice: BlocksChoice) -> None:
    """One of the studies, on the networks as they are at the end of their training."""
    with choice.fields:
        name = str(
            st.radio(
                "Operation", list(STUDIES), format_func=lambda each: STUDIES[each].title, key="operation",
                bind="query-params",
            )
        )  # fmt: skip
        study = STUDIES[name]
        images = int(
            st.select_slider("Test images", IMAGES, value=study.images, key=f"{name}-images", bind="query-params")
        )
        present(ONE_BEAT)
    if not choice.networks:
        st.info(CHOOSE_NETWORK)
        return

    def ask(size: int, references: list[str]) -> Call[pd.DataFrame]:
        return compute.ask(study.function, references, data=choice.given, images=size)

    show_study(
        choice.references(),
        [partial(ask, size) for size in progress.sizes(images)],
        study.title,
        lambda table, references: _show(name, table, choice, references, images),
    )


def _show(name: str, table: pd.DataFrame, choice: BlocksChoice, references: Sequence[str], images: int) -> None:
    study = STUDIES[name]
    show_found(
        table,
        partial(study.figure, table, **study.look),
        [study.finding(table)],
        key=f"operations-{name}",
        alt=f"{study.title}: {names_of(table)}.",
        limits=study.source,
        view=View(name, tuple(references), {"data": choice.given, "images": images}, study.look),
    )


STUDIES: dict[str, BlockStudy] = {
    "random": BlockStudy(
        "Delete 1, 2, ... at random",
        blocks.random_lesions,
        250,
        operated_errors,
        {"x": "deleted"},
        deletions_finding,
        "Of the blocks that do not change the shape, 1, 2, ... are deleted, five choices at random for each number "
        "(Veit et al. 2016, arXiv 1605.06431, section 4.2).",
    ),
    "shuffle": BlockStudy(
        "Shuffle",
        blocks.shuffle,
        250,
        operated_errors,
        {"x": "distance"},
        shuffle_finding,
        "Blocks of a stage change places, five orders for each Kendall tau distance: the part of all pairs that stand "
        "in reversed order (Veit et al. 2016, section 4.3, with the distance chosen instead of the number of swaps).",
    ),
    "strength": BlockStudy(
        "Weaken all shortcuts",
        blocks.shortcut_strength,
        500,
        operated_errors,
        {"x": "alpha"},
        strength_finding,
        "All shortcuts of the trained networks are multiplied by alpha; the weights stay as they are. Plain networks "
        "have none and are left out. The preset *Weaker shortcuts* of the Degradation page trains with a factor.",
    ),
    "critical": BlockStudy(
        "Set each block back",
        blocks.critical,
        100,
        critical_blocks,
        {},
        critical_finding,
        "One block at a time gets its weights and norms of an earlier step, or new ones; all others stay (Zhang, "
        "Bengio and Singer 2022, JMLR 23, section 3).",
    ),
}
