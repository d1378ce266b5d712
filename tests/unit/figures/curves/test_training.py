"""The figure shows the numbers of the table, in the manner of He et al. 2015, figure 6."""

import ast
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import explorer.figures
from explorer import tables
from explorer.errors import UnknownName
from explorer.figures import theme, training_curves
from explorer.figures.curve_lines import MEASURES, letter, running_mean

SEEDS = tuple(range(50))


def note(figure):
    return figure.layout.annotations[0].text


def traces(figure, part):
    return {trace.uid.removesuffix(f"-{part}"): trace for trace in figure.data if trace.uid.endswith(f"-{part}")}


def test_training_error_is_bold_in_percent_and_test_error_thin(metrics):
    table = metrics()
    figure = training_curves(table, smoothing=1)
    bold, thin = traces(figure, "each-step")["e-plain20-s0"], traces(figure, "evaluated")["e-plain20-s0"]
    rows = table[table["run"] == "e-plain20-s0"]
    np.testing.assert_allclose(bold.y, 100 * rows["batch_error"].dropna(), rtol=1e-6)
    np.testing.assert_allclose(thin.y, 100 * rows["test_error"].dropna(), rtol=1e-6)
    assert list(thin.x) == list(range(0, 101, 10))
    assert thin.line.width < bold.line.width


def test_plain_stands_left_and_residual_right_on_one_scale(metrics):
    figure = training_curves(metrics())
    bold = traces(figure, "evaluated")
    assert bold["e-plain56-s0"].xaxis == "x"
    assert bold["e-resnet56-s0"].xaxis == "x2"
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert figure.layout.yaxis2.matches == "y"
    assert [figure.layout.legend.title.text, figure.layout.legend2.title.text] == [
        "<b>Plain networks</b>",
        "<b>Residual networks</b>",
    ]


def test_a_network_and_its_twin_share_a_colour_but_not_a_dash(metrics):
    bold = traces(training_curves(metrics(), panels=False), "evaluated")
    plain, residual = bold["e-plain20-s0"], bold["e-resnet20-s0"]
    assert plain.line.color == residual.line.color
    assert plain.line.dash != residual.line.dash
    assert plain.marker.symbol != residual.marker.symbol
    assert plain.xaxis == residual.xaxis == "x"


def test_three_kinds_stand_beside_each_other_with_room_for_the_longest_name(metrics):
    figure = training_curves(metrics(networks=("plain20", "resnet20", "densenet-bc-100-12")))
    axes = [figure.layout[axis].domain for axis in ("xaxis", "xaxis2", "xaxis3")]
    assert [start for start, _ in axes] == sorted(start for start, _ in axes)
    assert all(left[1] < right[0] for left, right in itertools.pairwise(axes))
    assert axes[0][0] == 0
    assert axes[2][1] == 1
    assert figure.layout.margin.r > training_curves(metrics()).layout.margin.r


def test_only_a_name_that_is_a_depth_is_shortened(metrics):
    figure = training_curves(metrics(networks=("plain20", "resnet20", "preresnet20", "resnet20-fixup")))
    ends = [trace.text[0].strip() for trace in figure.data if trace.mode == "text"]
    assert {text.split("  ")[0] for text in ends} == {"20", "preresnet20", "resnet20-fixup"}


def test_one_kind_alone_takes_the_whole_width(metrics):
    figure = training_curves(metrics(networks=("resnet20",)))
    assert tuple(figure.layout.xaxis.domain) == (0, 1)
    assert figure.layout.legend.title.text == "<b>Residual networks</b>"


def test_seeds_share_colour_and_legend_entry(metrics):
    figure = training_curves(metrics(networks=("resnet20",), seeds=(0, 1, 2)))
    bold = traces(figure, "evaluated").values()
    assert len({trace.line.color for trace in bold}) == 1
    assert [trace.showlegend for trace in bold] == [True, False, False]
    assert len(traces(figure, "label")) == 1


