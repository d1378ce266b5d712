"""The drawing of a network: every layer once, in its place, with its value; readable at any depth."""

import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from torch import nn

from explorer.figures import network_drawing, theme
from explorer.figures.layer_measures import LayerMeasure
from explorer.figures.network.opened_block import block_parts, opened_block
from explorer.figures.network.stage_rows import layer_rows
from explorer.figures.numbers import number
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.network import Network
from explorer.models.size import layer_table
from explorer.models.structure import block_shapes

SMALL = ["plain8", "resnet8-b", "preresnet8-c", "seresnet8", "sepreresnet11-bottleneck", "resnet8-skipinit",
         "preresnet8-skipinit", "resnet11-bottleneck-fixup", "densenet-10-4", "densenet-bc-16-4",
         "resnet8-d"]  # fmt: skip
STD = LayerMeasure("response std")


def table(name="resnet20"):
    return layer_table(network_config(name))


def by_layer(name="resnet20", **options):
    """A drawing whose layer n has the value n / 10."""
    values = table(name)[["layer"]].assign(value=lambda rows: rows["layer"] / 10)
    return drawn(name, values, "value", **options)


def drawn(name, values=None, column="", measure=STD, **options):
    return network_drawing(network_config(name), values=values, column=column, measure=measure, **options)


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


@pytest.mark.parametrize("name", [name for name in NETWORKS if NETWORKS[name].config.depth < 1000])
def test_every_layer_is_drawn_once_with_its_value_and_its_place(name):
    layers = table(name)
    found = {click: value for click, value, _ in bricks(by_layer(name), "layer")}
    places = layers[["layer", "stage", "block"]].itertuples(index=False, name=None)
    assert set(found) == {("layer", *place) for place in places}
    for (_, layer, _, _), value in found.items():
        assert value == pytest.approx(layer / 10)


def test_blocks_go_from_left_to_right_and_stages_downwards():
    rows = [trace for trace in by_layer().data if trace.uid in ("cells-1", "cells-2", "cells-3")]
    assert [[click[1] for click in row.customdata[0] if click] for row in rows] == [
        [2, 3, 4, 5, 6, 7],
        [8, 9, 10, 11, 12, 13],
        [14, 15, 16, 17, 18, 19],
    ]
    assert all(list(row.x) == sorted(row.x) for row in rows)
    first, second, third = (row.y[0] for row in rows)
    figure = by_layer()
    bottom, top = figure.layout.yaxis.range
    assert bottom > third > second > first > top == 0  # the axis goes down


def test_the_layers_of_a_block_share_the_value_of_their_block():
    values = pd.DataFrame({"stage": [1, 2], "block": [3, 1], "cosine": [0.5, 0.25]})
    figure = drawn("resnet20", values, "cosine", LayerMeasure("cosine"))
    found = {click[1]: value for click, value, _ in bricks(figure, "layer") if click[2:] in ((1, 3), (2, 1))}
    assert found == {6: 0.5, 7: 0.5, 8: 0.25, 9: 0.25}
    assert "0.50" in words(figure)


def test_a_layer_without_a_value_is_empty_and_says_so():
    values = pd.DataFrame({"layer": [2, 3], "value": [np.nan, 1.5]})
    figure = drawn("plain8", values, "value")
    coloured = [t for t in figure.data if t.type == "heatmap" and t.coloraxis]
    assert [click[1] for t in coloured for row in t.customdata for click in row if click] == [3]
    assert "response std: not measured" in {click[1]: hover for click, _, hover in bricks(figure, "layer")}[2]
    assert line(figure, "empty").name == "not measured"


