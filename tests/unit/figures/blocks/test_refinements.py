"""Refinement: gaps where the shape changes, bands over images, iterated blocks by stage."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.figures import iterated_blocks, refinement_profiles, theme

KEYS = {"reference": "r", "network": "resnet14", "kind": "residual", "depth": 14, "step": 100}


def refined():
    measured = {"cosine_low": -0.1, "cosine_high": 0.3, "estimation_error": 0.0, "estimation_spread": 0.2}
    rows = [
        {"stage": stage, "block": block, "name": f"stages.{stage - 1}.{block - 1}", "distance": 1.0 - block / 2}
        | {"cosine": np.nan if stage > 1 and block == 1 else 0.1}
        | measured
        for stage in (1, 2, 3)
        for block in (1, 2)
    ]
    return pd.DataFrame(rows, columns=tables.REFINEMENT).assign(**KEYS)[[*tables.MEASURED_KEYS, *tables.REFINEMENT]]


def iterated():
    rows = [(stage, 2, f"stages.{stage - 1}.1", times, 1.0, 0.1 * times) for stage in (1, 3) for times in range(4)]
    return pd.DataFrame(rows, columns=tables.ITERATED).assign(**KEYS)[[*tables.MEASURED_KEYS, *tables.ITERATED]]


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


def test_cosines_have_gaps_and_bands_and_distances_their_panel():
    traces = drawn(refinement_profiles(refined()))
    assert np.isnan(traces["r-100-cosine"].y[[2, 4]]).all()
    np.testing.assert_allclose(traces["r-100-distance"].y, [0.5, 0] * 3)
    assert traces["r-100-distance"].xaxis == "x2"
    assert list(traces["r-100-band-0"].x) == [1, 2, 2, 1]
    assert [uid for uid in traces if "band" in uid] == ["r-100-band-0"]  # a single block has none


def test_a_line_between_stages():
    shapes = refinement_profiles(refined()).layout.shapes
    assert {shape.x0 for shape in shapes} == {2.5, 4.5}


def test_iterated_blocks_have_a_panel_per_stage():
    figure = iterated_blocks(iterated())
    traces = drawn(figure)
    np.testing.assert_allclose(traces["r-100-3-2"].y, [0, 10, 20, 30], rtol=1e-5)
    assert traces["r-100-3-2"].xaxis == "x2"
    assert [note.text for note in figure.layout.annotations if note.name == "heading"] == [
        "<b>Stage 1</b>",
        "<b>Stage 3</b>",
    ]


@pytest.mark.parametrize(("draw", "table"), [(refinement_profiles, refined()), (iterated_blocks, iterated())])
def test_dark_and_empty_pages(draw, table):
    text = draw(table, dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
    assert len(draw(table.iloc[:0]).data) == 0
