"""The metrics file: one writer, readers at any time, grouping that keeps evaluations."""

import hashlib
import os
import sqlite3
import threading

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.errors import StorageError
from explorer.runs import experiments
from explorer.runs import metrics as module
from explorer.runs.experiments import live_blocks, live_layers, metrics
from explorer.runs.metrics import MetricsWriter, read_end, read_live, read_progress, sample_metrics
from explorer.runs.metrics import read_metrics as read_rows
from explorer.runs.metrics_file import copy_metrics, metrics_sha256
from explorer.runs.store import run_folder


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
        writer.delete_after(3)
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


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (2, [0, 50, 100, 103]),
        (5, [*range(0, 101, 20), 103]),
        (10, [*range(0, 101, 10), 103]),
        (20, [*range(0, 103, 5), 103]),
    ],
)
def test_a_sample_is_evenly_spaced_rows_at_evaluations_and_between_them(tmp_path, points, expected):
    with MetricsWriter(tmp_path) as writer:
        for step in range(104):
            writer.append(row(step, step / 200, 0.25 if step % 10 == 0 else None))
    found = sample_metrics(tmp_path, points)
    assert [step for step, *_ in found] == expected
    assert found == [each for each in read_rows(tmp_path) if each[0] in expected]
    assert sample_metrics(tmp_path, points, after=100) == found[-1:]


