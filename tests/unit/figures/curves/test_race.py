"""The race shows every network's training error, its seeds, and what papers report beside it."""

import json

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.figures import race, theme, training_curves
from explorer.figures.curve_lines import Line, mean_line, thinned

FOUR = ("plain20", "plain56", "resnet20", "resnet56")


def by_uid(figure):
    return {trace.uid: trace for trace in figure.data}


def line(step, value):
    step = np.array(step, float)
    return Line(step, step, np.array(value, float))


@pytest.fixture
def published():
    rows = [
        ("resnet20", "residual", 20, 0.0875, np.nan),
        ("resnet32", "residual", 32, 0.0751, np.nan),
        ("resnet44", "residual", 44, 0.0717, np.nan),
        ("resnet56", "residual", 56, 0.0697, np.nan),
        ("resnet110", "residual", 110, 0.0643, np.nan),
        ("plain110", "plain", 110, np.nan, 0.6),
    ]
    table = pd.DataFrame(rows, columns=["network", "kind", "depth", "test_error", "above"])
    return table.assign(source="He et al. 2015, table 6", note="64,000 steps")


def test_training_error_stands_left_and_large_test_error_right_on_one_scale(metrics):
    table = metrics()
    figure = race(table, smoothing=1)
    rows = table[table["network"] == "plain56"]
    training, test = by_uid(figure)["plain56-train"], by_uid(figure)["plain56-test"]
    np.testing.assert_allclose(training.y, 100 * rows["batch_error"].dropna(), rtol=1e-6)
    np.testing.assert_allclose(test.y, 100 * rows["test_error"].dropna(), rtol=1e-6)
    assert (training.xaxis, test.xaxis) == ("x", "x2")
    left, right = figure.layout.xaxis.domain, figure.layout.xaxis2.domain
    assert left[1] - left[0] > 2 * (right[1] - right[0])
    assert figure.layout.yaxis2.matches == "y"
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range == (0, 102)
    assert [note.text for note in figure.layout.annotations[:2]] == ["<b>Training error</b>", "<b>Test error</b>"]


def test_long_names_have_room_beside_both_panels(metrics):
    usual, long = (race(metrics(networks=("plain56", name))).layout for name in ("resnet56", "resnet56-alpha0.5"))
    assert long.margin.r >= usual.margin.r + 9 * 6
    assert long.xaxis.domain[1] < usual.xaxis.domain[1]
    assert long.xaxis2.domain == usual.xaxis2.domain


def test_training_error_is_a_running_mean(metrics):
    table = metrics(networks=("plain20",))
    errors = 100 * table["batch_error"].dropna().to_numpy()
    smooth = by_uid(race(table, smoothing=10))["plain20-train"]
    assert smooth.y[49] == pytest.approx(errors[40:50].mean(), rel=1e-6)


def test_plain_is_dashed_residual_solid_and_twins_share_a_colour(metrics):
    traces = by_uid(race(metrics()))
    plain, residual = traces["plain56-train"].line, traces["resnet56-train"].line
    assert plain.color == residual.color == theme.LIGHT.depth(56)
    assert (plain.dash, residual.dash) == (theme.DASHES["plain"], "solid")


def test_markers_stand_on_evaluations_in_the_test_panel_alone(metrics):
    traces = by_uid(race(metrics()))
    assert traces["plain20-train"].mode == "lines"
    assert traces["plain20-test"].mode == "lines+markers"
    assert list(traces["plain20-test"].x) == list(range(0, 101, 10))


def test_several_seeds_are_faint_lines_around_their_mean(metrics):
    table = metrics(networks=("resnet20",), seeds=(0, 1, 2))
    traces = by_uid(race(table, smoothing=1))
    seeds = [traces[f"e-resnet20-s{seed}-train"] for seed in (0, 1, 2)]
    mean = traces["resnet20-train"]
    np.testing.assert_allclose(mean.y, np.mean([seed.y for seed in seeds], axis=0), rtol=1e-6)
    assert all(seed.line.color == mean.line.color and seed.opacity < 0.5 for seed in seeds)
    assert all(seed.line.width < mean.line.width for seed in seeds)
    assert "bold: mean over seeds" in race(table).layout.annotations[2].text


def test_one_seed_is_one_bold_line(metrics):
    figure = race(metrics(networks=("resnet20",)))
    assert sorted(by_uid(figure)) == ["resnet20-test", "resnet20-test-label", "resnet20-train", "resnet20-train-label"]
    assert "bold" not in figure.layout.annotations[2].text


def test_the_mean_ends_where_the_slowest_seed_is(metrics):
    table = metrics(networks=("resnet20",), seeds=(0, 1))
    table = table[(table["seed"] == 0) | (table["step"] <= 40)]
    traces = by_uid(race(table))
    assert max(traces["resnet20-train"].x) == max(traces["resnet20-test"].x) == 40
    assert max(traces["e-resnet20-s0-train"].x) == 100


