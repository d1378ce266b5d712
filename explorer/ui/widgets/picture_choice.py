"""The picture that networks are shown: a test image, a photograph, or an uploaded file."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.analysis.answers import Show, ranked_images
from explorer.compute.client import compute
from explorer.compute.functions import predictions
from explorer.data.catalogue import DatasetRow, data_status, dataset, known_dataset
from explorer.data.picture_kinds import ENDINGS, missing_reader
from explorer.data.pictures import PHOTOGRAPHS, Picture, keep_upload, picture, thumbnail
from explorer.data.pixels import load_test
from explorer.data.unknown import is_unknown
from explorer.errors import ExplorerError
from explorer.escaping import in_markdown, message_in_markdown
from explorer.figures import StripImage, image_strip
from explorer.ui.address import forget_unless_offered, number_in, write_address
from explorer.ui.errors import show_error
from explorer.ui.widgets.live_chart import cached_drawing, live_chart
from explorer.ui.widgets.network_choice import Candidate
from explorer.ui.widgets.waiting import awaited, combined

IN_STRIP = 8  # pictures
STRIP_HEIGHT = 124  # pixels: eight pictures are then as wide as the figures on a small screen
FIRST, FIRST_PHOTOGRAPH = "test:0", next(iter(PHOTOGRAPHS))
EXAMINED = 500  # test images that networks classify to find mistakes and disagreements
MOST_MEGABYTES = 50
SOURCES = {
    "all": "All test images",
    "wrong": "Wrongly classified",
    "disagree": "Networks disagree",
    "photographs": "Photographs",
    "upload": "Upload",
}
WITHOUT_IMAGES = ("photographs", "upload")  # offered where a data set has no images
ORDERS = {
    "wrong": "sorted by how many networks misclassify them, then by confidence",
    "disagree": "sorted by how many pairs of networks disagree about them",
}


@dataclass(frozen=True, slots=True)
class StripPicture:
    """A picture of the strip.

    Attributes:
        hover: lines of its hover text.
        wrong: how many networks misclassify it; 0 where none was run.
    """

    reference: str
    hover: tuple[str, ...] = ()
    wrong: int = 0


def choose_picture(controls: DeltaGenerator, chosen: Sequence[Candidate], data: str) -> Picture | None:
    """A strip of pictures to choose one from by a click; kept in the address as `image`.

    Args:
        controls: container for the fields.
        chosen: networks whose mistakes and disagreements are offered.
        data: name of the data set whose test images are offered.

    Returns:
        The chosen picture; None where it cannot be read, for the reason shown.
    """
    row = dataset(data)
    if not has_images(data):
        st.caption(
            f"{_missing(row)}: photographs and uploads can be explained. For mistakes and "
            "disagreements, add a folder of pictures on the Data page, and choose it here."
        )
    source, label = _source_and_class(controls, row, data)
    order = ""
    if source == "upload":
        with controls:
            kept = _upload()
        if not kept:
            return None
    elif source == "photographs":
        _strip([StripPicture(name, (title,)) for name, title in PHOTOGRAPHS.items()], data, str(source))
    elif source:
        offers = _all(data, label) if source == "all" else _answered(str(source), chosen, data, label)
        if offers is not None:
            _strip(offers, data, str(source))
            if source in ORDERS:
                order = f"{len(offers):,} of {min(EXAMINED, row.test_images)} test images, {ORDERS[str(source)]}. "
    try:
        found = picture(selected_picture(data), data=data)
    except ExplorerError as error:
        show_error(str(error))
        return None
    if source == "upload" and found.reference.startswith("upload:"):
        _strip([StripPicture(found.reference)], data, str(source))
    st.caption(order + _described(found, row.classes))
    return found


def classes_known(data: str) -> bool:
    """Whether the classes of a data set are known, which is enough for pictures of one's own; else shows the reason."""
    if known_dataset(data) is None:
        st.info(f"{in_markdown(data_status(data).detail)} Choose other networks.")
        return False
    return True


def has_images(data: str) -> bool:
    """Whether it has test images, and they are on this machine."""
    return dataset(data).test_images > 0 and data_status(data).available


def _missing(row: DatasetRow) -> str:
    if is_unknown(row.name):
        return "Which images the network was trained on is not known"
    if row.archive is not None:
        return f"{row.title} is not on this machine, and can be downloaded on the Data page"
    return f"{in_markdown(row.title)}'s images are not on this machine"


def _source_and_class(controls: DeltaGenerator, row: DatasetRow, data: str) -> tuple[str, int | None]:
    """Fields for a name in `SOURCES` and a class of the test images; None for any."""
    sources = [name for name in SOURCES if name in WITHOUT_IMAGES or has_images(data)]
    forget_unless_offered("pictures", sources)
    with controls:
        source = st.segmented_control(
            "Pictures", sources, format_func=SOURCES.__getitem__, default=sources[0], required=True, key="pictures",
            bind="query-params", wrap=True,
        )  # fmt: skip
        label = None
        if source in ("all", "wrong", "disagree"):
            labels = np.unique(load_test(data).labels)  # a folder need not have all of ImageNet's classes
            classes = [row.classes[number] for number in labels]
            named = st.selectbox(
                "Class", ["any", *classes], key="class", bind="query-params", width=150, on_change=_first_page
            )
            label = None if named in (None, "any") else row.classes.index(str(named))
    return str(source), label


