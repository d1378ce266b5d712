"""Which lines a table of measured networks has, what they are called and how they look."""

import re

import numpy as np
import pandas as pd

from explorer.figures import theme
from explorer.figures.network_lines import base_layout, named_once, network_lines


def table(*rows):
    """One row each: reference, network, step."""
    found = pd.DataFrame(rows, columns=["reference", "network", "step"])
    found["kind"] = np.where(found["network"].str.startswith("plain"), "plain", "residual")
    return found.assign(depth=found["network"].str.extract(r"(\d+)").astype(int)[0])


def labels(*rows):
    return [line.label for line in network_lines(table(*rows))]


def test_plain_stands_before_residual_and_shallow_before_deep():
    rows = [(name, name, 9) for name in ("resnet56", "plain56", "resnet20", "plain20")]
    assert labels(*rows) == ["plain20", "plain56", "resnet20", "resnet56"]


def test_a_network_at_several_steps_is_named_with_its_step():
    rows = [("r@0", "resnet20", 0), ("r", "resnet20", 1400), ("p", "plain20", 1400)]
    assert labels(*rows) == ["plain20", "resnet20, step 0", "resnet20, step 1,400"]


def test_an_earlier_moment_is_thinner_and_lighter_than_a_later_one():
    first, last, alone = (
        line.style(theme.LIGHT)
        for line in network_lines(table(("r@0", "resnet20", 0), ("r", "resnet20", 400), ("s@0", "resnet56", 0)))
    )
    assert first["opacity"] < last["opacity"] == alone["opacity"] == 1
    assert first["line"]["width"] < last["line"]["width"] == alone["line"]["width"]


def test_two_runs_of_a_network_at_one_step_have_letters_that_the_note_explains():
    lines = network_lines(
        table(("b", "resnet20", 400), ("a", "resnet20", 400), ("a@0", "resnet20", 0), ("p", "plain20", 400))
    )
    assert [line.label for line in lines] == ["plain20", "resnet20 A", "resnet20 B, step 0", "resnet20 B, step 400"]
    note = base_layout(lines, [], theme.LIGHT, height=400)["annotations"][0]["text"]
    assert "<b>resnet20 A</b> b\u2003<b>resnet20 B</b> a" in note


def test_a_step_that_is_not_known_is_said_so():
    assert labels(("f", "resnet20", None), ("r", "resnet20", 400)) == [
        "resnet20, step not known",
        "resnet20, step 400",
    ]


def test_without_reference_and_step_a_network_is_one_untrained_line():
    (line,) = network_lines(table(("r", "resnet20", 9)).drop(columns=["reference", "step"]))
    assert (line.reference, line.step, line.label) == ("resnet20", 0, "resnet20")


def test_the_note_says_what_dashes_and_pale_lines_mean_only_where_there_are_some():
    alone, both, twice = (
        base_layout(network_lines(table(*rows)), ["", "a fact"], theme.LIGHT, height=400)["annotations"][0]["text"]
        for rows in (
            [("r", "resnet20", 9)],
            [("r", "resnet20", 9), ("p", "plain20", 9)],
            [("r", "resnet20", 9), ("r@0", "resnet20", 0)],
        )
    )
    assert alone == "a fact"
    assert both == "dashed: plain, solid: residual\u2003a fact"
    assert twice == "pale: an earlier step\u2003a fact"


def test_a_line_in_several_panels_has_one_legend_entry():
    traces = named_once([{"legendgroup": name} for name in "abab"] + [{"legendgroup": "c", "showlegend": False}])
    assert [trace["showlegend"] for trace in traces] == [True, True, False, False, False]


def test_ids_of_traces_can_stand_in_a_css_selector():
    """Plotly looks for a colour bar by them when a figure replaces another."""
    for reference in ("run-1@400", "/tmp/my weights.safetensors"):
        (line,) = network_lines(table((reference, "plain20", 400)))
        assert re.fullmatch(r"[A-Za-z0-9_-]+", line.uid)
