"""The drawing of a network: every layer once, in its place, with its value; readable at any depth."""

import time

import numpy as np
import pandas as pd
import pytest

from explorer.figures import network_drawing, theme
from explorer.figures.layer_measures import LayerMeasure
from explorer.figures.measured import number
from explorer.models.catalogue import network_config
from explorer.models.size import layer_table

STD = LayerMeasure("response std")


def table(name="resnet20"):
    return layer_table(network_config(name))


def by_layer(layers, **measure):
    """A drawing whose layer n has the value n / 10."""
    values = pd.DataFrame({"layer": layers["layer"], "value": layers["layer"] / 10})
    return network_drawing(layers, values=values, column="value", measure=STD, **measure)


def bricks(figure, kind, among="cells"):
    """What has a place in a heat map: the meaning of a click, the value of the colour, the hover text."""
    return [
        (tuple(click), float(z), hover)
        for trace in figure.data
        if trace.type == "heatmap" and trace.uid.startswith(among)
        for clicks, values, hovers in zip(trace.customdata, trace.z, trace.hovertext, strict=True)
        for click, z, hover in zip(clicks, values, hovers, strict=True)
        if click and click[0] == kind
    ]


def line(figure, uid):
    (trace,) = (trace for trace in figure.data if trace.uid == uid)
    return trace


def subpaths(trace):
    """How many lines a trace with pauses has."""
    return sum(x is None for x in trace.x)


def words(figure):
    return [text for uid in ("letters", "values") for text in line(figure, uid).text]


@pytest.mark.parametrize("name", ["plain8", "resnet20", "resnet56-b", "resnet110"])
def test_every_layer_is_drawn_once_with_its_value_and_its_place(name):
    layers = table(name)
    found = {click: value for click, value, _ in bricks(by_layer(layers), "layer")}
    places = layers[["layer", "stage", "block"]].itertuples(index=False, name=None)
    assert set(found) == {("layer", *place) for place in places}
    for (_, layer, _, _), value in found.items():
        assert value == pytest.approx(layer / 10)


def test_blocks_go_from_left_to_right_and_stages_downwards():
    rows = [trace for trace in by_layer(table()).data if trace.uid in ("cells-1", "cells-2", "cells-3")]
    assert [[click[1] for click in row.customdata[0] if click] for row in rows] == [
        [2, 3, 4, 5, 6, 7],
        [8, 9, 10, 11, 12, 13],
        [14, 15, 16, 17, 18, 19],
    ]
    assert all(list(row.x) == sorted(row.x) for row in rows)
    first, second, third = (row.y[0] for row in rows)
    figure = by_layer(table())
    bottom, top = figure.layout.yaxis.range
    assert bottom > third > second > first > top == 0  # the axis goes down


def test_the_layers_of_a_block_share_the_value_of_their_block():
    values = pd.DataFrame({"stage": [1, 2], "block": [3, 1], "cosine": [0.5, 0.25]})
    figure = network_drawing(table(), values=values, column="cosine", measure=LayerMeasure("cosine"))
    found = {click[1]: value for click, value, _ in bricks(figure, "layer") if click[2:] in ((1, 3), (2, 1))}
    assert found == {6: 0.5, 7: 0.5, 8: 0.25, 9: 0.25}
    assert "0.50" in words(figure)


def test_a_layer_without_a_value_is_empty_and_says_so():
    layers = table("plain8")
    values = pd.DataFrame({"layer": [2, 3], "value": [np.nan, 1.5]})
    figure = network_drawing(layers, values=values, column="value", measure=STD)
    coloured = [t for t in figure.data if t.type == "heatmap" and t.coloraxis]
    assert [click[1] for t in coloured for row in t.customdata for click in row if click] == [3]
    assert "response std: not measured" in {click[1]: hover for click, _, hover in bricks(figure, "layer")}[2]
    assert line(figure, "empty").name == "not measured"


def test_a_vanished_gradient_has_no_logarithm():
    layers = table("plain8")
    values = layers[["layer"]].assign(norm=[1e-4, 0.0, 1e-3, 1e-2, 0.1, 1, 10, 100])
    figure = network_drawing(layers, values=values, column="norm", measure=LayerMeasure("gradient norm", log=True))
    coloured = [t for t in figure.data if t.type == "heatmap" and t.coloraxis]
    powers = {c[1]: z for t in coloured for row, zs in zip(t.customdata, t.z, strict=True)
              for c, z in zip(row, zs, strict=True) if c}  # fmt: skip
    assert powers == pytest.approx({1: -4, 3: -3, 4: -2, 5: -1, 6: 0, 7: 1, 8: 2})
    assert figure.layout.coloraxis.colorbar.ticktext[-1] == "10"