def _described(found: Picture, classes: Sequence[str]) -> str:
    title = in_markdown(found.title)
    if found.label is not None:
        return f"Picture: {title}, class {in_markdown(classes[found.label])}."
    return f"Picture: {title}. Networks assign it one of their {len(classes)} classes, whatever it shows."


def selected_picture(data: str) -> str:
    """The reference chosen last, unless it is a test image past the end of this data set."""
    images = dataset(data).test_images if has_images(data) else 0
    reference = str(st.query_params.get("image", st.session_state.get("image", FIRST)))
    kind, _, number = reference.partition(":")
    beyond = kind == "test" and number_in(number, 0, images - 1) is None
    return (FIRST if images else FIRST_PHOTOGRAPH) if beyond else reference


def select_picture(reference: str) -> None:
    """Choose a picture elsewhere than in the strip, which then shows it."""
    st.session_state.pop("pictures_source", None)
    _select(reference)


def _select(reference: str) -> None:
    st.session_state.image = reference
    write_address("image", reference)


def _first_page() -> None:
    st.session_state.pictures_from = 0


def _all(data: str, label: int | None) -> list[StripPicture]:
    labels = load_test(data).labels
    return [StripPicture(f"test:{index}") for index in range(len(labels)) if label is None or labels[index] == label]


def _answered(show: str, chosen: Sequence[Candidate], data: str, label: int | None) -> list[StripPicture] | None:
    """Test images that the chosen networks misclassify or disagree about; None without predictions."""
    answers = [
        compute.ask(predictions.predictions, (each.reference(None),), data=data, images=EXAMINED) for each in chosen
    ]
    table = combined(awaited(answers, f"Classifying {EXAMINED} test images"))
    if table is None:
        return None
    kind: Show = "wrong" if show == "wrong" else "disagree"
    found = ranked_images(table, show=kind, label=label)
    said = {index: tuple(_said(rows, data)) for index, rows in table.groupby("index")}
    return [
        StripPicture(f"test:{row['index']}", said[row["index"]], int(row["wrong"])) for row in found.to_dict("records")
    ]


def _said(rows: pd.DataFrame, data: str) -> list[str]:
    classes = dataset(data).classes
    return [
        f"{row['network']}: {classes[row['prediction']]} ({100 * row['probability']:.0f} %)"
        for row in rows.to_dict("records")
    ]


def _strip(offers: Sequence[StripPicture], data: str, source: str) -> None:
    """Ten of the pictures, those around the selected one until the reader turns the pages."""
    if not offers:
        st.info("No test image matches. Choose another class, or other networks.")
        return
    references = [each.reference for each in offers]
    if st.session_state.get("pictures_source") != (data, source):
        st.session_state.pictures_source = data, source
        place = references.index(selected_picture(data)) if selected_picture(data) in references else 0
        st.session_state.pictures_from = place - place % IN_STRIP
    start = min(int(st.session_state.get("pictures_from", 0)), len(offers) - 1)
    start -= start % IN_STRIP
    shown = offers[start : start + IN_STRIP]
    here = [each.reference for each in shown]
    where = f"{start + 1:,} to {start + len(shown):,} of {len(offers):,} shown"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _turn(start - IN_STRIP, ":material/chevron_left:", f"Previous pictures; {where}", disabled=start == 0)
        with st.container(width="stretch"):
            selected = here.index(selected_picture(data)) if selected_picture(data) in here else None
            drawing = cached_drawing(
                repr((data, shown, selected)),
                lambda: image_strip(
                    [_thumbnail(each, data) for each in shown], selected=selected, columns=IN_STRIP, height=STRIP_HEIGHT
                ),
            )
            live_chart(
                drawing,
                key="pictures_strip",
                alt=f"Pictures to choose from: {', '.join(here)}.",
                filename="pictures",
                on_click=lambda point: _select(here[int(point[0])]),
            )
        at_end = start + IN_STRIP >= len(offers)
        _turn(start + IN_STRIP, ":material/chevron_right:", f"Next pictures; {where}", disabled=at_end)


def _turn(to: int, icon: str, words: str, *, disabled: bool) -> None:
    if st.button("", icon=icon, key=f"turn {icon}", help=words, disabled=disabled, type="tertiary"):
        st.session_state.pictures_from = max(0, to)
        st.rerun()


def _thumbnail(offer: StripPicture, data: str) -> StripImage:
    found = picture(offer.reference, data=data)
    title = dataset(data).classes[found.label] if found.label is not None else found.title.partition(" (")[0]
    return StripImage(thumbnail(found), title, (found.title, *offer.hover), wrong=offer.wrong > 0)


def _upload() -> bool:
    """A field for a file; False if the file given cannot be read, for the reason shown."""
    given = st.file_uploader(
        "A picture (PNG, JPEG, WebP, BMP and others). It stays on this machine; its central square is scaled to the "
        "networks' image size.",
        type=[ending[1:] for ending in ENDINGS if not missing_reader(ending)],
        max_upload_size=MOST_MEGABYTES,
        key="picture_file",
    )
    if given is None:
        return True
    if st.session_state.get("picture_kept") != given.file_id:
        try:
            _select(keep_upload(given.getvalue()))
        except ExplorerError as error:
            st.error(message_in_markdown(str(error)), icon=":material/broken_image:")
            return False
        st.session_state.picture_kept = given.file_id
    return True
