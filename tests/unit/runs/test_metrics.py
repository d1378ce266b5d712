"""The metrics file: one writer, readers at any time, grouping that keeps evaluations."""

import sqlite3

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.errors import StorageError
from explorer.runs import metrics as module
from explorer.runs.experiments import metrics
from explorer.runs.metrics import MetricsWriter, read_progress
from explorer.runs.metrics import read_metrics as read_rows


def read_metrics(folder, points=None):
    return pd.DataFrame(read_rows(folder, points), columns=tables.METRICS).astype(float)


def row(step, batch_error=0.5, error=None):
    return (step, 1.0, batch_error, 0.1, step * 0.5, error, error, 10.0 if error is not None else None)


def test_rows_come_back_in_order_with_nan_between_evaluations(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        for step in range(4):
            writer.append(row(step, error=0.25 if step == 3 else None))
    table = read_metrics(tmp_path)
    assert table["step"].tolist() == [0, 1, 2, 3]
    assert table["test_error"].isna().tolist() == [True, True, True, False]


def test_a_reader_sees_each_row_while_the_writer_is_open(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        for step in range(3):
            writer.append(row(step))
            assert read_progress(tmp_path).step == step


def test_a_closed_file_stands_alone_and_opens_read_only(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.append(row(0))
    assert [file.name for file in tmp_path.iterdir()] == ["metrics.db"]


def test_a_step_cannot_be_written_twice(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.append(row(1))
        with pytest.raises(StorageError, match="UNIQUE"):
            writer.append(row(1))


def test_forgetting_after_a_step_keeps_that_step(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        for step in range(6):
            writer.append(row(step))
        writer.forget_after(3)
        assert writer.last_step() == 3


def test_grouping_averages_between_evaluations_and_keeps_these(tmp_path):
    errors = np.random.default_rng(0).random(1001)
    with MetricsWriter(tmp_path) as writer:
        for step in range(1001):
            writer.append(row(step, errors[step], error=errors[step] if step % 100 == 0 else None))
    table = read_metrics(tmp_path, points=100)
    assert len(table) <= 130
    evaluated = table[table["test_error"].notna()]
    assert evaluated["step"].tolist() == list(range(0, 1001, 100))
    assert evaluated["test_error"].tolist() == errors[::100].tolist()
    group = table[table["step"] == 20].iloc[0]  # steps 11 to 20
    assert group["batch_error"] == pytest.approx(errors[11:21].mean())


@pytest.mark.parametrize("points", [None, 5])
def test_rows_after_a_step_can_be_asked_for(tmp_path, points):
    with MetricsWriter(tmp_path) as writer:
        for step in range(21):
            writer.append(row(step))
    steps = [values[0] for values in read_rows(tmp_path, points, after=15)]
    assert steps == ([16, 17, 18, 19, 20] if points is None else [16, 20])


def test_without_a_file_there_are_no_rows(tmp_path):
    assert read_metrics(tmp_path).empty
    assert read_progress(tmp_path).step == 0


def test_a_network_file_system_gets_no_shared_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_on_network_file_system", lambda folder: True)
    with MetricsWriter(tmp_path) as writer:
        writer.append(row(0))
        with sqlite3.connect(tmp_path / "metrics.db") as database:
            assert database.execute("PRAGMA journal_mode").fetchone() != ("wal",)
        database.close()


def test_runs_share_a_table_with_their_keys(make_run):
    ids = [make_run("plain8", step=2), make_run("resnet20", seed=1, step=3, order=1)]
    table = metrics(ids)
    assert list(table) == [*tables.RUN_KEYS, *tables.METRICS]
    assert table.groupby("run", sort=False).size().to_dict() == {ids[0]: 3, ids[1]: 4}
    last = table.iloc[-1]
    assert (last["network"], last["kind"], last["depth"], last["seed"]) == ("resnet20", "residual", 20, 1)