def test_a_vanished_gradient_has_no_logarithm():
    layers = table("plain8")
    values = layers[["layer"]].assign(norm=[1e-4, 0.0, 1e-3, 1e-2, 0.1, 1, 10, 100])
    figure = drawn("plain8", values, "norm", LayerMeasure("gradient norm", log=True))
    coloured = [t for t in figure.data if t.type == "heatmap" and t.coloraxis]
    powers = {c[1]: z for t in coloured for row, zs in zip(t.customdata, t.z, strict=True)
              for c, z in zip(row, zs, strict=True) if c}  # fmt: skip
    assert powers == pytest.approx({1: -4, 3: -3, 4: -2, 5: -1, 6: 0, 7: 1, 8: 2})
    assert figure.layout.coloraxis.colorbar.ticktext[-1] == "10"


def test_colours_are_made_for_the_layers_of_blocks():
    layers = table("plain8")
    values = layers[["layer"]].assign(value=[1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 900.0])
    axis = drawn("plain8", values, "value").layout.coloraxis
    assert (axis.cmin, axis.cmax) == (1, 6)


def test_small_differences_have_nearly_the_same_colour():
    layers = table("plain8")
    values = layers[["layer"]].assign(value=np.linspace(1, 1.001, 8))
    axis = drawn("plain8", values, "value").layout.coloraxis
    assert axis.cmax - axis.cmin == pytest.approx(0.1, rel=0.01)


def test_signed_measures_have_the_middle_of_the_scale_at_zero():
    layers = table("plain8")
    values = layers[["layer"]].assign(mean=[0, -0.3, 0.1, 0, 0, 0, 0, 0])
    figure = drawn("plain8", values, "mean", LayerMeasure("mean", signed=True))
    axis = figure.layout.coloraxis
    assert axis.cmin == -axis.cmax == -0.3
    assert axis.colorscale[1] == (0.5, theme.LIGHT.grid)


def test_fractions_are_shown_in_percent():
    layers = table("plain8")
    measure = LayerMeasure("zeros (%)", (0, 100), percent=True)
    figure = drawn("plain8", layers[["layer"]].assign(zeros=0.5), "zeros", measure)
    assert {value for _, value, _ in bricks(figure, "layer")} == {50}
    assert figure.layout.coloraxis.cmax == 100
    assert "zeros 50.0 %" in bricks(figure, "layer")[0][2]


def test_a_closed_stage_is_one_box_with_the_mean_of_its_layers():
    figure = by_layer(closed=[2])
    assert {click[2] for click, _, _ in bricks(figure, "layer")} == {0, 1, 3, 4}
    ((click, value, hover),) = bricks(figure, "stage")
    assert click == ("stage", 0, 2, 0)
    assert value == pytest.approx(np.mean([0.8, 0.9, 1.0, 1.1, 1.2, 1.3]))
    assert "mean of its layers" in hover
    assert figure.layout.height < by_layer().layout.height


def test_each_stage_has_a_bar_that_closes_it_and_says_what_it_is():
    figure = by_layer("resnet110", closed=[3])
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
    figure = by_layer(name)
    assert {
        trace.uid: subpaths(trace) for trace in figure.data if trace.uid in ("identity", "pad", "projection")
    } == arcs
    assert {trace.uid for trace in figure.data if trace.showlegend} == set(arcs)


def test_a_factor_of_the_shortcuts_is_written():
    figure = by_layer("resnet20-alpha0.5", opened=(2, 1))
    assert {trace.name for trace in figure.data if trace.showlegend} == {
        "identity shortcut, × 0.5",
        "zero padding, × 0.5",
    }
    assert any(each.startswith("zero padding") and each.endswith(", × 0.5") for each in words(figure))
    assert not any("× 0.5" in each for each in words(by_layer("resnet20", opened=(2, 1))))


def test_a_click_above_a_block_means_the_block():
    found = [click for click, _, _ in bricks(by_layer("resnet8"), "block", among="shortcuts")]
    assert found == [("block", 0, stage, 1) for stage in (1, 2, 3)]


