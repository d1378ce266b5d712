"""Layers and blocks while networks train: one heat map per network, one colour scale for all."""

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.errors import UnknownName
from explorer.figures import layer_steps, theme
from explorer.figures.layers.heat_map import MEASURES

STEPS = (0, 1, 5, 100)


@pytest.fixture
def live(layers):
    """`tables.LIVE_LAYERS` of runs; every value is layer / 10 + step."""

    def table(networks=("plain20", "resnet20"), seeds=(0,), steps=STEPS):
        found = layers(networks=networks, steps=steps)
        value = found["layer"] / 10 + found["step"]
        found = found.assign(**dict.fromkeys(tables.LIVE_LAYERS[5:], value), experiment="e")
        runs = [found.assign(seed=seed, run=f"e-s{seed}-" + found["network"]) for seed in seeds]
        return pd.concat(runs, ignore_index=True)[[*tables.RUN_KEYS, *tables.LIVE_LAYERS]]

    return table


def live_blocks():
    """`tables.LIVE_BLOCKS` of resnet20 at two steps."""
    number = np.tile(np.arange(9), 2)
    keys = {"experiment": "e", "run": "r", "network": "resnet20", "kind": "residual", "depth": 20, "seed": 0}
    rows = {"step": np.repeat([0, 50], 9), "stage": number // 3 + 1, "block": number % 3 + 1}
    return pd.DataFrame(keys | rows | dict.fromkeys(tables.LIVE_BLOCKS[3:], number / 10 - 0.2))


def headings(figure):
    return [each.text for each in figure.layout.annotations[1:]]


def test_a_cell_is_a_layer_at_a_step_with_the_stem_on_top(live):
    figure = layer_steps(live(networks=("plain20",)))
    (cells,) = figure.data
    assert list(cells.x) == list(STEPS)
    assert cells.y[0] == "layer 1, l1 (stage 0)"
    np.testing.assert_allclose(cells.z, np.arange(1, 20)[:, None] / 10 + np.array(STEPS), rtol=1e-6)
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]


def test_the_classifier_is_left_out_of_responses_alone(live):
    assert len(layer_steps(live(networks=("plain20",))).data[0].y) == 19
    assert len(layer_steps(live(networks=("plain20",)), measure="gradient_norm").data[0].y) == 20


def test_blocks_are_numbered_along_the_network():
    (cells,) = layer_steps(live_blocks(), measure="branch_ratio").data
    assert cells.y[4] == "block 5 (stage 2, block 2)"
    np.testing.assert_allclose(cells.z[4], [0.2, 0.2], atol=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_is_a_column_of_a_live_table(live, measure):
    table = live() if measure in tables.LIVE_LAYERS else live_blocks()
    assert np.isfinite(layer_steps(table, measure=measure).data[0].z).any()
    assert layer_steps(table, measure=measure).layout.coloraxis.colorbar.title.text == MEASURES[measure].title


def test_plain_stands_left_and_residual_right_with_one_colour_scale(live):
    figure = layer_steps(live(networks=("resnet20", "plain56", "plain20")))
    assert [trace.name for trace in figure.data] == ["plain20", "plain56", "resnet20"]
    assert headings(figure) == ["<b>plain20</b>", "<b>plain56</b>", "<b>resnet20</b>"]
    assert [trace.xaxis for trace in figure.data] == ["x", "x2", "x3"]
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    assert figure.layout.xaxis3.matches == "x"


def test_more_than_four_networks_take_another_row(live):
    five = layer_steps(live(networks=("plain20", "plain32", "plain56", "resnet20", "resnet32"))).layout
    four = layer_steps(live(networks=("plain20", "plain32", "resnet20", "resnet32"))).layout
    assert four.yaxis.domain == four.yaxis4.domain
    assert five.yaxis3.domain[0] > five.yaxis4.domain[1]
    assert five.height > four.height
    assert layer_steps(live(), height=333).layout.height == 333


def test_of_several_seeds_the_first_is_shown_and_named(live):
    figure = layer_steps(live(networks=("plain20",), seeds=(7, 3)))
    assert [trace.uid for trace in figure.data] == ["e-s3-plain20-map"]
    assert headings(figure) == ["<b>plain20, seed 3</b>"]


def test_gradient_norms_have_logarithmic_colours_and_true_numbers(live):
    table = live(networks=("plain20",), steps=(0,))
    table.loc[1, "gradient_norm"] = 0.0
    (cells,) = layer_steps(table, measure="gradient_norm").data
    np.testing.assert_allclose(cells.z[9], [0], atol=1e-6)
    np.testing.assert_allclose(cells.customdata[9], [1], rtol=1e-6)
    assert np.isnan(cells.z[1][0])


def test_one_layer_far_off_does_not_take_the_colours():
    table = pd.concat([live_blocks().assign(step=step) for step in range(40)]).drop_duplicates(
        ["step", "block", "stage"]
    )
    table.iloc[0, table.columns.get_loc("branch_ratio")] = 1000.0
    assert layer_steps(table, measure="branch_ratio").layout.coloraxis.cmax < 1


def test_signs_have_two_colours_and_zero_the_middle():
    axis = layer_steps(live_blocks(), measure="cosine").layout.coloraxis
    assert axis.cmin == -axis.cmax < 0
    assert [colour for _, colour in axis.colorscale] == [colour for _, colour in theme.LIGHT.diverging]


def test_noise_does_not_look_large(live):
    table = live().assign(response_std=1.0, response_mean=1e-9)
    axis = layer_steps(table).layout.coloraxis
    assert axis.cmax - axis.cmin == pytest.approx(0.1)
    assert layer_steps(table, measure="response_mean").layout.coloraxis.cmax == pytest.approx(0.05)


def test_stages_are_apart_and_have_their_number_in_their_middle(live):
    layout = layer_steps(live(networks=("plain20",)), measure="gradient_norm").layout
    assert [shape.y0 for shape in layout.shapes] == [0.5, 6.5, 12.5, 18.5]
    np.testing.assert_allclose(layout.yaxis.tickvals, [3.5, 9.5, 15.5], atol=0.2)
    assert list(layout.yaxis.ticktext) == ["1", "2", "3"]


def test_unknown_measure_names_the_known_ones(live):
    with pytest.raises(UnknownName, match="Did you mean 'zeros'"):
        layer_steps(live(), measure="zero")


def test_empty_tables_give_axes_to_wait_with(live):
    for table, measure in ((live(), "response_std"), (live_blocks(), "cosine")):
        figure = layer_steps(table.iloc[:0], measure=measure)
        assert len(figure.data) == 0
        assert figure.layout.xaxis.title.text == "step"


def test_dark_pages_get_dark_colours_alone(live):
    for figure in (layer_steps(live(), dark=True), layer_steps(live_blocks(), measure="cosine", dark=True)):
        text = figure.to_json()
        assert not [colour for colour in theme.LIGHT.colours if colour in text]


@pytest.mark.parametrize(
    ("steps", "span", "noted"), [([100], (0, 105), True), ([0, 50], (-25, 75), False), ([1800, 2000], (0, 2100), True)]
)
def test_steps_begin_at_zero_and_late_measurements_are_noted(live, steps, span, noted):
    table = live(networks=("plain20",))
    table = table[table["step"].isin(STEPS[: len(steps)])].replace({"step": dict(zip(STEPS, steps, strict=False))})
    figure = layer_steps(table)
    assert figure.layout.xaxis.range == span
    assert ("first measured at step" in figure.layout.annotations[0].text) is noted
    assert max(figure.data[0].x) - min(figure.data[0].x) >= 10  # also a single column can be seen