def test_a_sample_without_evaluations_is_evenly_spaced_all_the_same(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        for step in range(101):
            writer.append(row(step))
    assert [step for step, *_ in sample_metrics(tmp_path, 5)] == [0, 20, 40, 60, 80, 100]


def test_the_end_is_the_last_row_with_the_mean_of_the_batches(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        for step in range(11):
            writer.append(row(step, step / 100, 0.25 if step % 10 == 0 else None))
    assert read_end(tmp_path, 6) == [row(10, pytest.approx(0.085), 0.25)]
    assert read_end(tmp_path, 10) == []


def test_runs_of_many_rows_are_sampled(make_run, monkeypatch):
    ids = [make_run("plain8", seed=seed, steps=40, evaluate_every=10) for seed in (0, 1)]
    assert metrics(ids, points=4)["step"].tolist() != [0, 10, 20, 30, 40] * 2  # averages between evaluations too
    monkeypatch.setattr(experiments, "MOST_AVERAGED", 79)
    assert metrics(ids, points=4)["step"].tolist() == [0, 10, 20, 30, 40] * 2
    assert len(metrics(ids, points=None)) == 82


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


def layer(step, number, spread=0.5):
    return (step, number, f"layer{number}", 1, 1, spread, 0.0, 0.5, 0.1, 0.2)


def block(step, number):
    return (step, 1, number, 0.5, None, 0.9, 0.4)


def test_layers_and_blocks_come_back_by_step_and_depth(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.append_probe([layer(0, 1), layer(0, 2, spread=None)], [block(0, 1)])
        writer.append_probe([layer(5, 1), layer(5, 2)], [block(5, 1)])
    assert read_live(tmp_path, "layers") == [layer(0, 1), layer(0, 2, spread=None), layer(5, 1), layer(5, 2)]
    assert read_live(tmp_path, "blocks") == [block(0, 1), block(5, 1)]


def test_a_look_that_cannot_be_kept_whole_is_not_kept_in_part(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        with pytest.raises(StorageError, match="UNIQUE"):
            writer.append_probe([layer(0, 1)], [block(0, 1), block(0, 1)])
        writer.append(row(0))
        writer.append_probe([layer(1, 1)], [])
    assert read_live(tmp_path, "layers") == [layer(1, 1)]
    assert len(read_metrics(tmp_path)) == 1


def test_forgetting_after_a_step_takes_layers_and_blocks_along(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        for step in range(6):
            writer.append_probe([layer(step, 1)], [block(step, 1)])
        writer.delete_after(3)
    for table in ("layers", "blocks"):
        assert [row[0] for row in read_live(tmp_path, table)] == [0, 1, 2, 3]


@pytest.mark.parametrize("most", [2, 7, 49, 50, 51, None])
def test_few_steps_of_many_are_chosen_evenly_with_both_ends(tmp_path, most):
    steps = [number**2 for number in range(50)]
    with MetricsWriter(tmp_path) as writer:
        for step in steps:
            writer.append_probe([layer(step, 1), layer(step, 2)], [])
    found = read_live(tmp_path, "layers", steps=most)
    chosen = [steps.index(row[0]) for row in found if row[1] == 1]
    assert len(found) == 2 * len(chosen)
    assert len(chosen) == min(50, most or 50)
    assert (chosen[0], chosen[-1]) == (0, 49)
    gaps = np.diff(chosen)
    assert gaps.max() - gaps.min() <= 1


def test_a_file_of_before_there_were_layers_has_none_until_it_is_trained_on(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.append(row(0))
    database = sqlite3.connect(tmp_path / "metrics.db")
    database.executescript("DROP TABLE layers; DROP TABLE blocks")
    database.close()
    assert read_live(tmp_path, "layers") == []
    with MetricsWriter(tmp_path) as writer:
        writer.append_probe([layer(1, 1)], [])
    assert read_live(tmp_path, "layers") == [layer(1, 1)]
    assert read_progress(tmp_path).step == 0


def test_layers_of_runs_share_a_table_with_their_keys(make_run):
    ids = [make_run("plain8"), make_run("resnet20", seed=1, order=1), make_run("plain20", order=2)]
    for run_id in ids[:2]:
        with MetricsWriter(run_folder(run_id)) as writer:
            writer.append_probe([layer(4, 1, spread=None)], [block(4, 1)])
    (run_folder(ids[1]) / "run.json").write_text("{")
    layers, blocks = live_layers(ids), live_blocks(ids)
    assert list(layers) == [*tables.RUN_KEYS, *tables.LIVE_LAYERS]
    assert list(blocks) == [*tables.RUN_KEYS, *tables.LIVE_BLOCKS]
    assert layers["run"].tolist() == blocks["run"].tolist() == [ids[0]]
    assert layers["response_std"].isna().all()
    for table in (layers, live_layers(ids[2:])):
        assert [table[column].dtype.kind for column in ("step", "layer", "zeros")] == ["i", "i", "f"]


def test_the_checksum_is_that_of_the_file_and_of_none_while_it_is_written(tmp_path):
    assert metrics_sha256(tmp_path) == ""
    with MetricsWriter(tmp_path) as writer:
        writer.append(row(0))
        assert metrics_sha256(tmp_path) == ""
    path = tmp_path / "metrics.db"
    facts = path.stat()
    for _ in range(2):
        assert metrics_sha256(tmp_path) == hashlib.sha256(path.read_bytes()).hexdigest()
        path.write_bytes(bytes(facts.st_size))
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # as after a change within a tick of the clock


def test_closing_waits_for_a_reader(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.append(row(0))
        reader = sqlite3.connect(tmp_path / "metrics.db", check_same_thread=False)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM metrics").fetchall()
        threading.Timer(0.2, reader.close).start()
    assert [file.name for file in tmp_path.iterdir()] == ["metrics.db"]


def test_a_copy_of_what_nobody_writes_has_the_same_bytes(tmp_path):
    with MetricsWriter(tmp_path) as writer:
        writer.append(row(0))
        copy_metrics(tmp_path, tmp_path / "while.db")
    copy_metrics(tmp_path, tmp_path / "after.db")
    assert (tmp_path / "after.db").read_bytes() == (tmp_path / "metrics.db").read_bytes()
    for name in ("while", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.db").rename(tmp_path / name / "metrics.db")
        assert read_rows(tmp_path / name) == read_rows(tmp_path)
