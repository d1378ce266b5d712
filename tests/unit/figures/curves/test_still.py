"""Figures of lines as SVG: what is drawn lies where the axes say."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from explorer import figures
from explorer.figures.curves.still import still

SVG = "{http://www.w3.org/2000/svg}"


def drawn(figure, width=860):
    return ET.fromstring(still(figure, "An <alt> & more", width=width))


@pytest.mark.parametrize("name", ["race", "training_curves"])
@pytest.mark.parametrize("options", [{}, {"log_x": True}])
def test_every_line_and_text_of_the_figure_is_there(metrics, name, options):
    figure = getattr(figures, name)(metrics(seeds=(0, 1)), **options)
    svg = drawn(figure)
    lines = [each for each in svg.iter(f"{SVG}path") if each.get("class") == "line"]
    assert len(lines) == sum("lines" in (trace.mode or "") for trace in figure.data)
    assert {each.get("stroke") for each in lines} == {t.line.color for t in figure.data if "lines" in (t.mode or "")}
    texts = "".join(svg.itertext())
    for label in ("plain20", "resnet56", "step", "error (%)"):
        assert label in texts
    assert svg.get("aria-label") == "An <alt> & more"


def test_a_line_goes_through_the_places_of_its_points(metrics):
    figure = figures.race(metrics(networks=("plain20",)), height=440)
    svg = drawn(figure)
    way = next(each for each in svg.iter(f"{SVG}path") if each.get("class") == "line").get("d")
    places = [[float(number) for number in pair.split()] for pair in way.removeprefix("M").split("L")]
    trace, margin = figure.data[0], figure.layout.margin
    left, right = (margin.l + part * (860 - margin.l - margin.r) for part in figure.layout.xaxis.domain)
    top, bottom = margin.t, 440 - margin.b
    for (x, y), step, error in zip(places, trace.x, trace.y, strict=True):
        assert x == pytest.approx(left + (right - left) * step / figure.layout.xaxis.range[1], abs=0.06)
        assert y == pytest.approx(bottom - (bottom - top) * error / figure.layout.yaxis.range[1], abs=0.06)


def test_many_runs_have_their_bands(metrics):
    figure = figures.race(metrics(networks=("plain20", "resnet20"), seeds=range(30), steps=20))
    bands = sum(bool(trace.fill) for trace in figure.data)
    filled = [each for each in drawn(figure).iter(f"{SVG}path") if each.get("fill") not in (None, "none")]
    assert bands
    assert len(filled) == bands


def test_labels_of_lines_that_end_together_do_not_touch(metrics):
    networks = ("plain20", "plain32", "plain44", "plain56", "resnet20", "resnet32", "resnet44", "resnet56")
    figure = figures.race(metrics(networks=networks).assign(train_error=0.1, test_error=0.1), height=480)
    labels = [each for each in drawn(figure).iter(f"{SVG}text") if "10.0 %" in "".join(each.itertext())]
    sides = {
        x: sorted(float(each.get("y")) for each in labels if each.get("x") == x)
        for x in {each.get("x") for each in labels}
    }
    assert sides
    for heights in sides.values():
        assert all(below - above >= 17.9 for above, below in pairwise(heights))
        assert figure.layout.margin.t <= heights[0]
        assert heights[-1] <= 480 - figure.layout.margin.b + 10


@pytest.mark.parametrize("name", ["race", "training_curves"])
def test_before_the_first_step_there_are_the_axes(metrics, name):
    svg = drawn(getattr(figures, name)(metrics().iloc[:0], steps=100))
    assert not [each for each in svg.iter(f"{SVG}path") if each.get("class") == "line"]
    assert {"step", "error (%)", "100"} <= {"".join(each.itertext()) for each in svg.iter(f"{SVG}text")}


def test_texts_of_others_are_escaped(metrics):
    table = metrics(experiments=("a", "b"))
    figure = figures.training_curves(table, titles={"a": "<script>alert(1)</script>", "b": "Q & <b>A</b>"})
    text = still(figure, "alt")
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert not re.search(r"<(?!/?(svg|title|rect|path|text|tspan|circle|polygon)\b)", text)
