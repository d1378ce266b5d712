"""How results show themselves: short in a shell, as facts in a notebook."""

import numpy as np
import pandas as pd
import pytest
import torch

import explorer
from explorer.cards import card, html_table, in_greys, short
from explorer.results import evaluation_table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (np.float32(2.0), "2"),
        (None, "None"),
        ("a\x1b[31m", r"'a\\x1b[31m'"),
        ("x" * 100, "'" + "x" * 59 + "…'"),
        ((1, "two"), "(1, 'two')"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, … 3 more]"),
        (np.zeros((3, 4), np.float32), "<3×4 float32>"),
        (torch.zeros(2), "<2 float32>"),
        (pd.DataFrame({"a": [1], "b": [2]}), "<table of 1 row: a, b>"),
    ],
)
def test_values_are_short(value, text):
    assert short(value) == text


def test_a_card_escapes_all_its_texts():
    text = card("<h1>", {"<a>": "<script>`code`</script>"}, sentences=["a & b"]) + html_table(["<th>"], [["<td>"]])
    assert "<script>" not in text
    assert "<h4>&lt;h1&gt;</h4><p>a &amp; b</p>" in text
    assert "&lt;script&gt;<code>code</code>&lt;/script&gt;" in text
    assert "<td>&lt;td&gt;</td>" in text


def test_a_network_is_one_line_and_print_lists_its_modules():
    network = explorer.build("resnet20").eval()
    text = repr(network)
    assert "\n" not in text
    # He et al. 2015, table 6: 0.27 million parameters, with their shortcuts of option A
    assert "resnet20: residual, 20 layers, 269,722 parameters, 40.6 million multiply-adds for an image of 32×32" in text
    assert "in evaluation mode" in text
    assert str(network).startswith("Network(\n  (stem)")
    assert len(str(network).splitlines()) > 100
    assert "269,722" in network._repr_html_()
    network.classes = ("<b>cat</b>",) * 10
    assert "<b>cat" not in network._repr_html_()


def test_an_operated_network_says_so():
    network = explorer.operated(explorer.build("resnet20"), "delete:2.3")
    assert "operated (delete:2.3; sizes are those before)" in repr(network)
    assert "delete:2.3" in network._repr_html_()
    assert "operated" not in repr(explorer.build("resnet20"))


def test_settings_show_what_is_not_the_default_and_make_an_equal_object():
    plan = explorer.Plan(networks=("plain20", "resnet20"), recipe=explorer.Recipe(steps=60, augment=False))
    assert repr(plan) == "Plan(networks=('plain20', 'resnet20'), recipe=Recipe(steps=60, augment=False))"
    assert str(plan) == repr(plan)
    assert eval(repr(plan), {"Plan": explorer.Plan, "Recipe": explorer.Recipe}) == plan
    assert repr(explorer.Recipe()) == "Recipe()"
    html = plan._repr_html_()
    assert ">Learning rate</th>" in html
    assert ">60 •</td>" in html
    assert ">0.1</td>" in html
    assert "&lt;i&gt;" in explorer.Plan(networks=("plain8",), title="<i>")._repr_html_()


def test_a_verdict_shows_headline_sentences_and_gaps(make_run, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    for network, end in (("plain20", 0.3), ("plain56", 0.5), ("resnet20", 0.3), ("resnet56", 0.2)):
        for seed in (0, 1):
            make_run(network, steps=40, end=end + seed / 100, seed=seed)
    report = explorer.degradation.verdict("e1")
    text = repr(report)
    for part in (report.degradation.headline, *report.degradation.sentences, report.shortcut.headline):
        assert part in text
    assert "DataFrame" not in text
    html = report._repr_html_()
    assert html.count("<tr>") == 1 + len(report.gaps)
    assert "<td>plain56</td><td>plain20</td><td>2</td>" in html
    assert repr(report.shortcut).startswith(report.shortcut.headline + "\n- ")


def test_experiments_and_runs_are_one_line(make_run, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    from explorer.runs.experiments import experiment

    make_run("plain8")
    found = experiment("e1")
    assert repr(found) == "<experiment e1: 'A title', 1 run on digits, finished, step 10 of 10>"
    assert repr(found.runs[0]) == "<run e1-plain8-s0: finished, step 10 of 10>"


def test_an_evaluation_names_its_tables_and_states_its_error(make_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    evaluation = explorer.evaluations.evaluation(make_weights())
    text = repr(evaluation)
    assert "\n" not in text
    assert "predictions=<table of 360 rows: index, label," in text
    assert f"{100 * evaluation.error:.1f} % of 360 images wrong" in evaluation._repr_html_()
    assert evaluation_table([evaluation])["error"].tolist() == [evaluation.error]  # still a plain dataclass


def test_an_attribution_map_shows_picture_and_map(make_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    found = explorer.attribution_maps.attribution_map(make_weights(), "test:3")
    assert "map=<8×8 float32>" in repr(found)
    assert found._repr_html_().count('src="data:image/png;base64,') == 2
    assert "saliency of resnet8-w4 for class" in found.headline()


def test_greys_have_zero_in_the_middle_of_a_signed_map():
    from base64 import b64decode
    from io import BytesIO

    from PIL import Image

    values = np.array([[-1.0, 0.0], [0.5, 1.0]], np.float32)
    html = in_greys(np.zeros((2, 2, 3), np.uint8), values, signed=True)
    data = html.split('src="data:image/png;base64,')[2].split('"')[0]
    levels = np.asarray(Image.open(BytesIO(b64decode(data))).resize((2, 2), Image.Resampling.NEAREST))
    assert levels.tolist() == [[0, 128], [191, 255]]
    assert "grey: 0" in html
