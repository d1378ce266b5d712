"""Rows of runs at rest are read once, those of changed, resumed and running ones anew."""

import math
import os
import time

import numpy as np
import pandas as pd
import pytest

from explorer import tables
from explorer.runs import kept_rows
from explorer.runs.experiments import end_metrics, experiment, metrics, metrics_of
from explorer.runs.metrics import MetricsWriter, read_end, read_metrics, sample_metrics
from explorer.runs.store import run_folder
from explorer.studies.degradation import report
from explorer.studies.listing import run_errors

NETWORKS = ("plain8", "plain14", "resnet8")


@pytest.fixture
def reads(monkeypatch):
    """How often a file was read, by function and name of its folder."""
    found = []

    def counted(read):
        def call(folder, *arguments):
            found.append((read.__name__, folder.name))
            return read(folder, *arguments)

        return call

    for read in (read_end, read_metrics, sample_metrics):
        monkeypatch.setattr(kept_rows, read.__name__, counted(read))
    return found


def rest(folder, seconds=60):
    """As if its files had been written a while ago."""
    before = time.time() - seconds
    for path in folder.iterdir():
        os.utime(path, (before, before))


@pytest.fixture
def made(make_run):
    ids = [make_run(name, order=order, steps=100, end=0.01) for order, name in enumerate(NETWORKS)]
    for run_id in ids:
        rest(run_folder(run_id))
    return ids


def visit():
    """What the Degradation page reads of the metrics."""
    found = experiment("e1")
    return report([found]).ends, metrics_of(found.runs, points=120), run_errors(found)


def test_a_visit_reads_the_end_and_the_curve_of_each_run_once_and_a_second_one_nothing(made, reads):
    first = visit()
    # its end, the curve for the step of 10 % error, and the one of the chart
    assert sorted(reads) == sorted((name, run) for run in made for name in ("read_end", "read_metrics", "read_metrics"))
    reads.clear()
    second = visit()
    assert reads == []
    for one, other in zip(first[:2], second[:2], strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert first[2] == second[2]


def test_a_run_that_went_on_is_read_anew_and_the_others_are_not(made, reads):
    visit()
    reads.clear()
    with MetricsWriter(run_folder(made[1])) as writer:
        writer.delete_after(99)
        writer.append((100, 1.0, 0.75, 0.1, 10.0, 0.7, 0.8, 10.0))
    rest(run_folder(made[1]), seconds=30)
    _, table, errors = visit()
    assert {run for _, run in reads} == {made[1]}
    assert errors[made[1]][1] == 0.8
    assert table.loc[table["run"] == made[1], "batch_error"].iloc[-1] == 0.75


def test_a_file_that_was_just_written_is_read_every_time(made, reads):
    os.utime(run_folder(made[0]) / "metrics.db")
    for _ in range(2):
        metrics(made, points=120)
    assert [run for _, run in reads].count(made[0]) == 2
    assert len(reads) == 4


def test_a_table_has_what_the_files_have_read_by_hand(made, make_run):
    ids = [*made, make_run("resnet14", step=3, state="paused")]
    table = metrics(ids, points=5)
    by_hand = [(run_id, *row) for run_id in ids for row in read_metrics(run_folder(run_id), 5)]
    assert list(table) == [*tables.RUN_KEYS, *tables.METRICS]
    assert table["run"].tolist() == [row[0] for row in by_hand]
    for place, column in enumerate(tables.METRICS, start=1):
        expected = [math.nan if row[place] is None else row[place] for row in by_hand]
        np.testing.assert_array_equal(table[column], expected)
    assert (table["step"].dtype.kind, table["loss"].dtype.kind) == ("i", "f")


def test_a_table_can_be_changed_without_changing_what_is_kept(made):
    table = end_metrics(experiment("e1").runs, after=95)
    table["batch_error"] = 1.0
    table.loc[:, "test_error"] = 1.0
    assert end_metrics(experiment("e1").runs, after=95)["test_error"].max() < 0.5
