"""The server reads the metrics of the experiment that the Degradation page shows first, so that the page need not."""

import os
import time

import pytest

from explorer.runs import experiments, kept_rows
from explorer.runs.metrics import read_end, read_live, read_metrics, sample_metrics
from explorer.runs.store import run_folder
from explorer.ui import server


@pytest.fixture
def reads(monkeypatch):
    """The folders whose metrics were read."""
    found = []
    reading = {read_end: kept_rows, read_metrics: kept_rows, sample_metrics: kept_rows, read_live: experiments}
    for read, place in reading.items():
        monkeypatch.setattr(place, read.__name__, lambda *a, read=read: found.append(a[0].name) or read(*a))
    return found


def test_the_first_visit_of_the_degradation_page_reads_no_metrics_again(open_page, make_run, reads):
    for seed in range(2):
        for network in ("plain8", "resnet8"):
            folder = run_folder(make_run(network, seed=seed, steps=100, end=0.01))
            for path in folder.iterdir():
                os.utime(path, (time.time() - 60,) * 2)
    server._read_ahead()
    assert len(set(reads)) == 4
    reads.clear()
    assert not open_page("degradation").exception
    assert reads == []


def test_a_machine_without_experiments_reads_nothing_ahead(home, reads):
    server._read_ahead()
    assert reads == []