def test_mean_of_lines_thinned_differently_by_hand():
    mean = mean_line([line([0, 2, 4, 6], [1, 3, 5, 7]), line([0, 4, 5], [3, 7, 8])])
    assert list(mean.step) == [0, 2, 4]
    np.testing.assert_allclose(mean.value, [2, 4, 6])
    assert len(mean_line([]).x) == len(mean_line([line([1], [1]), line([2, 3], [1, 1])]).x) == 0


def test_thinning_keeps_both_ends():
    thin = thinned(line(range(1000), range(1000)), 10)
    assert (len(thin.x), thin.step[0], thin.step[-1]) == (10, 0, 999)
    assert len(thinned(line(range(5), range(5)), 10).x) == 5


def test_long_runs_of_many_seeds_stay_small_enough_to_draw(metrics):
    networks = tuple(f"{kind}{depth}" for kind in ("plain", "resnet") for depth in (20, 32, 44, 56))
    figure = race(metrics(networks=networks, seeds=range(5), steps=3000))
    assert max(len(trace.x) for trace in figure.data) <= 2000
    assert len(figure.to_json()) < 1e6


def test_a_network_has_one_legend_entry_that_hides_all_it_has(metrics):
    figure = race(metrics(networks=tuple(reversed(FOUR)), seeds=(0, 1)))
    assert [trace.name for trace in figure.data if trace.showlegend is not False and trace.xaxis == "x"] == list(FOUR)
    assert not any(trace.showlegend for trace in figure.data if trace.xaxis == "x2")
    group = [trace for trace in figure.data if trace.legendgroup == "plain56"]
    assert {trace.xaxis for trace in group} == {"x", "x2"}
    assert len(group) == 8  # in each panel two seeds, their mean, a label
    assert figure.layout.legend.groupclick == "togglegroup"


def test_names_and_last_values_stand_apart_at_the_line_ends(metrics):
    figure = race(metrics(networks=("resnet20", "resnet32", "resnet44", "resnet56")), smoothing=1)
    labels = [trace for trace in figure.data if trace.uid.endswith("-train-label")]
    heights = sorted(label.y[0] for label in labels)
    assert min(np.diff(heights)) >= 5
    assert heights[0] >= 0
    assert by_uid(figure)["resnet20-train-label"].text[0].endswith("resnet20 <b>0.6 %</b>")


def test_zoom_and_hidden_lines_are_kept_while_curves_grow(metrics):
    before, after = race(metrics(steps=20), steps=40), race(metrics(steps=40), steps=40)
    assert [trace.uid for trace in before.data] == [trace.uid for trace in after.data]
    assert len(set(by_uid(after))) == len(after.data)
    for axis in ("xaxis", "xaxis2", "yaxis", "yaxis2"):
        assert before.layout[axis].uirevision == after.layout[axis].uirevision
    assert race(metrics(), log_x=True).layout.xaxis.uirevision != after.layout.xaxis.uirevision


def test_logarithmic_steps_leave_step_zero_out(metrics):
    figure = race(metrics(), log_x=True)
    assert figure.layout.xaxis2.type == "log"
    assert by_uid(figure)["plain20-test"].x[0] == 10


def test_published_errors_are_dotted_in_the_last_third_of_the_test_panel(metrics, published):
    figure = race(metrics(), published=published)
    lines = [t for t in figure.data if "published" in t.uid and t.yaxis == "y2"]
    assert sorted(t.y[0] for t in lines) == pytest.approx([6.43, 6.97, 7.17, 7.51, 8.75])
    assert all(t.x[0] == pytest.approx(2 / 3) and t.x[-1] == 1 for t in lines)
    overlay = figure.layout[lines[0].xaxis.replace("x", "xaxis")]
    assert (overlay.overlaying, tuple(overlay.range), overlay.fixedrange) == ("x2", (0, 1), True)
    assert any("8.75 %<br>He et al. 2015, table 6<br>64,000 steps" in t.hovertemplate for t in lines)
    assert not any(t.showlegend or t.legendgroup for t in lines)


def test_near_published_errors_share_one_text_and_a_single_one_names_its_paper(metrics, published):
    texts = [note.text for note in race(metrics(), published=published).layout.annotations]
    assert [text for text in texts if "published" in text] == ["published: 6.4 to 8.8 %"]
    texts = [note.text for note in race(metrics(), published=published[:1]).layout.annotations]
    assert "He et al. 8.75 %" in texts


def test_a_published_bound_is_a_mark_in_the_training_panel(metrics, published):
    figure = race(metrics(), published=published)
    (mark,) = [t for t in figure.data if "published" in t.uid and t.yaxis == "y"]
    assert mark.y[0] == 60
    assert "plain110, He et al. > 60 %" in [note.text for note in figure.layout.annotations]
    low = metrics()
    low[["batch_error", "test_error"]] *= 0.3
    figure = race(low, published=published)
    (mark,) = [t for t in figure.data if "published" in t.uid and t.yaxis == "y"]
    assert mark.y[0] == figure.layout.yaxis.range[1] / 1.02 == 30  # past the axis it stands at its top