def test_colours_are_made_for_the_layers_of_blocks():
    layers = table("plain8")
    values = layers[["layer"]].assign(value=[1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 900.0])
    axis = network_drawing(layers, values=values, column="value", measure=STD).layout.coloraxis
    assert (axis.cmin, axis.cmax) == (1, 6)


def test_small_differences_have_nearly_the_same_colour():
    layers = table("plain8")
    values = layers[["layer"]].assign(value=np.linspace(1, 1.001, 8))
    axis = network_drawing(layers, values=values, column="value", measure=STD).layout.coloraxis
    assert axis.cmax - axis.cmin == pytest.approx(0.1, rel=0.01)


def test_signed_measures_have_the_middle_of_the_scale_at_zero():
    layers = table("plain8")
    values = layers[["layer"]].assign(mean=[0, -0.3, 0.1, 0, 0, 0, 0, 0])
    figure = network_drawing(layers, values=values, column="mean", measure=LayerMeasure("mean", signed=True))
    axis = figure.layout.coloraxis
    assert axis.cmin == -axis.cmax == -0.3
    assert axis.colorscale[1] == (0.5, theme.LIGHT.grid)


def test_fractions_are_shown_in_percent():
    layers = table("plain8")
    measure = LayerMeasure("zeros (%)", (0, 100), percent=True)
    figure = network_drawing(layers, values=layers[["layer"]].assign(zeros=0.5), column="zeros", measure=measure)
    assert {value for _, value, _ in bricks(figure, "layer")} == {50}
    assert figure.layout.coloraxis.cmax == 100
    assert "zeros 50.0 %" in bricks(figure, "layer")[0][2]


def test_a_closed_stage_is_one_box_with_the_mean_of_its_layers():
    figure = by_layer(table(), closed=[2])
    assert {click[2] for click, _, _ in bricks(figure, "layer")} == {0, 1, 3, 4}
    ((click, value, hover),) = bricks(figure, "stage")
    assert click == ("stage", 0, 2, 0)
    assert value == pytest.approx(np.mean([0.8, 0.9, 1.0, 1.1, 1.2, 1.3]))
    assert "mean of its layers" in hover
    assert figure.layout.height < by_layer(table()).layout.height


def test_each_stage_has_a_bar_that_closes_it_and_says_what_it_is():
    figure = by_layer(table("resnet110"), closed=[3])
    assert [click for click, _, _ in bricks(figure, "stage", among="headings")] == [
        ("stage", 0, n, 0) for n in (1, 2, 3)
    ]
    assert any("Stage 2</b>: 18 blocks, 32 channels, 16 × 16, layers 38–73" in text for text in words(figure))
    assert sum(text.startswith("▶") for text in words(figure)) == 1


@pytest.mark.parametrize(
    ("name", "arcs"),
    [
        ("plain20", {}),
        ("resnet20", {"identity": 7, "pad": 2}),
        ("resnet20-b", {"identity": 7, "projection": 2}),
        ("resnet20-c", {"projection": 9}),
    ],
)
def test_one_arc_for_each_shortcut_by_its_kind(name, arcs):
    figure = by_layer(table(name))
    assert {
        trace.uid: subpaths(trace) for trace in figure.data if trace.uid in ("identity", "pad", "projection")
    } == arcs
    assert {trace.uid for trace in figure.data if trace.showlegend} == set(arcs)


def test_a_click_above_a_block_means_the_block():
    found = [click for click, _, _ in bricks(by_layer(table("resnet8")), "block", among="shortcuts")]
    assert found == [("block", 0, stage, 1) for stage in (1, 2, 3)]


def test_an_opened_block_is_drawn_in_full():
    figure = by_layer(table(), opened=(2, 1))
    text = words(figure)
    assert "<b>conv 3×3</b>, stride 2<br>16 → 32 channels" in text
    assert "<b>conv 3×3</b><br>32 → 32 channels" in text
    assert text.count("batch<br>norm") == text.count("ReLU") == 2
    assert "layer 8: response std 0.800" in text
    assert any(each.startswith("zero padding") for each in text)
    assert subpaths(line(figure, "pad")) == 3  # two in the rows, one here
    clicks = [click for click, _, _ in bricks(figure, "layer")]
    assert clicks.count(("layer", 8, 2, 1)) == 2


