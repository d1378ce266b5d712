"""Gradient norms along the depth: stages aligned, one panel for each moment of training."""

import numpy as np
import pytest

from explorer import tables
from explorer.errors import UnknownName
from explorer.figures import gradient_norms, theme
from explorer.figures.layer_measures import GRADIENT_MEASURES


@pytest.fixture
def profiles(layers):
    def table(networks=("plain20", "resnet20", "plain56"), steps=(0, 100), spread=2.0):
        found = layers(networks=networks, steps=steps)
        norm = np.exp(-found["layer"] / 10) / (found["step"] + 1)
        quartiles = {"gradient_low": norm / spread, "gradient_high": norm * spread}
        quartiles |= {"response_gradient_low": norm / 20, "response_gradient_high": norm / 5}
        measured = found.assign(
            gradient_norm=norm, response_gradient=norm / 10, weight_norm=2.0, relative=norm / 2, **quartiles
        )
        return measured[[*tables.MEASURED_KEYS, *tables.GRADIENTS]]

    return table


def drawn(figure, part="line"):
    return {trace.uid.removesuffix(f"-{part}"): trace for trace in figure.data if trace.uid.endswith(f"-{part}")}


def note(figure):
    return figure.layout.annotations[0].text


def headings(figure):
    return [each.text for each in figure.layout.annotations[1:]]


def test_a_line_goes_from_the_stem_to_the_classifier_whatever_the_depth(profiles):
    traces = drawn(gradient_norms(profiles()))
    for network, depth in (("plain20", 20), ("plain56", 56)):
        line = traces[f"run-{network}-0-0"]
        np.testing.assert_allclose(line.x, np.linspace(0, 1, depth), atol=1e-6)
        np.testing.assert_allclose(line.y, np.exp(-np.arange(1, depth + 1) / 10), rtol=1e-6)
        assert list(line.customdata[0]) == [1, "l1", 0, 0, f"run-{network}@0"]
        assert f"of {depth}" in line.hovertemplate


@pytest.mark.parametrize(("measure", "part"), [("gradient_norm", 1), ("response_gradient", 0.1), ("relative", 0.5)])
def test_every_measure_shows_its_column(profiles, measure, part):
    table = profiles(networks=("plain20",), steps=(0,))
    figure = gradient_norms(table, measure=measure)
    np.testing.assert_allclose(drawn(figure)["run-plain20-0-0"].y, part * table["gradient_norm"], rtol=1e-6)
    assert figure.layout.yaxis.title.text == GRADIENT_MEASURES[measure].title


def test_a_band_reaches_from_one_quartile_to_the_other(profiles):
    table = profiles(networks=("plain20",), steps=(0,))
    figure = gradient_norms(table)
    band = drawn(figure, "band")["run-plain20-0-0"]
    np.testing.assert_allclose(band.y[:20], table["gradient_high"], rtol=1e-6)
    np.testing.assert_allclose(band.y[20:][::-1], table["gradient_low"], rtol=1e-6)
    assert "quartiles" in note(figure)


def test_one_batch_has_no_band(profiles):
    figure = gradient_norms(profiles(spread=1.0))
    assert not drawn(figure, "band")
    assert "quartiles" not in note(figure)
    assert not drawn(gradient_norms(profiles(), measure="relative"), "band")


def test_a_flat_profile_looks_flat(profiles):
    """Six decades, whatever the data; that is what the note says."""
    table = profiles(networks=("resnet20",), steps=(0,), spread=1.0)
    figure = gradient_norms(table)
    low, high = figure.layout.yaxis.range
    assert high - low == pytest.approx(6, abs=0.2)
    assert np.ptp(np.log10(figure.data[0].y)) < 1
    assert "y axis: 6 decades" in note(figure)


def test_the_span_grows_with_the_data_and_holds_the_quartiles(profiles):
    figure = gradient_norms(profiles(networks=("plain20",), steps=(0,), spread=1e4))
    low, high = figure.layout.yaxis.range
    assert low <= np.log10(np.exp(-2) / 1e4) < 4 <= high
    assert "y axis: 9 decades" in note(figure)


def test_one_panel_a_step_on_one_logarithmic_scale(profiles):
    figure = gradient_norms(profiles())
    assert headings(figure) == ["<b>Step 0</b>", "<b>Step 100</b>"]
    assert figure.layout.yaxis.type == figure.layout.yaxis2.type == "log"
    assert figure.layout.yaxis2.matches == "y"
    assert {trace.xaxis for trace in figure.data if "-100-100" in trace.uid} == {"x2"}


@pytest.mark.parametrize(
    ("steps", "shown"), [((5,), [5]), ((0, 1, 2), [0, 1, 2]), ((64, 0, 1, 2, 32), [0, 2, 64])]
)  # fmt: skip
def test_first_middle_and_last_step_are_shown_and_the_others_named(profiles, steps, shown):
    figure = gradient_norms(profiles(steps=steps))
    assert headings(figure) == [f"<b>Step {step}</b>" for step in shown]
    left = [step for step in sorted(steps) if step not in shown]
    assert (f"not shown: {', '.join(f'step {step}' for step in left)}" in note(figure)) == bool(left)


def test_colour_says_the_depth_and_dash_the_kind(profiles):
    traces = drawn(gradient_norms(profiles()))
    plain, residual = traces["run-plain20-0-0"], traces["run-resnet20-0-0"]
    assert plain.line.color == residual.line.color == theme.LIGHT.depth(20)
    assert plain.line.dash == theme.DASHES["plain"]
    assert residual.line.dash == "solid"


def test_a_network_has_one_legend_entry_for_all_panels(profiles):
    table = profiles()
    table = table[(table["network"] != "plain56") | (table["step"] > 0)]  # one is missing in the first panel
    figure = gradient_norms(table)
    assert sorted(trace.name for trace in figure.data if trace.showlegend) == ["plain20", "plain56", "resnet20"]
    assert {trace.legendgroup for trace in figure.data} == {"plain20", "plain56", "resnet20"}


def test_a_table_without_references_shows_its_networks(profiles):
    figure = gradient_norms(profiles().drop(columns="reference"))
    assert set(drawn(figure)) == {f"{name}-{step}" for name in ("plain20", "resnet20", "plain56") for step in (0, 100)}


def test_a_vanished_gradient_is_a_gap_and_is_counted(profiles):
    table = profiles(networks=("plain20",), steps=(0,))
    table.loc[3, "gradient_norm"] = 0.0
    figure = gradient_norms(table)
    assert list(np.flatnonzero(np.isnan(drawn(figure)["run-plain20-0-0"].y))) == [3]
    assert "layers not shown: 1 exactly zero" in note(figure)
    assert "not shown" not in note(gradient_norms(profiles()))


def test_many_decades_have_ticks_that_do_not_overlap(profiles):
    table = profiles()
    table["gradient_norm"] *= np.geomspace(1e-6, 1, len(table))
    assert len(gradient_norms(table).layout.yaxis.tickvals) <= 15


def test_unknown_measure_names_the_known_ones(profiles):
    with pytest.raises(UnknownName, match="Did you mean 'gradient_norm'"):
        gradient_norms(profiles(), measure="gradient")


def test_empty_table_gives_axes_to_wait_with(profiles):
    figure = gradient_norms(profiles().iloc[:0])
    assert len(figure.data) == 0
    assert figure.layout.yaxis.type == "log"


def test_dark_pages_get_dark_colours_alone(profiles):
    text = gradient_norms(profiles(), dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