def test_an_opened_block_is_drawn_in_full():
    figure = by_layer(opened=(2, 1))
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
    figure = by_layer("plain20", opened=(2, 1))
    assert len(line(figure, "joins").x) == 0
    assert any("no shortcut" in each for each in words(figure))


def parts(name, stage, block):
    """What an opened block shows, from left to right."""
    figure = drawn(name, opened=(stage, block))
    letters = line(figure, "letters")
    row = [  # the convolutions are written in their cells
        (x, text)
        for trace in (letters, line(figure, "values"))
        for x, y, text in zip(trace.x, trace.y, trace.text, strict=True)
        if y == max(trace_y for trace_y, each in zip(letters.y, letters.text, strict=True) if each == "out")
    ]
    return [text.replace("<br>", " ") for _, text in sorted(row)]


@pytest.mark.parametrize(
    ("name", "block", "expected"),
    [
        ("resnet50", (2, 1), ["x", "conv 1×1", "batch norm", "ReLU", "conv 3×3", "batch norm", "ReLU", "conv 1×1",
                              "batch norm", "ReLU", "out"]),
        ("preresnet20", (1, 2), ["x", "batch norm", "ReLU", "conv 3×3", "batch norm", "ReLU", "conv 3×3", "out"]),
        ("seresnet20", (1, 2), ["x", "conv 3×3", "batch norm", "ReLU", "conv 3×3", "batch norm", "squeeze, excite",
                                "ReLU", "out"]),
        ("densenet-bc-100-12", (2, 2), ["x", "batch norm", "ReLU", "conv 1×1", "batch norm", "ReLU", "conv 3×3",
                                        "out"]),
        ("densenet-40-12", (2, 1), ["x", "batch norm", "ReLU", "conv 1×1", "2×2 mean", "out"]),
        ("resnet20-skipinit", (1, 1), ["x", "conv 3×3", "ReLU", "conv 3×3", "× a", "ReLU", "out"]),
        ("resnet20-fixup", (1, 1), ["x", "+ b", "conv 3×3", "+ b", "ReLU", "+ b", "conv 3×3", "× a + b", "ReLU",
                                    "out"]),
    ],
)  # fmt: skip
def test_an_opened_block_shows_its_parts_in_their_order(name, block, expected):
    found = [text.partition("</b>")[0].removeprefix("<b>") for text in parts(name, *block)]
    assert found == expected


@pytest.mark.parametrize("name", SMALL)
def test_the_drawn_parts_are_the_modules_of_the_block(name):
    """Counted in the built network: convolutions, batch norms and ReLUs of the branch."""
    config = network_config(name)
    shapes = block_shapes(config)
    for module, shape in zip((block for stage in Network(config).stages for block in stage), shapes, strict=True):
        block = opened_block(layer_rows(layer_table(config)), shapes, (shape.stage, shape.block))
        drawn_parts = Counter(part for part, _ in block_parts(block))
        branch = [each for path, each in module.named_modules() if "shortcut" not in path and "excitation" not in path]
        for part, kind in (("convolution", nn.Conv2d), ("batch norm", nn.BatchNorm2d), ("ReLU", nn.ReLU)):
            assert drawn_parts[part] == sum(isinstance(each, kind) for each in branch), (name, part)


def test_groups_and_strides_are_written_in_a_convolution():
    text = " ".join(words(drawn("resnext50-32x4d", opened=(2, 1))))
    assert "<b>conv 3×3</b><br>stride 2, 32 groups<br>256 → 256" in text


def test_where_a_shortcut_shares_the_first_activation_it_begins_behind_it():
    def tap_and_relu(block, kind):
        figure = drawn("preresnet20", opened=block)
        letters = line(figure, "letters")
        relu = min(x for x, text in zip(letters.x, letters.text, strict=True) if text == "ReLU")
        return [x for x in line(figure, kind).x if x is not None][-4], relu  # the opened block's line is the last

    tap, relu = tap_and_relu((2, 1), "pad")
    assert tap > relu
    tap, relu = tap_and_relu((2, 2), "identity")
    assert tap < relu