def test_an_opened_block_of_a_plain_network_has_no_addition():
    figure = by_layer(table("plain20"), opened=(2, 1))
    assert len(line(figure, "additions").x) == 0
    assert any("no shortcut" in each for each in words(figure))


def test_blocks_of_three_layers_and_stages_of_unlike_length():
    """As in ResNet-50: 1x1, 3x3, 1x1."""
    rows = [(1, "conv1", 0, 0, 64, 112, 9536, "")]
    for stage, block in ((1, 1), (1, 2), (2, 1)):
        for kernel, before, width in ((1, 256, 64), (3, 64, 64), (1, 64, 256)):
            parameters = (kernel**2 * before + 2) * width
            rows.append((len(rows) + 1, f"l{len(rows)}", stage, block, width, 56, parameters, "identity"))
    rows.append((11, "fc", 3, 0, 1000, 1, 257000, ""))
    layers = pd.DataFrame(rows, columns=table().columns)
    layers.loc[0, "width"] = 256
    figure = by_layer(layers, opened=(1, 2))
    assert len({click for click, _, _ in bricks(figure, "layer")}) == 11
    kernels = [text[8:11] for text in words(figure) if text.startswith("<b>conv")]
    assert kernels == ["1×1", "3×3", "1×1"]


def test_there_must_be_such_a_block():
    with pytest.raises(ValueError, match="no block 4 in stage 2"):
        network_drawing(table(), opened=(2, 4))


def test_a_selected_layer_gets_a_frame_its_stage_where_that_is_closed():
    figure = by_layer(table(), selected=9)
    frame = line(figure, "frames")
    row = line(figure, "cells-2")
    place = [click[1] if click else None for click in row.customdata[0]].index(9)
    assert (min(x for x in frame.x if x), max(x for x in frame.x if x)) == (row.x[place], row.x[place + 1])
    box = line(by_layer(table(), selected=9, closed=[2]), "frames")
    assert max(x for x in box.x if x) - min(x for x in box.x if x) > 800
    assert subpaths(line(by_layer(table()), "frames")) == 0


def test_without_values_there_is_no_colour_bar():
    figure = network_drawing(table())
    assert figure.layout.coloraxis.colorbar.title.text is None
    assert len(bricks(figure, "layer")) == 20


def test_values_of_several_networks_are_refused():
    layers = table("plain8")
    twice = pd.concat([layers, layers]).assign(value=1.0)
    with pytest.raises(ValueError, match="several rows for one layer"):
        network_drawing(layers, values=twice, column="value", measure=STD)


def test_1202_layers_are_a_few_traces_and_quick():
    layers = table("resnet1202")
    by_layer(layers)
    start = time.process_time()
    figure = by_layer(layers)
    assert time.process_time() - start < 1.5  # about 0.2 s; a loaded machine is slower
    assert len(bricks(figure, "layer")) == 1202
    assert len(figure.data) < 25
    assert not figure.layout.shapes
    assert not figure.layout.annotations
    assert len(figure.to_json()) < 400_000
    assert any("200 blocks" in text and "shortcuts not drawn" in text for text in words(figure))
    assert figure.layout.height < 800


def test_a_stage_of_many_blocks_is_read_like_text():
    row = line(by_layer(table("resnet1202")), "cells-2")
    lines = [[click[3] for click in clicks if click] for clicks in row.customdata]
    assert [(each[0], each[-1]) for each in lines if each] == [(1, 40), (41, 80), (81, 120), (121, 160), (161, 200)]


def test_letters_stand_out_from_their_cell():
    layers = table("plain8")
    figure = by_layer(layers)
    colours = dict(zip(line(figure, "values").text, line(figure, "values").textfont.color, strict=True))
    assert colours["0.20"] == "white"  # the dark end of the scale
    assert colours["0.70"] == "black"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9349, "0.93"), (1.0, "1.0"), (12.4, "12"), (464, "464"), (36992, "37k"), (2.4e6, "2.4M"), (4.5e-5, "4.5e−5"),
     (-0.25, "−0.25"), (0.0, "0.0")],
)  # fmt: skip
def test_numbers_in_cells_are_short(value, text):
    assert number(value) == text


def test_dark_pages_get_dark_colours_alone():
    layers = table()
    text = by_layer(layers, opened=(2, 1), selected=8, dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
