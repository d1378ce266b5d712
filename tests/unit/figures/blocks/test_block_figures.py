"""Figures of probes, similarities of layers and paths: what is drawn where, and in which style."""

from math import comb

import numpy as np
import pandas as pd
import pytest

from explorer import figures, tables
from explorer.figures import theme


def points(blocks=2):
    """Of a network of three stages: `tables.POINT_KEYS`."""
    rows = [(0, "stem", "output", 0, 0, 1)]
    rows += [
        (1 + number, f"stages.{number // blocks}.{number % blocks}", "output", 1 + number // blocks,
         1 + number % blocks, 3 + 2 * number)
        for number in range(3 * blocks)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=tables.POINT_KEYS)


def keys(network, step=100):
    kind = "plain" if network.startswith("plain") else "residual"
    depth = int(network.removeprefix("plain").removeprefix("resnet"))
    return {"reference": f"run-{network}@{step}", "network": network, "kind": kind, "depth": depth, "step": step}


@pytest.fixture
def probes():
    parts = []
    for network, blocks in (("plain14", 2), ("resnet14", 2), ("resnet20", 3)):
        rows = points(blocks)
        rows = rows.assign(features=16, c=0.1, train_error=0.1, error=0.6 - 0.05 * rows["point"], standard_error=0.01)
        parts.append(rows.assign(network_error=0.2, held_out_error=0.3, images=100, **keys(network)))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("dark", [False, True])
def test_probe_errors_are_a_line_per_network_with_the_network_itself_at_the_end(probes, dark):
    figure = figures.probe_errors(probes, dark=dark)
    lines = {trace.name: trace for trace in figure.data if trace.uid.endswith("-line")}
    assert list(lines) == ["plain14", "resnet14", "resnet20"]
    assert (lines["plain14"].line.dash, lines["resnet14"].line.dash) == (theme.DASHES["plain"], "solid")
    assert list(lines["resnet14"].y) == pytest.approx([60 - 5 * number for number in range(7)])
    assert (lines["resnet20"].x[0], lines["resnet20"].x[-1]) == (0, 1)
    own = [trace for trace in figure.data if trace.uid.endswith("-own")]
    assert [trace.y[0] for trace in own] == pytest.approx([20] * 3)
    assert list(figure.layout.xaxis.minor.tickvals) == pytest.approx([3.5 / 9, 6.5 / 9])  # borders of resnet20
    assert "dashed: plain, solid: residual" in figure.layout.annotations[0].text


def test_probe_errors_count_blocks_if_asked(probes):
    figure = figures.probe_errors(probes, x="block")
    assert figure.layout.xaxis.title.text == "block (0: stem)"
    assert max(max(trace.x) for trace in figure.data if trace.uid.endswith("-line")) == 9


@pytest.fixture
def similarities():
    facts = pd.concat([points(blocks).assign(**keys(name)) for name, blocks in (("plain14", 2), ("resnet20", 3))])
    sides = [facts.add_suffix(f"_{side}").assign(on=0) for side in ("a", "b")]
    table = sides[0].merge(sides[1], on="on")
    return table.assign(cka=np.arange(len(table)) / len(table))[tables.CKA]


@pytest.mark.parametrize("dark", [False, True])
def test_similarities_are_a_map_for_each_network_and_each_pair(similarities, dark):
    figure = figures.layer_similarity(similarities, dark=dark)
    assert [trace.z.shape for trace in figure.data] == [(7, 7), (7, 10), (10, 10)]
    headings = [each.text for each in figure.layout.annotations if each.name == "heading"]
    assert headings == ["<b>plain14</b>", "<b>plain14 and resnet20</b>", "<b>resnet20</b>"]
    between = figure.data[1]
    rows = similarities.set_index(["reference_a", "point_a", "reference_b", "point_b"])
    assert between.z[2][5] == pytest.approx(rows.loc["run-plain14@100", 2, "run-resnet20@100", 5]["cka"])
    assert list(between.customdata[2][5]) == ["stages.0.1 (stage 1)", "stages.1.1 (stage 2)"]
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)
    borders = [each for each in figure.layout.shapes if each.xref == "x2"]
    assert [each.x0 for each in borders] == [3.5, 6.5]
    assert figure.layout.yaxis2.scaleratio == pytest.approx(10 / 7)
    assert list(figure.layout.yaxis2.ticktext) == ["1", "2", "3"]


def test_maps_between_moments_of_a_network_are_named_by_their_steps(similarities):
    moments = similarities.assign(
        **{f"{key}_{side}": value for side in ("a", "b") for key, value in (("network", "resnet20"), ("depth", 20))},
        step_a=similarities["step_a"].where(similarities["reference_a"] == "run-plain14@100", 2000),
        step_b=similarities["step_b"].where(similarities["reference_b"] == "run-plain14@100", 2000),
    )  # fmt: skip
    moments["kind_a"] = moments["kind_b"] = "residual"
    figure = figures.layer_similarity(moments)
    headings = [each.text for each in figure.layout.annotations if each.name == "heading"]
    assert headings == ["<b>resnet20, step 100</b>", "<b>steps 100 and 2,000</b>", "<b>resnet20, step 2,000</b>"]


@pytest.fixture
def paths():
    parts = []
    for network, blocks in (("plain20", 9), ("resnet20", 9), ("resnet56", 27)):
        lengths = [blocks] if network == "plain20" else list(range(blocks + 1))
        count = np.array([1.0 if network == "plain20" else comb(blocks, length) for length in lengths])
        norm = 0.1 ** np.array(lengths)
        rows = {"length": lengths, "layers": 2 * np.array(lengths), "paths": count, "gradient_norm": norm}
        rows |= {"gradient_low": norm / 2, "gradient_high": 2 * norm, "product": count * norm}
        parts.append(pd.DataFrame(rows | {"share": count * norm / (count * norm).sum(), "sampled": 5} | keys(network)))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("dark", [False, True])
def test_paths_have_a_panel_for_number_gradient_and_product(paths, dark):
    figure = figures.path_lengths(paths, dark=dark)
    lines = {(trace.name, trace.yaxis): trace for trace in figure.data if "-line-" in trace.uid}
    assert len(lines) == 7  # the one path of a plain network has 100 % of everything
    assert max(lines["resnet20", "y"].y) == pytest.approx(100 * comb(9, 4) / 2**9)
    assert list(lines["resnet20", "y2"].y) == pytest.approx([0.1**length for length in range(10)])
    assert sum(lines["resnet56", "y3"].y) == pytest.approx(100)
    assert list(lines["plain20", "y2"].x) == [9]
    assert figure.layout.yaxis2.type == "log"
    note = figure.layout.annotations[0].text
    assert "plain20: one path, of all 9 blocks" in note
    assert "resnet20: 90 % in lengths 0 to 2 of 9" in note
    assert sum(bool(trace.showlegend) for trace in figure.data) == 3


def test_empty_tables_give_empty_figures(probes, similarities, paths):
    for figure, table in (
        (figures.probe_errors, probes), (figures.layer_similarity, similarities), (figures.path_lengths, paths)
    ):  # fmt: skip
        assert len(figure(table.iloc[:0]).data) == 0
