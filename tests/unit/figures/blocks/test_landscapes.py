"""Loss landscapes: one scale for all panels, the network marked, what is not shown counted; lines and trajectories."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.block_results import Trajectory
from explorer.figures import loss_contours, loss_lines, loss_surfaces, theme, training_trajectory

NETWORKS = {"plain20": 10.0, "resnet20": 1.0}
TICKS = np.linspace(-1, 1, 5)


def keys(network):
    kind = "plain" if network.startswith("plain") else "residual"
    return {"reference": network, "network": network, "kind": kind, "depth": 20, "step": 100}


def landscape(ticks=TICKS, second=TICKS):
    parts = []
    for network, scale in NETWORKS.items():
        rows = [(a, b, scale * (0.1 + a * a + b * b), 0.5) for b in second for a in ticks]
        parts.append(pd.DataFrame(rows, columns=tables.LANDSCAPE).assign(**keys(network)))
    return pd.concat(parts, ignore_index=True)[[*tables.MEASURED_KEYS, *tables.LANDSCAPE]]


def drawn(figure):
    return {trace.uid: trace for trace in figure.data}


def test_panels_share_one_logarithmic_scale():
    figure = loss_contours(landscape())
    traces = drawn(figure)
    plain, residual = traces["plain20-100-contour"], traces["resnet20-100-contour"]
    assert (plain.xaxis, residual.xaxis) == ("x", "x2")
    assert plain.coloraxis == residual.coloraxis == "coloraxis"
    np.testing.assert_allclose(10 ** residual.z[2, 2], 0.1, rtol=1e-5)
    np.testing.assert_allclose(plain.customdata[0, 0], [21.0, 50.0], rtol=1e-6)
    assert figure.layout.coloraxis.cmin == pytest.approx(-1)
    assert figure.layout.coloraxis.cmax == pytest.approx(np.log10(21))
    assert list(plain.x) == list(plain.y) == list(TICKS)
    assert plain.contours == residual.contours


def test_the_network_itself_is_marked_with_its_loss():
    for figure in (loss_contours(landscape()), loss_surfaces(landscape())):
        mark = drawn(figure)["plain20-100-origin"]
        assert (mark.x[0], mark.y[0]) == (0, 0)
        assert "loss 1<" in mark.hovertemplate


def test_infinite_losses_are_blank_and_very_large_ones_clipped_and_counted():
    table = landscape()
    table.loc[0, "loss"] = np.inf
    table.loc[1, "loss"] = 1e9
    figure = loss_contours(table)
    assert np.isnan(drawn(figure)["plain20-100-contour"].z[0, 0])
    assert figure.layout.coloraxis.cmax == pytest.approx(-1 + 4)
    note = figure.layout.annotations[0].text
    assert "points above the scale: 1" in note
    assert "blank, without a finite loss: 1" in note


def test_surfaces_have_one_height_for_all():
    figure = loss_surfaces(landscape())
    assert figure.layout.scene.zaxis.range == figure.layout.scene2.zaxis.range
    assert drawn(figure)["resnet20-100-surface"].scene == "scene2"
    assert "2" in figure.layout.scene.zaxis.ticktext


def test_lines_show_loss_and_error():
    traces = drawn(loss_lines(landscape(second=[0.0])))
    np.testing.assert_allclose(traces["plain20-100-loss"].y, 10 * (0.1 + TICKS**2), rtol=1e-5)
    np.testing.assert_allclose(traces["plain20-100-error"].y, 50)
    assert traces["plain20-100-loss"].line.dash != traces["resnet20-100-loss"].line.dash


def way():
    steps = [0, 1, 100, 1000]
    moments = pd.DataFrame({"step": steps, "a": [-10, -9.9, -5, 0], "b": [0, 0.1, 4, 0], "outside": [0.1, 0.1, 0.02, 0],
                            "loss": [2.3, 2.3, 1, 0.5], "error": [0.9, 0.9, 0.4, 0.2]})  # fmt: skip
    surface = landscape()[tables.LANDSCAPE].head(25)
    return Trajectory("run", "resnet20", "residual", 20, (0.7, 0.2), moments, surface)


def test_a_trajectory_names_its_steps_and_how_much_of_the_variance_it_shows():
    figure = training_trajectory(way())
    line = drawn(figure)["way"]
    assert list(line.text) == ["", "1", "100", "1,000"]  # step 0 is too close to step 1
    np.testing.assert_allclose(line.x, [-10, -9.9, -5, 0], rtol=1e-6)
    assert "70 % of the variance" in figure.layout.xaxis.title.text
    assert "20 %" in figure.layout.yaxis.title.text
    note = figure.layout.annotations[0].text
    assert "90.0 % of the variance" in note
    assert "up to 10 % of a moment's distance" in note


@pytest.mark.parametrize(
    "draw",
    [loss_contours, loss_surfaces, loss_lines, lambda table, **how: training_trajectory(way(), **how)],
)
def test_dark_pages_get_dark_colours_alone(draw):
    text = draw(landscape(), dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]


@pytest.mark.parametrize("draw", [loss_contours, loss_surfaces, loss_lines])
def test_an_empty_table_gives_axes_to_wait_with(draw):
    assert len(draw(landscape().iloc[:0]).data) == 0
