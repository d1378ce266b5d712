"""Refinement by reference, from Python and the shell."""

import json

import pandas as pd
import pytest

from explorer import progress, tables
from explorer.analysis import refinement as analysis
from explorer.cli.main import main
from explorer.data.batches import Batches
from explorer.data.pixels import load_data
from explorer.runs.checkpoints import load_checkpoint
from explorer.studies import refinement as study


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


def test_it_is_measured_on_test_images(run):
    images, labels = Batches(load_data("digits"), batch_size=1).test_sample(20).whole("cpu")
    seen = []
    with progress.listening(seen.append):
        table = study.refinement([run, "plain8-w4"], images=20)
    assert list(table.columns) == [*tables.MEASURED_KEYS, *tables.REFINEMENT]
    assert list(table["network"]) == ["resnet8-w4"] * 3 + ["plain8-w4"] * 3
    expected = analysis.refinement(load_checkpoint(run), images, labels)
    pd.testing.assert_frame_equal(table[tables.REFINEMENT].head(3), expected)
    iterated = study.iterated([run], images=20, most=2)
    assert list(iterated.columns) == [*tables.MEASURED_KEYS, *tables.ITERATED]
    expected = pd.concat(analysis.iterated(load_checkpoint(run), images, labels, most=2), ignore_index=True)
    pd.testing.assert_frame_equal(iterated[tables.ITERATED], expected)
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_the_shell_prints_blocks(run, capsys):
    assert main(["refine", run, "--images", "10", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["blocks"]
    assert [(row["stage"], row["block"]) for row in rows] == [(1, 1), (2, 1), (3, 1)]
    assert rows[1]["cosine"] is None  # it changes the shape
    assert main(["refine", run, "--images", "10", "--iterated", "--most", "2", "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ",".join([*tables.MEASURED_KEYS, *tables.ITERATED])
    assert len(lines) == 4
    assert main(["refine", run, "--iterated", "--stage", "2"]) == 1
    assert "has no block that keeps the shape" in capsys.readouterr().err