def test_experiments_differ_by_letter_and_marker_in_the_order_of_the_titles(metrics):
    table = metrics(networks=("resnet20",), experiments=("second", "first"))
    figure = training_curves(table, titles={"first": "Old <b>", "second": "New"})
    bold = traces(figure, "evaluated")
    assert bold["first-resnet20-s0"].marker.symbol != bold["second-resnet20-s0"].marker.symbol
    note = figure.layout.annotations[0].text
    assert "A</b> Old &lt;b>" in note
    assert note.index("Old") < note.index("New")
    assert {text.split()[1] for trace in traces(figure, "label").values() for text in trace.text} == {"A", "B"}


def test_labels_at_line_ends_do_not_overlap(metrics):
    figure = training_curves(metrics(networks=("resnet20", "resnet32", "resnet44", "resnet56")))
    heights = sorted(trace.y[0] for trace in traces(figure, "label").values())
    assert min(np.diff(heights)) >= 4
    assert traces(figure, "label")["resnet20"].text[0].endswith("<b>0.8 %</b>")


def test_zero_on_a_logarithmic_axis_is_drawn_at_its_foot_and_named_truly(metrics):
    table = metrics(networks=("resnet20",))
    table.loc[table["step"] == 100, "test_error"] = 0.0
    bold = traces(training_curves(table, log_y=True, log_x=True), "evaluated")["e-resnet20-s0"]
    assert bold.y[-1] > 0
    assert bold.customdata[-1][1] == 0
    assert bold.x[0] == 10  # step 0 has no place on it


def test_against_seconds(metrics):
    figure = training_curves(metrics(), x="seconds")
    assert max(traces(figure, "evaluated")["e-plain20-s0"].x) == 50
    assert figure.layout.xaxis.title.text == "training time (seconds)"


def test_step_axis_ends_where_training_will(metrics):
    assert training_curves(metrics(steps=30), steps=100).layout.xaxis.range[1] == pytest.approx(101)


def test_zoom_is_kept_while_curves_grow_and_dropped_with_another_axis(metrics):
    before, after = training_curves(metrics(steps=20)), training_curves(metrics(steps=40))
    assert before.layout.uirevision == after.layout.uirevision
    assert before.layout.xaxis.uirevision == after.layout.xaxis.uirevision
    assert [trace.uid for trace in before.data] == [trace.uid for trace in after.data]
    assert training_curves(metrics(), x="seconds").layout.xaxis.uirevision != after.layout.xaxis.uirevision


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_draws_finite_values_from_columns_that_exist(metrics, measure):
    shown = MEASURES[measure]
    for column, _ in filter(None, (shown.each_step, shown.evaluated)):
        assert column in tables.METRICS
    for trace in training_curves(metrics(), measure=measure).data:
        assert np.isfinite(np.array(trace.y, dtype=float)).all()


def test_unknown_measure_names_the_known_ones(metrics):
    with pytest.raises(UnknownName, match="Did you mean 'error'"):
        training_curves(metrics(), measure="eror")


def test_empty_table_gives_axes_to_wait_with(metrics):
    figure = training_curves(metrics().iloc[:0], steps=100)
    assert len(figure.data) == 0
    assert figure.layout.yaxis.range[1] == pytest.approx(102)


def test_records_of_one_training_need_no_keys(metrics):
    table = metrics(networks=("resnet20",))[tables.METRICS]
    assert len(traces(training_curves(table), "evaluated")) == 1


def test_values_that_are_not_finite_are_left_out(metrics):
    table = metrics(networks=("plain20",))
    table.loc[table["step"] == 50, "loss"] = np.inf
    assert len(traces(training_curves(table, measure="loss"), "each-step")["e-plain20-s0"].x) == 99


def test_letters_are_large_enough_for_a_projector(metrics):
    sizes = []

    def collect(value):
        if isinstance(value, dict):
            sizes.extend(v for k, v in value.items() if (k == "size" and "family" in value) or k == "tickfont")
            for inner in value.values():
                collect(inner)

    layout = json.loads(training_curves(metrics()).to_json())["layout"]
    collect(layout)
    assert layout["font"]["size"] >= 14
    assert layout["xaxis"]["tickfont"]["size"] >= 14
    assert min(note["font"]["size"] for note in layout["annotations"]) >= 14


def test_running_mean_by_hand():
    step, value = np.array([1.0, 2, 3, 10]), np.array([1.0, 3, 5, 7])
    np.testing.assert_allclose(running_mean(step, value, 2), [1, 2, 4, 7])
    np.testing.assert_allclose(running_mean(step, value, 1), value)
    assert running_mean(np.empty(0), np.empty(0), 5).shape == (0,)