def test_published_errors_change_no_axis(metrics, published):
    without, beside = race(metrics()).layout, race(metrics(), published=published).layout
    for axis in ("xaxis", "xaxis2", "yaxis", "yaxis2", "legend"):
        assert without[axis] == beside[axis]


def test_empty_table_gives_axes_to_wait_with(metrics, published):
    figure = race(metrics().iloc[:0], steps=100)
    assert len(figure.data) == 0
    assert figure.layout.xaxis.range[1] == pytest.approx(101)
    assert len(race(metrics().iloc[:0], published=published).data) == 6


def test_records_of_one_training_need_no_keys(metrics):
    assert len(race(metrics(networks=("resnet20",))[tables.METRICS]).data) == 4


def test_dark_pages_get_dark_colours_alone(metrics, published):
    text = race(metrics(), published=published, dark=True).to_json()
    assert theme.DARK.depth(56) in text
    assert not [colour for colour in theme.LIGHT.colours if colour in text]


def test_letters_are_large_enough_for_a_projector(metrics, published):
    layout = json.loads(race(metrics(), published=published).to_json())["layout"]
    assert min(note["font"]["size"] for note in layout["annotations"]) >= 14
    assert layout["legend"]["font"]["size"] >= 15


def test_markers_at_the_axes_are_drawn_whole(metrics):
    assert all(trace.cliponaxis is False for trace in race(metrics()).data if "markers" in trace.mode)


def test_many_runs_are_means_with_a_band_and_no_faint_lines(metrics):
    table = metrics(networks=("plain20", "resnet20"), seeds=range(50))
    figure = race(table, smoothing=1)
    rows = table[(table["network"] == "resnet20") & table["batch_error"].notna()]
    expected = rows.groupby("step")["batch_error"]
    traces = by_uid(figure)
    np.testing.assert_allclose(traces["resnet20-train"].y, 100 * expected.mean(), rtol=1e-6)
    np.testing.assert_allclose(traces["resnet20-train-band"].y[:100], 100 * expected.quantile(0.9), rtol=1e-6)
    assert not [trace.uid for trace in figure.data if "-s" in trace.uid]
    assert figure.layout.annotations[2].text.startswith("100 runs; a line: mean of 50 runs of one network")


@pytest.mark.parametrize("seeds", [4, 5])
def test_the_runs_of_a_class_are_bands_and_of_few_seeds_single_lines(metrics, seeds):
    table = pd.concat(
        [metrics(networks=("plain20", "resnet20"), seeds=range(seeds)), metrics(networks=("plain56",), seeds=(0, 1))]
    )
    figure = race(table, smoothing=1)
    faint = {trace.uid for trace in figure.data if trace.opacity == 0.4 and trace.uid.endswith("-train")}
    bands = {trace.uid for trace in figure.data if trace.uid.endswith("-train-band")}
    assert bands == ({"plain20-train-band", "resnet20-train-band"} if seeds == 5 else set())
    assert len(faint) == (2 if seeds == 5 else 10)
    note = figure.layout.annotations[2].text
    assert "thin: single seeds" in note
    assert ("band: the middle 80 % of the seeds" in note) == (seeds == 5)


def test_a_run_of_a_class_that_ended_early_does_not_cut_off_the_mean_of_the_others(metrics):
    table = metrics(networks=("plain20",), seeds=range(6))
    early = table[(table["seed"] != 5) | (table["step"] <= 20)]
    line = by_uid(race(early, smoothing=1))["plain20-train"]
    rows = table[(table["seed"] != 5) & table["batch_error"].notna()]
    np.testing.assert_allclose(line.y, 100 * rows.groupby("step")["batch_error"].mean(), rtol=1e-6)


def test_many_networks_share_the_lines_of_their_depth(metrics):
    figure = race(metrics(networks=[f"resnet20-w{width}" for width in range(4, 45)] + ["plain20"], steps=10))
    assert {trace.name for trace in figure.data if trace.showlegend} == {"plain, 20 layers", "residual, 20 layers"}


@pytest.mark.parametrize("draw", [race, training_curves])
def test_lines_end_at_the_errors_at_the_end_of_the_schedule(metrics, draw):
    """A table of averaged steps has another mean of the last ones."""
    table = metrics(networks=("plain20",), seeds=(0, 1))
    figure = draw(table, ends={"e-plain20-s0": (0.5, 0.6), "e-plain20-s1": (0.52, 0.62)})
    labels = "".join(trace.text[0] for trace in figure.data if trace.mode == "text")
    assert "<b>51.0 %</b>" in labels
    assert draw is training_curves or "<b>61.0 %</b>" in labels
