"""Linear probes: after which block the class is known, on average and image by image."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import isnan
from typing import Any

import pandas as pd
import streamlit as st

from explorer import glossary
from explorer.analysis.block_findings import place, probe_findings, probed_image_finding
from explorer.analysis.probed_images import Show, ranked_probed_images
from explorer.compute.client import Call, compute
from explorer.compute.functions import probing
from explorer.data.catalogue import MOST_IMAGES, dataset
from explorer.data.pictures import picture, thumbnail
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import StripImage, image_strip, probe_errors
from explorer.results import Probing
from explorer.ui.address import number_in, write_address
from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.shown import names_of, show_found, show_study
from explorer.ui.navigation import page
from explorer.ui.widgets.data_choice import link_to
from explorer.ui.widgets.live_chart import cached_drawing, live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK, Candidate, choose_network

FIRST_IMAGES, NEXT_IMAGES = 100, 400  # training images, before those asked for
FIRST_STRENGTHS = (0.01, 0.1)  # values of C: probes of larger ones take the longest
TRAIN_IMAGES = (500, 1000, 2000, 5000)
TESTED = 2  # training images for each test image
ACROSS = {"relative": "Relative depth", "block": "Blocks"}
SHOWN: dict[Show, str] = {
    "lost": "Right early, wrong at the end",
    "deep": "Need depth",
    "early": "Known early",
    "wrong": "Never right",
}
IN_ROW = 7
MOST_PICTURES = 2 * IN_ROW
ROW_HEIGHT = 160  # pixels: pictures are then as wide as the figure on a small screen
LIMITS = (
    "A probe is a logistic regression on the features averaged over positions: what it misses may still be there in "
    "another form, and what it finds the network need not use. Its regularisation is chosen on held-out training "
    "images. After Alain and Bengio 2016 ([arXiv 1610.01644](https://arxiv.org/abs/1610.01644))."
)


def show_probes(choice: BlocksChoice) -> None:
    """Error of the probes against depth at the moment of the slider, and the images that tell most."""
    with choice.fields:
        across = st.segmented_control(
            "Depth as", ACROSS, format_func=ACROSS.__getitem__, default="relative", required=True, key="probe-depth",
            bind="query-params",
        )  # fmt: skip
        images = st.select_slider(
            "Training images for the probes", TRAIN_IMAGES, value=2000, key="probe-images", bind="query-params",
            help=glossary.explain("linear_probe", note=f"And one test image for each {TESTED}, for the errors."),
        )  # fmt: skip
    if not choice.networks:
        st.info(CHOOSE_NETWORK)
        return

    def at(step: int | None) -> None:
        def ask(count: int, strengths: Sequence[float] | None, references: list[str]) -> Call[Probing]:
            return compute.ask(
                probing.probing,
                references,
                data=choice.given,
                train_images=count,
                test_images=count // TESTED,
                strengths=strengths,
            )

        look: dict[str, Any] = {"x": across}

        def show(found: Probing, references: list[str]) -> None:
            table = found.errors
            by_reference = {
                each.reference(step): each for each in choice.networks if each.reference(step) in references
            }
            show_found(
                table,
                partial(probe_errors, table, **look),
                probe_findings(table),
                key="probes",
                alt=f"Error of linear probes along {names_of(table)}.",
                limits=LIMITS,
                view=View(
                    "probes",
                    tuple(references),
                    {"data": choice.given, "train_images": images, "test_images": images // TESTED},
                    look,
                ),
                scales=repr((across, choice.given, [each.name for each in choice.networks])),
                more=lambda: _show_images(found.images, by_reference, choice),
            )

        first = partial(ask, FIRST_IMAGES, FIRST_STRENGTHS)
        finer = [partial(ask, count, None) for count in (NEXT_IMAGES, images)]
        show_study(choice.references(step), [first, *finer], "Fitting probes", show)

    at_moment(choice.networks, at, choice.fields)


def _show_images(table: pd.DataFrame, by_reference: dict[str, Candidate], choice: BlocksChoice) -> None:
    """The images of one network by what its probes make of them; a click on one leads to its attributions."""
    st.subheader("Image by image", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show = st.segmented_control(
            "Images", SHOWN, format_func=SHOWN.__getitem__, default="lost", required=True, key="probed", wrap=True,
            bind="query-params",
        )  # fmt: skip
        candidate = choose_network(
            list(by_reference.values()), "Network of these images", key="probed-network", index=len(by_reference) - 1
        )
    reference = next(each for each, shown in by_reference.items() if shown is candidate)
    rows, blocks = table[table["reference"] == reference], sum(candidate.config.stage_blocks)
    st.markdown(f"**{in_markdown(candidate.config.name)}.** {in_markdown(probed_image_finding(rows, blocks))}")
    ranked = ranked_probed_images(rows, show=show)
    if ranked.empty:
        st.info("None of these images. Choose others above, or another moment of the training.")
        return
    data = choice.given or candidate.data or choice.data(candidate)
    _strip(ranked.head(MOST_PICTURES), len(ranked), data, candidate)


def _strip(rows: pd.DataFrame, count: int, data: str, candidate: Candidate) -> None:
    shown, blocks = rows.to_dict("records"), sum(candidate.config.stage_blocks)
    numbers = [int(row["index"]) for row in shown]
    chosen = number_in(str(st.query_params.get("probed-image", "")), 0, MOST_IMAGES)
    selected = numbers.index(int(chosen)) if chosen in numbers else None
    height = ROW_HEIGHT * -(-len(shown) // IN_ROW)
    drawing = cached_drawing(
        repr((data, shown, selected)),
        lambda: image_strip(
            [_thumbnail(row, data, blocks) for row in shown], selected=selected, columns=IN_ROW, height=height
        ),
    )
    live_chart(
        drawing,
        key="probed-pictures",
        alt=f"Test images {', '.join(map(str, numbers))}.",
        filename="probed-images",
        on_click=lambda point: _select(numbers, point),
    )
    if selected is None:
        some = f"The first {len(shown)} of {count:,}" if count > len(shown) else f"All {count:,}"
        st.caption(f"{some}. Click on an image to open it in Attributions.")
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        row, classes = shown[selected], dataset(data).classes
        st.markdown(
            f"Test image {numbers[selected]}, {in_markdown(classes[int(row['label'])])}: "
            f"{in_markdown(_depths(row, classes, blocks))}",
            width="stretch",
        )
        link = link_to("folder", data)
        if link is not None:
            st.page_link(
                page("attributions"),
                label="Where does it look?",
                icon=":material/center_focus_strong:",
                query_params={"networks": candidate.name, "image": f"test:{numbers[selected]}"} | link,
            )


def _thumbnail(row: Mapping[Any, Any], data: str, blocks: int) -> StripImage:
    classes, found = dataset(data).classes, picture(f"test:{row['index']}", data=data)
    wrong = row["prediction"] != row["label"]
    return StripImage(
        thumbnail(found),
        classes[row["label"]],
        (found.title, _depths(row, classes, blocks)),
        subtitle=f"→ {classes[row['prediction']]}" if wrong else f"from {place(row['right_from'], blocks)}",
    )


def _depths(row: Mapping[Any, Any], classes: Sequence[str], blocks: int) -> str:
    """What the network predicts, and where probes were right."""
    predicted = f"predicted as {classes[row['prediction']]}"
    if not row["right_points"]:
        return f"{predicted}; no probe is right."
    settled = "" if isnan(row["right_from"]) else f"; all are right from {place(row['right_from'], blocks)} on"
    first = place(row["first_right"], blocks)
    return f"{predicted}; {row['right_points']} probes are right, the first after {first}{settled}."


def _select(numbers: Sequence[int], point: Sequence[int]) -> None:
    write_address("probed-image", str(numbers[int(point[0])]))