def test_a_dense_stage_says_its_channels_and_its_transition():
    text = " ".join(words(drawn("densenet121")))
    assert "Stage 1</b>: 6 dense layers, 256 channels, 56 × 56, layers 2–13" in text
    assert "Stage 2</b>: transition and 12 dense layers, 512 channels, 28 × 28, layers 14–38" in text
    assert set(line(drawn("densenet-bc-22-12"), "joins").text) == {"c"}


def test_a_deep_stem_has_three_cells():
    figure = by_layer("resnet50d")
    stem = line(figure, "cells-0")
    assert [click[1] for row in stem.customdata for click in row if click and click[3] == 0][:3] == [1, 2, 3]
    assert words(figure).count("stem") == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_every_block_of_every_network_can_be_opened(name):
    shapes = block_shapes(NETWORKS[name].config)
    for shape in {(each.kind, each.shortcut, each.stride): each for each in shapes}.values():
        figure = drawn(name, opened=(shape.stage, shape.block))
        assert sum(text.endswith("in full") or "</b> in full" in text for text in words(figure)) == 1


def test_there_must_be_such_a_block():
    with pytest.raises(ValueError, match="no block 4 in stage 2"):
        drawn("resnet20", opened=(2, 4))


def test_a_selected_layer_gets_a_frame_its_stage_where_that_is_closed():
    figure = by_layer(selected=9)
    frame = line(figure, "frames")
    row = line(figure, "cells-2")
    place = [click[1] if click else None for click in row.customdata[0]].index(9)
    assert (min(x for x in frame.x if x), max(x for x in frame.x if x)) == (row.x[place], row.x[place + 1])
    box = line(by_layer(selected=9, closed=[2]), "frames")
    assert max(x for x in box.x if x) - min(x for x in box.x if x) > 800
    assert subpaths(line(by_layer(), "frames")) == 0


def test_layers_that_differ_are_framed_those_of_a_block_together():
    figure = drawn("resnet20", marked=[1, 8, 9, 11, 20])
    frames = line(figure, "marks")
    assert frames.name == "differs"
    assert frames.showlegend
    assert subpaths(frames) == 4
    assert "marks" not in {trace.uid for trace in drawn("resnet20").data}


def test_without_values_there_is_no_colour_bar():
    figure = network_drawing(network_config("resnet20"))
    assert figure.layout.coloraxis.colorbar.title.text is None
    assert len(bricks(figure, "layer")) == 20


def test_values_of_several_networks_are_refused():
    layers = table("plain8")
    twice = pd.concat([layers, layers]).assign(value=1.0)
    with pytest.raises(ValueError, match="several rows for one layer"):
        drawn("plain8", twice, "value")


def test_1202_layers_are_a_few_traces_and_quick():
    by_layer("resnet1202")
    start = time.process_time()
    figure = by_layer("resnet1202")
    assert time.process_time() - start < 1.5  # about 0.2 s; a loaded machine is slower
    assert len(bricks(figure, "layer")) == 1202
    assert len(figure.data) < 25
    assert not figure.layout.shapes
    assert not figure.layout.annotations
    assert len(figure.to_json()) < 400_000
    assert any("200 blocks" in text and "shortcuts not drawn" in text for text in words(figure))
    assert figure.layout.height < 800


def test_a_stage_of_many_blocks_is_read_like_text():
    row = line(by_layer("resnet1202"), "cells-2")
    lines = [[click[3] for click in clicks if click] for clicks in row.customdata]
    assert [(each[0], each[-1]) for each in lines if each] == [(1, 40), (41, 80), (81, 120), (121, 160), (161, 200)]


def test_letters_stand_out_from_their_cell():
    figure = by_layer("plain8")
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
    text = by_layer(opened=(2, 1), selected=8, dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
