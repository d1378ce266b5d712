"""Signs of life: what is written, how long a silence is usual, what damage does."""

import os
from contextlib import closing
from types import SimpleNamespace

import pytest

from explorer.runs import heartbeat
from explorer.runs.heartbeat import Heartbeat, last_sign, silent_seconds


@pytest.fixture
def clock(monkeypatch):
    """A clock that only goes on when told so."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: now.seconds)
    return now


@pytest.mark.parametrize(
    ("pauses", "patience"),
    [
        ([], 120.0),  # nothing is known yet: PyTorch is being imported
        ([9.0], 120.0),
        ([0.125] * 10, 10.0),
        ([60.0] * 3, 180.0),  # a step of a minute is no hang
        ([0.125] * 5 + [3600.0, 3600.0] + [0.125] * 5, 10.0),  # stopped for an hour, twice, which is not usual
    ],
)
def test_a_silence_counts_by_the_usual_pauses(pauses, patience, tmp_path, clock):
    heart = Heartbeat([tmp_path])
    for pause in pauses:
        clock.seconds += pause
        heart.beat()
    clock.seconds += 1
    heart.beat()
    assert last_sign(tmp_path).patience == patience
    clock.seconds += patience
    assert silent_seconds(tmp_path) is None
    clock.seconds += 1
    assert silent_seconds(tmp_path) == pytest.approx(patience + 1)


def test_it_is_written_at_most_ten_times_a_second_never_grows_and_goes_with_the_worker(tmp_path, clock, monkeypatch):
    written = []
    monkeypatch.setattr(heartbeat.os, "pwrite", lambda file, text, place: written.append((len(text), place)))
    heart = Heartbeat([tmp_path])
    for _ in range(100):
        clock.seconds += 0.0625
        heart.beat()
    assert len(written) == 1 + 50
    assert set(written) == {(48, 0)}
    heart.close()
    assert not list(tmp_path.iterdir())


def test_all_runs_of_a_worker_tell_the_same(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    Heartbeat(folders)
    assert last_sign(folders[0]) == last_sign(folders[1]) is not None


@pytest.mark.parametrize(
    "content", ["", "x", "1", "1 2 3 4", "1 2 -3", "1 2 3.5", "nan 1", "1 nan", "-1 1", "1 -1", "1e300 1", "9" * 60]
)
def test_what_is_no_sign_of_life_is_none(content, tmp_path):
    (tmp_path / "heartbeat").write_text(content)
    assert last_sign(tmp_path) is None
    assert silent_seconds(tmp_path) is None


def test_the_step_of_the_least_advanced_run_is_told(tmp_path, clock):
    heart = Heartbeat([tmp_path])
    assert last_sign(tmp_path).step == 0
    heart.step = 999_999_999
    clock.seconds += 1
    heart.beat()
    assert last_sign(tmp_path).step == 999_999_999
    (tmp_path / "heartbeat").write_text("1000.000 0.125\n")  # of an earlier version
    assert last_sign(tmp_path) == heartbeat.Sign(1000.0, 0.125, 0)


def test_a_link_is_neither_followed_nor_in_the_way(tmp_path):
    (tmp_path / "mine").write_text("keep")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "heartbeat").symlink_to(tmp_path / "mine")
    Heartbeat([folder]).beat()
    assert last_sign(folder) is None
    assert (tmp_path / "mine").read_text() == "keep"


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "heartbeat")
    with closing(Heartbeat([tmp_path])) as heartbeat:
        heartbeat.beat()
    assert last_sign(tmp_path) is None
