"""Reliability, the errors of classes, and the agreement of networks."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.errors import UnknownName
from explorer.figures import class_errors, member_agreement, reliability_diagram, theme
from explorer.figures.evaluation.by_class import MOST_CLASSES

NETWORKS = [("p@9", "plain20", "plain", 20, 9), ("r@9", "resnet20", "residual", 20, 9)]


def measured(rows, columns):
    """The same rows for both networks."""
    table = pd.DataFrame(rows, columns=columns)
    return pd.concat(
        [table.assign(**dict(zip(tables.MEASURED_KEYS, keys, strict=True))) for keys in NETWORKS], ignore_index=True
    )


@pytest.fixture
def bins():
    rows = [(0.0, 0.5, 0, np.nan, np.nan), (0.5, 0.75, 25, 0.6, 0.8), (0.75, 1.0, 75, 0.9, 0.7)]
    return measured(rows, tables.CALIBRATION)


@pytest.fixture
def errors():
    rows = [(0, "cat", 100, 30, 0.3, 90, "dog", 20), (1, "dog", 100, 0, 0.0, 110, "", 0)]
    return measured(rows, tables.CLASS_ERRORS)


@pytest.fixture
def pairs():
    return pd.DataFrame([("a", "b", 0.9, 0.05, 0.02), ("a", "c", 0.8, 0.1, 0.03), ("b", "c", 0.7, 0.2, 0.04)],
                        columns=tables.MEMBER_PAIRS)  # fmt: skip


def traces(figure):
    return {trace.uid: trace for trace in figure.data}


def test_accuracy_stands_over_confidence_and_empty_bins_are_left_out(bins):
    found = traces(reliability_diagram(bins))["r-9-9-right"]
    np.testing.assert_allclose(found.x, [60, 90], rtol=1e-6)
    np.testing.assert_allclose(found.y, [80, 70], rtol=1e-6)
    assert found.marker.size[1] > found.marker.size[0]


def test_the_accuracy_of_few_images_is_left_out(bins):
    few = bins.assign(images=[0, 9, 10] * 2)
    found = traces(reliability_diagram(few))
    np.testing.assert_allclose(found["r-9-9-right"].y, [np.nan, 70], rtol=1e-6)
    assert len(found["r-9-9-images"].y) == 2


def test_beside_it_is_how_many_images(bins):
    found = traces(reliability_diagram(bins))
    np.testing.assert_allclose(found["r-9-9-images"].y, [25, 75])
    assert found["r-9-9-images"].yaxis == "y2"
    assert reliability_diagram(bins).layout.yaxis2.type == "log"


def test_the_diagonal_is_where_a_network_is_as_often_right_as_it_says(bins):
    diagonal = traces(reliability_diagram(bins))["diagonal"]
    assert list(diagonal.x) == list(diagonal.y)


def test_a_network_is_named_once(bins):
    named = [trace.name for trace in reliability_diagram(bins).data if trace.showlegend]
    assert named == ["plain20", "resnet20"]


def test_the_hardest_class_is_on_top(errors):
    figure = class_errors(errors)
    assert list(figure.layout.yaxis.categoryarray) == ["dog", "cat"]
    found = traces(figure)["r-9-9-dots"]
    assert list(found.y) == ["cat", "dog"]
    np.testing.assert_allclose(found.x, [30, 0])


def test_a_dot_means_its_class_and_network_and_says_what_it_is_taken_for(errors):
    first, second = traces(class_errors(errors))["p-9-9-dots"].customdata
    assert list(first) == [0, "p@9", 100, ", mostly predicted as dog"]
    assert second[3] == ""


def test_dots_at_zero_do_not_cover_the_names_of_the_classes(errors):
    foot, top = class_errors(errors.assign(error=0.0)).layout.xaxis.range
    assert foot < 0 < top


def test_kinds_have_the_markers_they_have_everywhere(errors):
    found = traces(class_errors(errors))
    assert found["p-9-9-dots"].marker.symbol in theme.MARKERS["plain"]
    assert found["r-9-9-dots"].marker.symbol in theme.MARKERS["residual"]
    assert class_errors(errors).layout.annotations[0].text == ""


def test_of_many_classes_the_hardest_are_shown():
    rows = [(label, f"c{label}", 10, 1, label / 100, 10, "", 0) for label in range(50)]
    figure = class_errors(measured(rows, tables.CLASS_ERRORS))
    shown = figure.layout.yaxis.categoryarray
    assert len(shown) == MOST_CLASSES
    assert shown[-1] == "c49"
    assert "c19" not in shown
    assert "the 30 hardest of 50 classes" in figure.layout.annotations[0].text


def test_two_networks_share_a_field_on_either_side_of_the_diagonal(pairs):
    (matrix,) = member_agreement(pairs, ["c", "a", "b"]).data
    np.testing.assert_allclose(matrix.z, [[np.nan, 80, 70], [80, np.nan, 90], [70, 90, np.nan]], rtol=1e-6)
    assert matrix.text[0][1] == "80.0 %"
    assert matrix.text[0][0] == ""


def test_another_measure_can_be_chosen(pairs):
    (matrix,) = member_agreement(pairs, ["a", "b", "c"], measure="same_mistake").data
    assert matrix.z[0][1] == pytest.approx(2)
    with pytest.raises(UnknownName, match="Did you mean 'same'"):
        member_agreement(pairs, ["a", "b", "c"], measure="sam")


def test_empty_tables_give_axes_to_wait_with(bins, errors, pairs):
    assert [trace.uid for trace in reliability_diagram(bins.iloc[:0]).data] == ["diagonal"]
    assert not class_errors(errors.iloc[:0]).data
    assert not member_agreement(pairs.iloc[:0], []).data


@pytest.mark.parametrize("name", ["bins", "errors", "pairs"])
def test_a_light_figure_turned_dark_is_the_dark_figure(name, request):
    table = request.getfixturevalue(name)
    figure, arguments = {"bins": (reliability_diagram, ()), "errors": (class_errors, ()),
                         "pairs": (member_agreement, ("abc",))}[name]  # fmt: skip
    text = figure(table, *arguments).to_json()
    for light, dark in theme.light_to_dark().items():
        text = text.replace(light, dark)
    assert text == figure(table, *arguments, dark=True).to_json()