def test_letters_go_on_past_z():
    assert [letter(0), letter(25), letter(26)] == ["A", "Z", "A1"]


def test_figures_import_neither_torch_nor_streamlit():
    code = "import sys, explorer.figures; print({'torch', 'streamlit'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_colours_are_written_in_the_theme_alone():
    folder = Path(explorer.figures.__file__).parent
    for path in folder.glob("*.py"):
        if path.name == "theme.py":
            continue
        texts = [n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)]
        colour = re.compile(r"#[0-9A-Fa-f]{3,8}|rgba?\(.*|black|white")
        assert not [t for t in texts if isinstance(t, str) and colour.fullmatch(t)], path.name
    assert theme.LIGHT.page.startswith("#")


def test_experiments_beyond_z_have_letters_and_marks(metrics):
    table = metrics(networks=("plain20",), experiments=[f"e{number}" for number in range(30)], steps=10)
    figure = training_curves(table)
    symbols = [traces(figure, "evaluated")[f"e{number}-plain20-s0"].marker.symbol for number in (0, 1, 26)]
    assert symbols == [theme.MARKERS["plain"][place % 4] for place in (0, 1, 26)]
    assert "A to D1: the 30 experiments" in note(figure)


def test_many_runs_are_the_means_of_their_networks_with_bands(metrics):
    table = metrics(networks=("plain20", "resnet20"), seeds=SEEDS)
    figure = training_curves(table, smoothing=1)
    rows = table[(table["network"] == "plain20") & table["batch_error"].notna()]
    expected = rows.groupby("step")["batch_error"]
    np.testing.assert_allclose(traces(figure, "each-step")["plain20"].y, 100 * expected.mean(), rtol=1e-6)
    edges = traces(figure, "band")["plain20"].y
    np.testing.assert_allclose(edges[: len(expected)], 100 * expected.quantile(0.9), rtol=1e-6)
    np.testing.assert_allclose(edges[len(expected) :], 100 * expected.quantile(0.1).iloc[::-1], rtol=1e-6)
    assert "mean of 50 runs" in traces(figure, "evaluated")["plain20"].hovertemplate
    assert note(figure).startswith(
        "100 runs; a line: mean of 50 runs of one network\u2003band: the middle 80 % of them"
    )


@pytest.mark.parametrize(
    ("networks", "experiments", "common", "names"),
    [
        (["plain20", "resnet20"], 21, "one network in all experiments", {"plain20", "resnet20"}),
        (["plain20"], 41, "one network in all experiments", {"plain20"}),
        ([f"resnet20-w{width}" for width in range(4, 45)], 1, "one kind and depth", {"residual, 20 layers"}),
        ([f"plain{6 * n + 2}" for n in range(1, 42)], 1, "one kind", {"all plain"}),
        (
            [f"resnet{6 * n + 2}" for n in range(1, 22)],
            2,
            "one network in all experiments",
            {f"resnet{6 * n + 2}" for n in range(1, 22)},
        ),
    ],
)
def test_lines_have_as_much_in_common_as_can_be_told_apart(metrics, networks, experiments, common, names):
    table = metrics(networks=networks, experiments=[f"e{number}" for number in range(experiments)], steps=10)
    figure = training_curves(table, panels=False)
    assert {trace.legendgroup for trace in figure.data} == names
    assert f" runs of {common}\u2003" in note(figure)


def test_a_few_dozen_runs_are_drawn_one_by_one(metrics):
    figure = training_curves(metrics(networks=("plain20",), seeds=range(40), steps=10))
    assert len(traces(figure, "evaluated")) == 40
    assert not traces(figure, "band")
    assert "runs" not in note(figure)


def test_a_run_that_ended_early_does_not_end_the_mean_of_many(metrics):
    table = metrics(networks=("plain20",), seeds=SEEDS)
    table = table[(table["seed"] != 7) | (table["step"] <= 10)]
    bold = traces(training_curves(table), "evaluated")["plain20"]
    assert bold.x[-1] == 100
    assert "mean of 49 runs" in bold.hovertemplate
