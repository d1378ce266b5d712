"""Figures of what tells whether a map can be trusted."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.figures import deletion_insertion, randomisation, theme


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


@pytest.fixture
def curves():
    """`tables.DELETION_INSERTION` of straight lines: areas 0.5, and 0.75 for the reference."""
    fraction = np.array([0.0, 0.5, 1.0])
    parts = [
        pd.DataFrame({"curve": curve, "fraction": fraction, "probability": values, "random": 0.75})
        for curve, values in (("deletion", 1 - fraction), ("insertion", fraction))
    ]
    return pd.concat(parts).assign(random_low=0.7, random_high=0.8)[tables.DELETION_INSERTION]


@pytest.fixture
def redrawn():
    """`tables.RANDOMISATION` of three stages."""
    keys = {"randomised": [0, 5, 20], "layer": [0, 16, 1], "name": ["", "b", "stem"], "part": [0, 0.25, 1]}
    alike = {"rank_correlation": [1, 0.4, -0.2], "absolute_rank_correlation": [1, 0.5, 0.1]}
    return pd.DataFrame(keys | alike | {"ssim": [1, np.nan, 0.2], "top_overlap": [1, 0.3, 0.1]})[tables.RANDOMISATION]


def test_each_panel_has_the_curve_the_reference_and_its_band_in_percent(curves):
    figure = deletion_insertion(curves)
    traces = drawn(figure)
    np.testing.assert_allclose(traces["deletion-map"].y, [100, 50, 0])
    np.testing.assert_allclose(traces["insertion-map"].y, [0, 50, 100])
    np.testing.assert_allclose(traces["insertion-random"].y, 75)
    np.testing.assert_allclose(traces["deletion-band"].y, [80, 80, 80, 70, 70, 70])
    assert traces["deletion-map"].xaxis != traces["insertion-map"].xaxis


def test_areas_stand_in_the_headings(curves):
    headings = [each.text for each in deletion_insertion(curves).layout.annotations]
    assert headings == ["<b>Deletion: area 0.50 (shifted 0.75)</b>", "<b>Insertion: area 0.50 (shifted 0.75)</b>"]


def test_the_order_of_the_rows_does_not_matter(curves):
    assert deletion_insertion(curves[::-1]).to_json() == deletion_insertion(curves).to_json()


def test_each_similarity_is_a_line_over_the_layers_that_were_redrawn(redrawn):
    traces = drawn(randomisation(redrawn))
    np.testing.assert_allclose(traces["line-rank_correlation"].y, [1, 0.4, -0.2], rtol=1e-6)
    np.testing.assert_allclose(traces["line-ssim"].y, [1, np.nan, 0.2], rtol=1e-6)
    assert list(traces["line-top_overlap"].x) == [0, 5, 20]
    assert list(traces["line-top_overlap"].customdata[1]) == [5, "b"]
    assert len({trace.marker.symbol for trace in traces.values()}) == 4


def test_the_threshold_is_a_dotted_line_where_asked(redrawn):
    (line,) = randomisation(redrawn, threshold=0.3).layout.shapes
    assert (line.y0, line.y1, line.line.dash) == (0.3, 0.3, "dot")
    assert len(randomisation(redrawn).layout.shapes) == 0


def test_empty_tables_give_axes_to_wait_with(curves, redrawn):
    assert len(deletion_insertion(curves.iloc[:0]).data) == len(randomisation(redrawn.iloc[:0]).data) == 0


@pytest.mark.parametrize("figure", [deletion_insertion, randomisation])
def test_a_light_figure_turned_dark_is_the_dark_figure(figure, curves, redrawn):
    table = curves if figure is deletion_insertion else redrawn
    text = figure(table).to_json()
    for light, dark in theme.light_to_dark().items():
        text = text.replace(light, dark)
    assert text == figure(table, dark=True).to_json()
