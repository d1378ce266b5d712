"""Misclassified images: confusions of classes, and the most confident mistakes."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from explorer.analysis.confusion import confused_pairs
from explorer.analysis.evaluated import images_of
from explorer.data.catalogue import MOST_IMAGES
from explorer.data.pictures import picture, thumbnail
from explorer.escaping import in_markdown
from explorer.figures import StripImage, confusion_matrix, image_strip
from explorer.results import Evaluation
from explorer.ui.address import number_in, write_address
from explorer.ui.evaluate.choice import Evaluated, choose_one, percent
from explorer.ui.navigation import page
from explorer.ui.widgets.data_choice import link_to
from explorer.ui.widgets.live_chart import cached_drawing, live_chart
from explorer.ui.widgets.take_along import take_along

IN_ROW = 7  # so that the longest class name of CIFAR-10 fits with a probability
MOST_PICTURES = 3 * IN_ROW


def show_confusions(evaluated: Evaluated) -> None:
    """The confusion matrix; a click on a field shows its images."""
    each = choose_one(evaluated)
    classes, counts = each.classes, each.confusion
    draw = partial(confusion_matrix, counts, classes)
    live_chart(
        draw(),
        key="confusion",
        alt=f"How many images of each class {evaluated.name(each)} gives each class.",
        filename="confusion",
        on_click=_select_cell,
    )
    cell = _cell(counts, len(classes))
    if cell is None:
        st.caption("No misclassified images. Click on a field to see its images.")
    else:
        label, prediction = cell
        rows = images_of(each.predictions, label, prediction)
        what = (
            f"{classes[label]}, correctly classified"
            if label == prediction
            else f"{classes[label]}, predicted as {classes[prediction]}"
        )
        st.markdown(f"**{in_markdown(what)}: {_counted(len(rows))}** Click on another field for its images.")
        _show_pictures(rows, each, evaluated)
    view = evaluated.choice.view("confusions", "confusion", each.reference, classes=classes)
    take_along(view, evaluated.of(each, "confusion"), draw, name="confusion", chart="confusion")


def show_mistakes(evaluated: Evaluated) -> None:
    """The misclassified images of a network, most confident mistakes first."""
    each = choose_one(evaluated)
    rows = each.mistakes
    if rows.empty:
        st.info("None of these images is misclassified.")
        return
    wrong = round(each.error * each.images)
    st.markdown(f"**The {min(wrong, MOST_PICTURES)} most confident of {wrong:,} mistakes.**")
    _show_pictures(rows, each, evaluated)
    chosen = [_thumbnail(row, each) for row in rows.head(MOST_PICTURES).to_dict("records")]
    view = evaluated.choice.view("mistakes", "mistakes", each.reference)
    table = evaluated.of(each, "mistakes")
    take_along(view, table, lambda: image_strip(chosen, columns=IN_ROW), name="mistakes", chart="evaluated-pictures")


def _show_pictures(rows: pd.DataFrame, each: Evaluation, evaluated: Evaluated) -> None:
    """The first images of a table of answers; a click on one shows all predictions for it.

    Args:
        rows: `tables.EVALUATED`.
        each: their evaluation.
        evaluated: all evaluations.
    """
    if rows.empty:
        st.info("None of the evaluated images is in this field. Click on another field.")
        return
    shown = rows.head(MOST_PICTURES).to_dict("records")
    numbers = [row["index"] for row in shown]
    selected = numbers.index(_shown()) if _shown() in numbers else None
    drawing = cached_drawing(
        repr((each.data, each.reference, shown, selected)),
        lambda: image_strip([_thumbnail(row, each) for row in shown], selected=selected, columns=IN_ROW),
    )
    live_chart(
        drawing,
        key="evaluated-pictures",
        alt=f"Test images {', '.join(map(str, numbers))}.",
        filename="pictures",
        on_click=lambda point: _select_picture(numbers[int(point[0])]),
    )
    if selected is None:
        st.caption("Click on an image to see what each network predicts.")
    else:
        _card(numbers[selected], each, evaluated)


def _thumbnail(row: Mapping[Any, Any], each: Evaluation) -> StripImage:
    classes = each.classes
    found = picture(f"test:{row['index']}", data=each.data)
    predicted = f"{classes[row['prediction']]} {100 * row['probability']:.0f} %"
    right = row["prediction"] == row["label"]
    return StripImage(
        thumbnail(found),
        predicted if right else classes[row["label"]],
        (found.title, f"is {classes[row['label']]}: {percent(row['label_probability'])}", f"predicted: {predicted}"),
        subtitle="" if right else f"→ {predicted}",
    )


def _card(number: int, each: Evaluation, evaluated: Evaluated) -> None:
    """What all networks of its data set predict for an image, and a link to attribution maps."""
    alike = [other for other in evaluated.found if other.data == each.data]
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        lines = [
            f"**{in_markdown(evaluated.name(other))}** {_answer(row, other.classes)}"
            for other in alike
            for row in other.predictions[other.predictions["index"] == number].to_dict("records")
        ]
        st.markdown(f"Test image {number}: " + "; ".join(lines), width="stretch")
        link = link_to("folder", each.data)
        if link is not None:
            names = [evaluated.choice.chosen[other.reference].name for other in alike]
            st.page_link(
                page("attributions"),
                label="Where do they look?",
                icon=":material/center_focus_strong:",
                query_params={"networks": ",".join(names), "image": f"test:{number}"} | link,
            )


def _answer(row: Mapping[Any, Any], classes: Sequence[str]) -> str:
    mark = "✓" if row["prediction"] == row["label"] else "✗"
    return f"{mark} {in_markdown(classes[row['prediction']])} {100 * row['probability']:.1f} %"


def _counted(count: int) -> str:
    return (
        f"{count:,} images." if count <= MOST_PICTURES else f"the {MOST_PICTURES} most confident of {count:,} images."
    )


def _cell(counts: pd.DataFrame, classes: int) -> tuple[int, int] | None:
    """The field that is selected, else the most frequent mistake; None where there is none."""
    label, _, prediction = str(st.query_params.get("cell", st.session_state.get("cell", ""))).partition("-")
    if label in map(str, range(classes)) and prediction in map(str, range(classes)):
        return int(label), int(prediction)
    pairs = confused_pairs(counts)
    return None if pairs.empty else (int(pairs["label"][0]), int(pairs["prediction"][0]))


def _select_cell(point: Sequence[int]) -> None:
    _remember("cell", f"{int(point[0])}-{int(point[1])}")


def _shown() -> int | None:
    text = str(st.query_params.get("shown", st.session_state.get("shown", "")))
    found = number_in(text, 0, MOST_IMAGES)
    return None if found is None else int(found)


def _select_picture(number: int) -> None:
    _remember("shown", str(number))


def _remember(name: str, value: str) -> None:
    """Keep a value in the address, and in the session for when the reader returns from another page."""
    st.session_state[name] = value
    write_address(name, value)
